import { FormatError } from "./error.js";

// States have 64 bits: an upper and a lower half, each an integer of 32 bits. Products are those of
// 16 bits and 17, which Math.imul gives exactly modulo 2^32.

const SLOTS = 65536;

/**
 * What decodes a slot, a model after another.
 * @typedef {object} Models
 * @property {number} count
 * @property {number} symbols of each model
 * @property {Int32Array} frequencies [count * symbols]
 * @property {Int32Array} starts [count * symbols] the first slot of each symbol
 * @property {Uint8Array} ofSlot [count * 65536] the symbol of each slot
 */

/**
 * Chooses among sets of models by the symbols before in a row. Rows begin in state 0.
 * @typedef {object} Machine
 * @property {Uint8Array} following [states * 256] the state after each symbol
 * @property {Uint8Array} sets [states] the number of each state's set
 */

/** @type {Machine} for models that do not depend on other symbols */
export const ONE_SET = { following: new Uint8Array(256), sets: new Uint8Array(1) };

/**
 * @param {Int32Array} frequencies [count * symbols], each 0 to 65,536
 * @param {number} symbols at most 256
 * @returns {Models}
 * @throws {FormatError} those of a model do not sum to 65,536
 */
export function modelsOf(frequencies, symbols) {
  const count = frequencies.length / symbols;
  const starts = new Int32Array(frequencies.length);
  for (let model = 0; model < count; model++) {
    let start = 0;
    for (let i = model * symbols; i < (model + 1) * symbols; i++) {
      starts[i] = start;
      start += frequencies[i];
    }
    if (start !== SLOTS) throw new FormatError(`frequencies sum to ${start}, not to ${SLOTS}`);
  }
  const ofSlot = new Uint8Array(count * SLOTS);
  for (let i = 0; i < frequencies.length; i++) {
    const begin = Math.floor(i / symbols) * SLOTS + starts[i];
    ofSlot.fill(i % symbols, begin, begin + frequencies[i]);
  }
  return { count, symbols, frequencies, starts, ofSlot };
}

/**
 * @param {import("./byte_reader.js").ByteReader} reader at the coder's states; all of it is read
 * @param {() => Models} models those of all sets, made when the states have been checked
 * @param {Machine} machine
 * @param {number} low the sum of sizes of the first model
 * @param {Uint8Array} rowSizes [R]
 * @param {Uint8Array} inputSizes [C]
 * @param {Uint8Array} tapSizes [K]
 * @returns {Uint8Array} [R, C, K] the symbols
 * @throws {FormatError} the coder does not end where its words do
 */
export function decodeSymbols(reader, models, machine, low, rowSizes, inputSizes, tapSizes) {
  const states = new Int32Array(8);
  for (let i = 0; i < 4; i++) {
    const lower = reader.int32();
    const upper = reader.int32();
    if (upper < 0 || (upper === 0 && lower >= 0)) {
      throw new FormatError(`state of the symbols ${i} is out of range`);
    }
    states.set([upper, lower], 2 * i);
  }
  if (reader.left % 4) throw new FormatError(`${reader.left} bytes are no whole number of words`);
  const words = new Int32Array(reader.left / 4);
  for (let i = 0; i < words.length; i++) words[i] = reader.int32();

  const { count, symbols, frequencies, starts, ofSlot } = models();
  const { following, sets } = machine;
  const size = count / (Math.max(...sets) + 1);
  const begins = Int32Array.from(sets, (set) => set * size);
  // By the sum of the sizes, so that no weight asks whether it lies in the range of models.
  const nearest = Int32Array.from({ length: 766 }, (_, sum) => Math.max(0, Math.min(size - 1, sum - low)));
  const rows = rowSizes.length;
  const columns = columnSizes(inputSizes, tapSizes);
  const width = columns.length;
  const found = new Uint8Array(rows * width);

  // The first state is the one of the next weight. After it they move up, and it becomes the last.
  let [aUpper, aLower, bUpper, bLower, cUpper, cLower, dUpper, dLower] = states;
  let word = 0;
  for (let row = 0, i = 0; row < rows; row++) {
    const rowSize = rowSizes[row];
    let turn = 0;
    for (let column = 0; column < width; column++, i++) {
      const model = begins[turn] + nearest[rowSize + columns[column]];
      const slot = aLower & 0xffff;
      const symbol = ofSlot[(model << 16) | slot];
      const entry = Math.imul(model, symbols) + symbol;
      const frequency = frequencies[entry];
      // frequency * (state div 65536) + slot - start, sixteen bits after sixteen bits
      const first = Math.imul(frequency, aLower >>> 16) + (slot - starts[entry]) | 0;
      const second = Math.imul(frequency, aUpper & 0xffff) + (first >>> 16) | 0;
      let lower = (second << 16) | (first & 0xffff);
      let upper = Math.imul(frequency, aUpper >>> 16) + (second >>> 16) | 0;
      if (upper === 0 && lower >= 0) {
        if (word === words.length) throw new FormatError("the words of the symbols end too early");
        upper = lower;
        lower = words[word++];
      }
      found[i] = symbol;
      turn = following[(turn << 8) | symbol];
      aUpper = bUpper;
      aLower = bLower;
      bUpper = cUpper;
      bLower = cLower;
      cUpper = dUpper;
      cLower = dLower;
      dUpper = upper;
      dLower = lower;
    }
  }
  const begin = -(2 ** 31);
  if ((aUpper | bUpper | cUpper | dUpper) !== 0 || [aLower, bLower, cLower, dLower].some((half) => half !== begin)) {
    throw new FormatError("the symbols do not end where their words do");
  }
  if (word !== words.length) throw new FormatError(`${words.length - word} words are left over`);
  return found;
}

/**
 * @param {Uint8Array} inputs [C]
 * @param {Uint8Array} taps [K]
 * @returns {Uint16Array} [C * K] the sum of both sizes
 */
function columnSizes(inputs, taps) {
  const sums = new Uint16Array(inputs.length * taps.length);
  for (let input = 0, i = 0; input < inputs.length; input++) {
    for (let tap = 0; tap < taps.length; tap++, i++) sums[i] = inputs[input] + taps[tap];
  }
  return sums;
}
