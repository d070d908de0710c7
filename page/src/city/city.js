import { FormatError } from "../format/error.js";
import { isObject, isWhole } from "../format/header_json.js";

const FORMAT = 1;
const REMEDY = "pack the city again";

/**
 * A file of the city's folder.
 * @typedef {object} Listed
 * @property {string} name
 * @property {number} bytes
 */

/**
 * What city.json says.
 * @typedef {object} City
 * @property {string} title
 * @property {number | null} threshold the least similarity that tells a place
 * @property {{graph: Listed, weights: Listed, model: Listed, map: Listed}} files
 * @property {string | null} thumbnails folder of the pictures `<place>.jpg`
 * @property {string | null} thumbnailDigests file of a list with the SHA-256 of each of them
 * @property {string | null} labels file of a list with a name or null for each place
 * @property {Record<string, string>} digests SHA-256 of files by name, in hexadecimal
 */

/**
 * What the list beside a graph says of it.
 * @typedef {object} Graph
 * @property {string} model of the model's file, its SHA-256 in hexadecimal
 * @property {string} input
 * @property {string} output
 * @property {number} minSide pixels that an image must have on either side
 * @property {import("../image/sizing.js").Sizing} sizing
 * @property {{path: string, tensor: string, shape: number[]}[]} weights
 */

/**
 * @param {Uint8Array} bytes
 * @param {string} name of the file
 * @returns {any}
 */
export function parseJson(bytes, name) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new FormatError(`${name} is no JSON; ${REMEDY}`);
  }
}

/** @param {unknown} name */
function isPlain(name) {
  return typeof name === "string" && name !== "" && !/[/\\:]/.test(name) && name !== "." && name !== "..";
}

/** @param {unknown} threshold */
function isThreshold(threshold) {
  return threshold === null || (typeof threshold === "number" && Math.abs(threshold) <= 1);
}

/** @param {unknown} digest */
function isDigest(digest) {
  return typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest);
}

/**
 * @param {Uint8Array} bytes of city.json
 * @returns {City}
 * @throws {FormatError}
 */
export function readCity(bytes) {
  const content = parseJson(bytes, "city.json");
  if (!isObject(content) || content.format !== FORMAT) throw new FormatError(`city.json is not of format ${FORMAT}; ${REMEDY}`);
  const { title, threshold, files, page = {}, digests = {} } = content;
  const good = typeof title === "string" && isThreshold(threshold) && [files, page, digests].every(isObject) && Object.values(digests).every(isDigest);
  if (!good) throw new FormatError(`city.json: title, threshold, files, page or digests are malformed; ${REMEDY}`);
  const listed = (/** @type {string} */ what) => {
    const entry = files[what];
    if (!isObject(entry) || !isPlain(entry.name) || !isWhole(entry.bytes, 1)) {
      throw new FormatError(`city.json names no file as ${what}; ${REMEDY}`);
    }
    return { name: entry.name, bytes: entry.bytes };
  };
  const { thumbnails = null, thumbnail_digests: thumbnailDigests = null, labels = null } = page;
  for (const name of [thumbnails, thumbnailDigests, labels]) {
    if (name !== null && !isPlain(name)) throw new FormatError(`city.json: ${String(name).slice(0, 80)} is no plain name; ${REMEDY}`);
  }
  const named = { graph: listed("graph"), weights: listed("weights"), model: listed("model"), map: listed("map") };
  return { title, threshold, files: named, thumbnails, thumbnailDigests, labels, digests };
}

/**
 * @param {Uint8Array} bytes of the list beside a graph without weights
 * @returns {Graph}
 * @throws {FormatError}
 */
export function readGraphList(bytes) {
  const content = parseJson(bytes, "the list of weights");
  const { format, values, model_sha256: model, input, output, weights } = isObject(content) ? content : {};
  const good =
    format === FORMAT &&
    values === "decoded" &&
    typeof model === "string" &&
    isObject(input) &&
    typeof input.name === "string" &&
    isWhole(input.min_side, 1) &&
    isSizing(input.sizing) &&
    isObject(output) &&
    typeof output.name === "string" &&
    Array.isArray(weights) &&
    weights.every((each) => isObject(each) && typeof each.path === "string" && typeof each.tensor === "string" && Array.isArray(each.shape));
  if (!good) throw new FormatError(`the list of weights is not of format ${FORMAT}; ${REMEDY}`);
  return { model, input: input.name, output: output.name, minSide: input.min_side, sizing: input.sizing, weights };
}

/** @param {any} sizing */
function isSizing(sizing) {
  return (
    isObject(sizing) &&
    isWhole(sizing.image_size, 1, 8192) &&
    typeof sizing.interpolation === "string" &&
    typeof sizing.decoder_scaling === "boolean" &&
    (sizing.squeeze === undefined ||
      (Array.isArray(sizing.squeeze) && sizing.squeeze.length === 2 && sizing.squeeze.every((/** @type {any} */ side) => isWhole(side, 1, 8192))))
  );
}

/**
 * @param {any} content of the file of labels
 * @param {number} places
 * @returns {(string | null)[]} a name for each place
 */
export function readLabels(content, places) {
  const good = Array.isArray(content) && content.length === places && content.every((each) => each === null || typeof each === "string");
  if (!good) throw new FormatError(`the file of names has none for each of ${places} places; ${REMEDY}`);
  return content;
}

/**
 * @param {any} content of the file of thumbnails' digests
 * @param {number} places
 * @returns {string[]} SHA-256 of each place's thumbnail
 */
export function readThumbnailDigests(content, places) {
  const good = Array.isArray(content) && content.length === places && content.every(isDigest);
  if (!good) throw new FormatError(`the file of thumbnails' digests has none for each of ${places} places; ${REMEDY}`);
  return content;
}
