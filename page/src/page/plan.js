const MOST = 4000; // points: more are a grey area anyway
const SIZE = 100;

/**
 * Where the places lie, north above, and which of them were found.
 * @param {Float64Array} positions easting and northing of each place
 * @param {number[]} found places, the best first
 * @returns {SVGSVGElement}
 */
export function planOf(positions, found) {
  const count = positions.length / 2;
  const east = (/** @type {number} */ place) => positions[2 * place];
  const south = (/** @type {number} */ place) => -positions[2 * place + 1];
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let place = 0; place < count; place++) {
    left = Math.min(left, east(place));
    right = Math.max(right, east(place));
    top = Math.min(top, south(place));
    bottom = Math.max(bottom, south(place));
  }
  const unit = Math.max(right - left, bottom - top, 1) / SIZE;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const [width, height] = [(right - left) / unit, (bottom - top) / unit];
  svg.setAttribute("viewBox", `-4 -4 ${width + 8} ${height + 8}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "A plan of all places, north above; the ones that were found are marked");
  const point = (/** @type {number} */ place, /** @type {string} */ kind, /** @type {number} */ radius) => {
    const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    circle.setAttribute("class", kind);
    circle.setAttribute("cx", ((east(place) - left) / unit).toFixed(2));
    circle.setAttribute("cy", ((south(place) - top) / unit).toFixed(2));
    circle.setAttribute("r", String(radius));
    svg.append(circle);
  };
  const step = Math.ceil(count / MOST);
  for (let place = 0; place < count; place += step) point(place, "place", 0.7);
  [...found].reverse().forEach((place, i) => point(place, "found", i === found.length - 1 ? 2.5 : 1.2));
  return svg;
}
