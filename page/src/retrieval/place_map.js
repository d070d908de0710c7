import { FormatError } from "../format/error.js";
import { codesOf } from "./codes.js";

const AGAIN = 100; // places that are ranked again by the finer code, or as many as there are answers

/**
 * @typedef {object} Answer
 * @property {number} place its number in the map
 * @property {number} similarity
 */

/** A map that is searched. */
export class PlaceMap {
  /** @param {import("../format/map_file.js").MapFile} file */
  constructor(file) {
    this.file = file;
    const { code, finer } = codesOf(file);
    this.code = code;
    this.finer = finer;
    const centres = file.sections.get("list_centres");
    if (centres && centres.shape[1] !== code.length) throw new FormatError("the centres of lists are of another length");
    this.requireCodes();
  }

  get width() {
    return this.file.codes.shape[1];
  }

  /** Reads once every code that may have a number that is not finite: it is refused. */
  requireCodes() {
    const { bytes } = this.file.codes;
    for (let place = 0; place < this.file.places; place++) {
      if (!this.code.finite) this.code.decode(bytes, place * this.width);
      if (this.finer && !this.finer.finite) this.finer.decode(bytes, place * this.width + this.code.bytes);
    }
  }

  /**
   * Compares a query with every place.
   * @param {ArrayLike<number>} descriptor of the query
   * @param {number} count of answers
   * @returns {Answer[]} the most similar first; of equal ones the first place
   */
  search(descriptor, count) {
    const similarity = this.code.comparer(this.code.prepare(descriptor));
    const { bytes } = this.file.codes;
    const first = best(this.file.places, (place) => similarity(bytes, place * this.width), Math.max(count, this.finer ? AGAIN : 0));
    if (!this.finer) return first;
    const again = this.finer.comparer(this.finer.prepare(descriptor));
    const behind = (/** @type {number} */ place) => again(bytes, place * this.width + this.code.bytes);
    const ranked = first.map(({ place }) => ({ place, similarity: behind(place) }));
    return ranked.sort(moreSimilar).slice(0, count);
  }
}

/**
 * @param {Answer} a
 * @param {Answer} b
 */
function moreSimilar(a, b) {
  return b.similarity - a.similarity || a.place - b.place;
}

/**
 * @param {number} places
 * @param {(place: number) => number} similarity
 * @param {number} count
 * @returns {Answer[]} the `count` most similar
 */
function best(places, similarity, count) {
  /** @type {Answer[]} */
  const found = [];
  let least = -Infinity; // what a place must be above, once there are enough
  for (let place = 0; place < places; place++) {
    const value = similarity(place);
    if (!(value > least)) continue;
    let at = found.length;
    while (at && found[at - 1].similarity < value) at--;
    found.splice(at, 0, { place, similarity: value });
    if (found.length > count) found.pop();
    if (found.length === count) least = found[count - 1].similarity;
  }
  return found;
}
