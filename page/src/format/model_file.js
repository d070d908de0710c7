import { ByteReader } from "./byte_reader.js";
import { crc32 } from "./crc32.js";
import { FormatError, within } from "./error.js";
import { isObject, isWhole, readHeader } from "./header_json.js";
import { inflateZlib } from "./inflate.js";
import { CODING_NAMES, readTensor, sizeOf } from "./layer.js";

const MAGIC = [0x89, 0x50, 0x56, 0x4c, 0x41, 0x44, 0x0d, 0x0a];
const MOST_HEADER = 2 ** 20;
const MOST_LAYERS = 4096;
const MOST_DIMENSIONS = 8;
const MOST_WEIGHTS = 2 ** 29;
const MOST_FIGURE = 1e6; // of a mean or a deviation
const PARTS = ["backbone", "pooling", "projection"];
const HALF_PAIR = /\p{Surrogate}/u; // that UTF-8 cannot hold
const ROLES = ["convolution", "linear", "cluster", "bias", "kept", "other"];
// What version 2 calls the parts, and the role of the weights of each.
const VERSION_2 = { backbone: ["backbone", "convolution"], netvlad: ["pooling", "cluster"], whitening: ["projection", "linear"] };

/**
 * @typedef {object} Layer
 * @property {string} name
 * @property {string} part
 * @property {string} role
 * @property {number[]} shape
 * @property {string} coding
 * @property {Uint8Array} payload
 */

/**
 * @typedef {object} ModelFile
 * @property {number} version
 * @property {Record<string, any>} header
 * @property {Layer[]} layers
 */

/**
 * Reads all of a file but what its payloads stand for; their checksums hold.
 * @param {Uint8Array} bytes
 * @param {number} [most] weights that it may claim
 * @returns {ModelFile}
 * @throws {FormatError}
 */
export function openModel(bytes, most = MOST_WEIGHTS) {
  const reader = new ByteReader(bytes);
  const magic = reader.take(8);
  if (!MAGIC.every((byte, i) => magic[i] === byte)) throw new FormatError("this is no .pvlad file");
  const version = reader.uint16();
  if (version !== 2 && version !== 3) throw new FormatError(`version ${version} is unknown; this program reads 2 and 3`);
  const length = reader.uint32();
  if (length > MOST_HEADER) throw new FormatError(`a header of ${length} bytes; at most ${MOST_HEADER} are allowed`);
  const sum = reader.uint32();
  const packed = reader.take(length);
  if (crc32(packed) !== sum) throw new FormatError("the header is damaged: its checksum differs");
  const { header, whole } = readHeader(inflateZlib(packed, MOST_HEADER));
  if (version === 2) requireVersion2(header.architecture);
  return { version, header, layers: readLayers(reader, whole.layers, version, most) };
}

/**
 * @param {ByteReader} reader at the first payload
 * @param {unknown} entries
 * @param {number} version
 * @param {number} most weights
 */
function readLayers(reader, entries, version, most) {
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > MOST_LAYERS) {
    throw new FormatError(`the header has no list of 1 to ${MOST_LAYERS} layers`);
  }
  const found = entries.map(version === 2 ? entryOfVersion2 : entryOf);
  if (new Set(found.map(({ name }) => name)).size !== found.length) throw new FormatError("the name of a layer occurs twice");
  const weights = found.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (!(weights <= most)) throw new FormatError(`the header claims ${weights} weights; at most ${most} are allowed`);
  const declared = found.reduce((sum, { bytes }) => sum + bytes, 0);
  if (declared !== reader.left) throw new FormatError(`${reader.left} bytes of layers found, ${declared} declared`);
  return found.map(({ bytes, sum, ...layer }) => {
    const payload = reader.take(bytes);
    if (crc32(payload) !== sum) throw new FormatError(`layer ${layer.name}: damaged, its checksum differs`);
    return { ...layer, payload };
  });
}

/** @param {unknown} entry of version 3 */
function entryOf(entry) {
  if (!Array.isArray(entry) || entry.length !== 7) throw malformed(entry);
  const [name, part, role, shape, coding, bytes, sum] = entry;
  if (!PARTS.includes(part) || !ROLES.includes(role)) throw malformed(entry);
  return checkedEntry({ name, part, role, shape, coding, bytes, sum });
}

/** @param {unknown} entry of version 2 */
function entryOfVersion2(entry) {
  if (!Array.isArray(entry) || entry.length !== 5) throw malformed(entry);
  const [name, shape, coding, bytes, sum] = entry;
  const [begin, rest] = typeof name === "string" ? name.split(/\.(.*)/s) : [];
  const found = Object.entries(VERSION_2).find(([part]) => part === begin && rest !== undefined);
  if (!found) throw new FormatError(`${String(name).slice(0, 200)} is no name of version 2`);
  const [part, role] = found[1];
  return checkedEntry({ name, part, role: name.endsWith("bias") ? "bias" : role, shape, coding, bytes, sum });
}

/** @param {{name: any, part: string, role: string, shape: any, coding: any, bytes: any, sum: any}} entry */
function checkedEntry(entry) {
  const { name, shape, coding, bytes, sum } = entry;
  const good =
    typeof name === "string" &&
    !HALF_PAIR.test(name) &&
    Array.isArray(shape) &&
    shape.length <= MOST_DIMENSIONS &&
    shape.every((size) => isWhole(size, 1)) &&
    CODING_NAMES.includes(coding) &&
    isWhole(bytes, 0) &&
    isWhole(sum, 0, 2 ** 32 - 1);
  if (!good) throw malformed(entry);
  return entry;
}

/** @param {unknown} entry */
function malformed(entry) {
  return new FormatError(`a layer of the header is malformed: ${(JSON.stringify(entry) ?? "nothing").slice(0, 200)}`);
}

/** @param {unknown} architecture */
function requireVersion2(architecture) {
  const good =
    isObject(architecture) &&
    Object.keys(architecture).sort().join() === "backbone,clusters,descriptor,width" &&
    typeof architecture.backbone === "string";
  if (!good) throw new FormatError("the architecture is not one of version 2");
}

/**
 * @param {Layer} layer
 * @returns {Float32Array} its numbers, rows first
 */
export function numbersOf(layer) {
  return within(`layer ${layer.name}`, () => readTensor(layer.coding, layer.payload, layer.shape));
}

/**
 * What pixels become before the network sees them: that of a model that is used, not only opened.
 * @param {Record<string, any>} header
 * @throws {FormatError} it is not that of three channels
 */
export function requirePreprocessing(header) {
  const { mean, std } = isObject(header.preprocessing) ? header.preprocessing : {};
  const isFigure = (/** @type {unknown} */ value) => typeof value === "number" && Math.abs(value) < MOST_FIGURE;
  const three = (/** @type {unknown} */ list) => Array.isArray(list) && list.length === 3 && list.every(isFigure);
  if (!three(mean) || !three(std) || !std.every((/** @type {number} */ value) => value > 0)) {
    const found = (JSON.stringify(header.preprocessing) ?? "nothing").slice(0, 200);
    throw new FormatError(`the preprocessing ${found} is not that of three channels, a mean and a deviation each`);
  }
}
