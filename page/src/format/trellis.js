// Two quantizers share the multiples of a step: the even ones, and the odd ones with zero. A weight
// is coded by its place in one of them; the parities of the places before it in its row say which.

// The state after an even and after an odd place. States of odd number have the odd multiples.
const FOLLOWING = [0, 2, 5, 7, 1, 3, 6, 4, 2, 0, 4, 6, 3, 1, 7, 5];
const STATES = 8;

/**
 * @param {number} symbol 0 for the place 0, then 1 for 1, 2 for -1, 3 for 2, and so on
 * @returns {number} the magnitude of its place
 */
function magnitude(symbol) {
  return (symbol + 1) >> 1;
}

/** @type {import("./rans.js").Machine} */
export const TRELLIS = {
  following: Uint8Array.from({ length: STATES * 256 }, (_, i) => {
    const state = i >> 8;
    return FOLLOWING[2 * state + (magnitude(i & 255) & 1)];
  }),
  sets: Uint8Array.from({ length: STATES }, (_, state) => state & 1),
};

/**
 * @param {Int32Array} frequencies [M * places] of magnitudes
 * @param {number} places of a model
 * @returns {Int32Array} [M * (2 * places - 1)] of symbols: both signs have the slots of their magnitude
 */
export function frequenciesOfSigns(frequencies, places) {
  const symbols = 2 * places - 1;
  const found = new Int32Array((frequencies.length / places) * symbols);
  for (let i = 0; i < found.length; i++) {
    const symbol = i % symbols;
    const own = frequencies[Math.floor(i / symbols) * places + magnitude(symbol)];
    found[i] = symbol ? own : 2 * own;
  }
  return found;
}

/**
 * @param {Uint8Array} symbols [rows * columns]
 * @param {number} rows
 * @param {number} middle the number of the level that is zero times the step
 * @returns {Uint16Array} [rows * columns] the numbers of levels: 0 for zero
 */
export function levelsFromPlaces(symbols, rows, middle) {
  const columns = symbols.length / rows;
  const found = new Uint16Array(symbols.length);
  for (let row = 0, i = 0; row < rows; row++) {
    let state = 0;
    for (const end = i + columns; i < end; i++) {
      const place = magnitude(symbols[i]);
      if (place) {
        const multiple = 2 * place - (state & 1);
        found[i] = symbols[i] & 1 ? middle + multiple : middle - multiple;
      }
      state = FOLLOWING[2 * state + (place & 1)];
    }
  }
  return found;
}
