import { ByteReader } from "./byte_reader.js";
import { readCodebook, valuesOf } from "./codebook.js";
import { FormatError } from "./error.js";
import { inflateRaw } from "./inflate.js";
import { kernelsFromCoefficients, requireKernels } from "./kernels.js";
import { decodeSymbols, modelsOf, ONE_SET } from "./rans.js";
import { frequenciesOfSigns, levelsFromPlaces, TRELLIS } from "./trellis.js";
import { readMultiples } from "./whole_multiples.js";

const MOST_SIDE = 2 ** 24;

/**
 * @param {number[]} shape
 * @returns {number} how many numbers a tensor has
 */
export function sizeOf(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * A quantized layer: a number a weight, and what it stands for.
 * @typedef {object} Quantized
 * @property {Uint8Array | Uint16Array} symbols [R, C, K]
 * @property {import("./codebook.js").Codebook} codebook
 */

/**
 * @param {Uint8Array} payload of the coding `symbols`
 * @param {number[]} shape
 * @returns {Quantized}
 */
export function readSymbols(payload, shape) {
  const reader = new ByteReader(payload);
  const codebook = readCodebook(inflateRaw(reader.take(reader.integer()), MOST_SIDE), shape);
  if (codebook.coefficients) requireKernels(shape);
  const { onTrellis, frequencies, levels, low, rowSizes, inputSizes, tapSizes } = codebook;
  const models = () => {
    if (!onTrellis) return modelsOf(frequencies, levels.length);
    const places = levels.length / 4 + 0.5; // of magnitude 0 to P, of 4 P + 2 levels
    return modelsOf(frequenciesOfSigns(frequencies, places), 2 * places - 1);
  };
  const machine = onTrellis ? TRELLIS : ONE_SET;
  const symbols = decodeSymbols(reader, models, machine, low, rowSizes, inputSizes, tapSizes);
  if (!onTrellis) return { codebook, symbols };
  return { codebook, symbols: levelsFromPlaces(symbols, rowSizes.length, levels.length / 2) };
}

/**
 * @param {Quantized} layer
 * @param {number[]} shape
 * @returns {Float32Array} the weights, rows first
 */
export function weightsOf({ codebook, symbols }, shape) {
  const values = valuesOf(codebook, symbols);
  if (codebook.coefficients) kernelsFromCoefficients(values, shape);
  return values;
}

/**
 * @param {Uint8Array} payload
 * @param {number} count
 * @param {2 | 4} bytes of a number
 */
function readStored(payload, count, bytes) {
  if (payload.length !== bytes * count) {
    throw new FormatError(`${bytes * count} bytes expected, ${payload.length} found`);
  }
  const reader = new ByteReader(payload);
  const values = bytes === 4 ? reader.floats(count) : reader.halves(count);
  if (!values.every(Number.isFinite)) throw new FormatError("a number is not finite");
  return values;
}

/** @type {Record<string, (payload: Uint8Array, shape: number[], count: number) => Float32Array>} */
const CODINGS = {
  float32: (payload, _, count) => readStored(payload, count, 4),
  float16: (payload, _, count) => readStored(payload, count, 2),
  multiples: (payload, _, count) => readMultiples(payload, count),
  symbols: (payload, shape) => weightsOf(readSymbols(payload, shape), shape),
};

export const CODING_NAMES = Object.keys(CODINGS);

/**
 * @param {string} coding
 * @param {Uint8Array} payload
 * @param {number[]} shape
 * @returns {Float32Array} the tensor's numbers, rows first
 */
export function readTensor(coding, payload, shape) {
  return CODINGS[coding](payload, shape, sizeOf(shape));
}
