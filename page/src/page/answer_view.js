import { element, made } from "./elements.js";
import { digestIn, fetchExactly } from "./exact_fetch.js";
import { planOf } from "./plan.js";
import { similarityTexts } from "./similarity.js";

/**
 * What the worker says of the city.
 * @typedef {object} Ready
 * @property {string} title
 * @property {number | null} threshold
 * @property {string | null} version of the city: a digest
 * @property {string[] | null} thumbnails their addresses, by place
 * @property {number} places
 * @property {Float64Array | null} positions
 * @property {string[]} files addresses
 * @property {string | null} instead why this is not the newest version; null: it is
 * @property {number} memory in bytes
 */

/**
 * @typedef {object} Answered
 * @property {import("../city/recogniser.js").Found[]} found
 * @property {{picture: number, network: number, search: number, all: number}} milliseconds
 * @property {number} memory in bytes
 */

/** @param {import("../city/recogniser.js").Found} found */
function nameOf({ label, file }) {
  return label ?? /** @type {string} */ (file.split("/").pop()).replace(/\.[^.]*$/, "");
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return `${Math.round(bytes / 1e6)} MB`;
}

/** @param {number} milliseconds */
function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/**
 * @param {Ready} city
 * @param {Answered} answered
 */
export function showAnswer(city, { found, milliseconds, memory }) {
  const [best] = found;
  const { threshold } = city;
  const known = threshold === null || best.similarity >= threshold;
  element("h2", "place").textContent = known ? nameOf(best) : "I do not know this place";
  element("p", "sure").textContent = sureText(best.similarity, threshold);
  element("div", "sureness").hidden = threshold === null;
  if (threshold !== null) element("meter", "meter").value = surenessOf(best.similarity, threshold);
  const heading = known ? "" : "Most like it: ";
  element("ol", "pictures").replaceChildren(...found.map((each) => pictureOf(city, each, heading)));
  const plan = city.positions && known ? [planOf(city.positions, found.map(({ place }) => place))] : [];
  element("div", "plan").replaceChildren(...plan);
  const { picture, network, search, all } = milliseconds;
  element("p", "used").textContent =
    `${seconds(all)} on this device (picture ${seconds(picture)}, network ${seconds(network)}, search ${seconds(search)}), ` +
    `${megabytes(memory)} of memory for the network. Nothing was sent.`;
}

/**
 * Takes the answer away.
 * @param {string} heading what stands in its place
 */
export function clearAnswer(heading) {
  element("h2", "place").textContent = heading;
  element("p", "sure").textContent = element("p", "used").textContent = "";
  element("div", "sureness").hidden = true;
  element("ol", "pictures").replaceChildren();
  element("div", "plan").replaceChildren();
}

/**
 * From 0 at the threshold to 1 where pictures are one.
 * @param {number} similarity
 * @param {number} threshold
 */
function surenessOf(similarity, threshold) {
  return Math.min(1, Math.max(0, (similarity - threshold) / Math.max(1e-9, 1 - threshold)));
}

/**
 * @param {number} similarity
 * @param {number | null} threshold
 */
function sureText(similarity, threshold) {
  const [found, least] = similarityTexts(similarity, threshold);
  const text = `Similarity of the best picture: ${found}`;
  if (threshold === null) return `${text}. This city does not say from where on a place is known.`;
  return `${text}; a place is known from ${least} on.`;
}

/**
 * @param {Ready} city
 * @param {import("../city/recogniser.js").Found} found
 * @param {string} heading
 */
function pictureOf({ thumbnails }, found, heading) {
  const name = nameOf(found);
  const caption = made("figcaption", {}, `${name} (${similarityTexts(found.similarity)[0]})`);
  const image = thumbnails && thumbnailOf(thumbnails[found.place], `${heading}${name}`);
  return made("li", {}, made("figure", { title: found.file }, ...(image ? [image] : []), caption));
}

/**
 * A picture of a place: that of its digest, or none.
 * @param {string} path its address in the folder
 * @param {string} alt
 */
function thumbnailOf(path, alt) {
  const address = new URL(path, location.href).href;
  const digest = digestIn(address);
  // The service worker checks what it gives; without https nobody can.
  if (!digest || !globalThis.crypto?.subtle || navigator.serviceWorker?.controller) {
    return made("img", { src: address, alt, loading: "lazy" });
  }
  const image = made("img", { alt });
  image.addEventListener("load", () => URL.revokeObjectURL(image.src));
  fetchExactly(address, digest)
    .then((response) => response.blob())
    .then((blob) => (image.src = URL.createObjectURL(blob)))
    .catch(() => {}); // its text is shown instead
  return image;
}
