import { ByteReader } from "./byte_reader.js";
import { FormatError } from "./error.js";

const GRID = 1;
const ROW_SCALES = 2;
const COEFFICIENTS = 4;
const INPUT_SCALES = 8;
const TRELLIS = 16;
const ALL = GRID | ROW_SCALES | COEFFICIENTS | INPUT_SCALES | TRELLIS;

/**
 * Rows, inputs and taps of a tensor.
 * @param {number[]} shape
 */
export function axesOf(shape) {
  const [rows = 1, inputs = 1, ...taps] = shape;
  return { rows, inputs, taps: taps.reduce((product, size) => product * size, 1) };
}

/**
 * What numbers of a quantized layer stand for, and how often each occurs.
 * @typedef {object} Codebook
 * @property {boolean} coefficients whether values are those of kernels' cosine transform
 * @property {boolean} onTrellis whether levels depend on those before them in their row
 * @property {Float32Array} levels [L + 1] zero, then each level
 * @property {Float32Array | null} rowScales [R]
 * @property {Float32Array | null} inputScales [C]
 * @property {number} low the sum of sizes of the first model
 * @property {Uint8Array} rowSizes [R]
 * @property {Uint8Array} inputSizes [C]
 * @property {Uint8Array} tapSizes [K]
 * @property {Int32Array} frequencies [M * (L + 1)]; on the trellis [2 * M * (P + 1)] of magnitudes
 */

/**
 * @param {Uint8Array} side a layer's side information, unpacked
 * @param {number[]} shape
 * @returns {Codebook}
 * @throws {FormatError} it is none, or a weight from it may not be finite
 */
export function readCodebook(side, shape) {
  const reader = new ByteReader(side);
  const axes = axesOf(shape);
  const flags = reader.uint8();
  if (flags & ~ALL) throw new FormatError(`kind of codebook ${flags} is unknown`);
  const coefficients = Boolean(flags & COEFFICIENTS);
  if (coefficients && shape.length !== 4) {
    throw new FormatError(`coefficients of kernels in a layer of ${shape.length} dimensions`);
  }
  const count = reader.uint16();
  const onTrellis = Boolean(flags & TRELLIS);
  if (onTrellis && (count % 4 !== 1 || count < 5 || count > 509)) {
    throw new FormatError(`${count} levels on the trellis; 5, 9, 13 and so on to 509 are possible`);
  }
  if (!onTrellis && count > 255) throw new FormatError(`${count} levels; at most 255 are allowed`);
  const levels = new Float32Array(count + 1);
  levels.set(flags & GRID ? grid(reader.floats(2), count) : reader.floats(count), 1);
  if (!levels.every(Number.isFinite)) throw new FormatError("a level is not finite");
  const rowScales = flags & ROW_SCALES ? scales(reader, axes.rows, "a row") : null;
  const inputScales = flags & INPUT_SCALES ? scales(reader, axes.inputs, "an input") : null;
  requireFinite(levels, rowScales, inputScales, coefficients ? axes.taps : 1);
  const models = reader.uint8();
  if (models < 1 || models > 64) throw new FormatError(`${models} models of symbols; 1 to 64 are allowed`);
  const low = reader.uint8();
  const rowSizes = reader.take(axes.rows);
  const inputSizes = reader.take(axes.inputs);
  const tapSizes = reader.take(axes.taps);
  const lists = onTrellis ? 2 * models : models;
  const frequencies = new Int32Array(lists * (onTrellis ? (count + 3) / 4 : count + 1));
  for (let i = 0; i < frequencies.length; i++) frequencies[i] = reader.integer();
  reader.end();
  return {
    coefficients,
    onTrellis,
    levels,
    rowScales,
    inputScales,
    low,
    rowSizes,
    inputSizes,
    tapSizes,
    frequencies,
  };
}

/**
 * @param {Float32Array} ends
 * @param {number} count
 */
function grid([first, last], count) {
  if (count < 2 || !Number.isFinite(first) || !Number.isFinite(last)) {
    throw new FormatError(`a grid of ${count} levels from ${first} to ${last}`);
  }
  const step = (last - first) / (count - 1);
  const levels = Float32Array.from({ length: count }, (_, i) => first + i * step);
  levels[count - 1] = last;
  return levels;
}

/**
 * @param {ByteReader} reader
 * @param {number} count
 * @param {string} whose
 */
function scales(reader, count, whose) {
  const found = reader.halves(count);
  if (!found.every((scale) => scale > 0 && scale < Infinity)) {
    throw new FormatError(`the scale of ${whose} is not a number above 0`);
  }
  return found;
}

/**
 * @param {Float32Array} levels
 * @param {Float32Array | null} rowScales
 * @param {Float32Array | null} inputScales
 * @param {number} summands of a weight
 */
function requireFinite(levels, rowScales, inputScales, summands) {
  const most = largest(levels, 0) * largest(rowScales, 1) * largest(inputScales, 1) * Math.sqrt(summands);
  if (!(most <= 3.4028234663852886e38)) {
    throw new FormatError("a level, times its scales or transformed, is not finite");
  }
}

/**
 * @param {Float32Array | null} values
 * @param {number} least
 * @returns {number} the largest magnitude, or `least` if that is larger
 */
function largest(values, least) {
  return values ? values.reduce((most, value) => Math.max(most, Math.abs(value)), least) : least;
}

/**
 * @param {Codebook} codebook
 * @param {Uint8Array | Uint16Array} symbols [R, C, K]
 * @returns {Float32Array} [R, C, K] what they stand for: weights, or coefficients
 */
export function valuesOf(codebook, symbols) {
  const { levels, rowScales, inputScales, rowSizes, inputSizes, tapSizes } = codebook;
  const taps = tapSizes.length;
  const values = new Float32Array(symbols.length);
  // Float32Array rounds each product.
  const ofRow = new Float32Array(levels);
  for (let row = 0, i = 0; row < rowSizes.length; row++) {
    if (rowScales) levels.forEach((level, s) => (ofRow[s] = level * rowScales[row]));
    if (!inputScales) {
      for (const end = i + inputSizes.length * taps; i < end; i++) values[i] = ofRow[symbols[i]];
      continue;
    }
    for (let input = 0; input < inputSizes.length; input++) {
      const scale = inputScales[input];
      for (const end = i + taps; i < end; i++) values[i] = ofRow[symbols[i]] * scale;
    }
  }
  return values;
}
