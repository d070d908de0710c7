import { element } from "./elements.js";

const LEAST = 8; // CSS pixels on either side; less is a touch, not a box

/** The part of the picture that counts, marked by dragging or by four sliders. */
export class MarkedBox {
  /** @param {() => void} changed */
  constructor(changed) {
    this.frame = element("div", "frame");
    this.picture = element("img", "picture");
    this.shown = element("div", "box");
    this.whole = element("button", "whole");
    this.sliders = ["left", "top", "right", "bottom"].map((id) => element("input", id));
    /** @type {number[] | null} left, top, right, bottom as shares of the picture's sides; null: all of it counts */
    this.shares = null;
    this.changed = changed;
    /** @type {AbortController | null} what takes a drag's listeners away; null: there is no drag */
    this.drawing = null;
    this.frame.addEventListener("pointerdown", (event) => this.drag(event));
    this.whole.addEventListener("click", () => this.set(null, true));
    for (const slider of this.sliders) {
      slider.addEventListener("input", () => this.set(this.fromSliders(), false));
      slider.addEventListener("change", () => changed());
    }
  }

  fromSliders() {
    const [left, top, right, bottom] = this.sliders.map((slider) => Number(slider.value) / 100);
    const shares = [Math.min(left, right), Math.min(top, bottom), Math.max(left, right), Math.max(top, bottom)];
    const all = shares.join() === "0,0,1,1";
    return all || shares[0] === shares[2] || shares[1] === shares[3] ? null : shares;
  }

  /**
   * @param {number[] | null} shares
   * @param {boolean} done
   */
  set(shares, done) {
    this.shares = shares;
    this.shown.hidden = this.whole.hidden = !shares;
    const [left, top, right, bottom] = shares ?? [0, 0, 1, 1];
    const percent = (/** @type {number} */ share) => `${100 * share}%`;
    Object.assign(this.shown.style, { left: percent(left), top: percent(top), width: percent(right - left), height: percent(bottom - top) });
    if (!done) return;
    this.sliders.forEach((slider, i) => (slider.value = String(Math.round(100 * [left, top, right, bottom][i]))));
    this.changed();
  }

  /** Forgets the box of another picture, also one that is being drawn. */
  clear() {
    this.stopDrawing();
    const { changed } = this;
    this.changed = () => {};
    this.set(null, true);
    this.changed = changed;
  }

  stopDrawing() {
    this.drawing?.abort();
    this.drawing = null;
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const { pointerId } = event;
    // A second finger is for pinching.
    if (!event.isPrimary || event.button !== 0 || this.drawing) return;
    const bounds = this.picture.getBoundingClientRect();
    const share = (/** @type {PointerEvent} */ { clientX, clientY }) => [
      Math.min(1, Math.max(0, (clientX - bounds.left) / bounds.width)),
      Math.min(1, Math.max(0, (clientY - bounds.top) / bounds.height)),
    ];
    const [x, y] = share(event);
    const before = this.shares;
    this.frame.setPointerCapture(pointerId);
    this.drawing = new AbortController();
    const { signal } = this.drawing;
    const move = (/** @type {PointerEvent} */ moved) => {
      const [u, v] = share(moved);
      this.set([Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)], false);
    };
    const end = (/** @type {PointerEvent} */ ended) => {
      this.stopDrawing();
      const [left, top, right, bottom] = this.shares ?? [0, 0, 0, 0];
      const large = (right - left) * bounds.width >= LEAST && (bottom - top) * bounds.height >= LEAST;
      if (ended.type === "pointerup" && large) this.set(this.shares, true);
      else this.set(before, false);
    };
    const listen = (/** @type {"pointermove" | "pointerup" | "lostpointercapture"} */ kind, /** @type {(event: PointerEvent) => void} */ act) =>
      this.frame.addEventListener(kind, (each) => each.pointerId === pointerId && act(each), { signal });
    listen("pointermove", move);
    listen("pointerup", end);
    listen("lostpointercapture", end); // whatever else ends it, as a pinch
  }
}
