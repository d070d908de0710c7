/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b of the same length
 */
export function product(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * The same of a part of longer bytes. A function by itself, and of these types alone: within that of a query
 * it took four times as long.
 * @param {Float64Array} a
 * @param {Uint8Array} bytes
 * @param {number} begin of the part
 */
export function productAt(a, bytes, begin) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * bytes[begin + i];
  return sum;
}

/**
 * @param {Float64Array} vector made of unit length, in place; one of zeros stays
 * @returns {Float64Array} itself
 */
export function toUnitLength(vector) {
  const length = Math.sqrt(product(vector, vector));
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i] /= length;
  return vector;
}

/**
 * Bit i of packed bits, the lowest of each byte first.
 * @param {ArrayLike<number>} bytes
 * @param {number} i
 */
export function bitOf(bytes, i) {
  return (bytes[i >> 3] >> (i & 7)) & 1;
}

/**
 * Signs and orthonormal cosine transforms, twice each: docs/format.md, "Turned".
 * @param {Float64Array} vector [L]
 * @param {ArrayLike<number>[]} signs two rows of bits
 * @returns {Float64Array} [L]
 */
export function turned(vector, signs) {
  const size = vector.length;
  // cos(pi t / (2 size)) repeats after 4 size.
  const cosines = Float64Array.from({ length: 4 * size }, (_, t) => Math.cos((Math.PI * t) / (2 * size)));
  let held = vector;
  for (const bits of signs) {
    const signed = held.map((value, i) => (bitOf(bits, i) ? -value : value));
    held = held.map((_, u) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += signed[i] * cosines[((2 * i + 1) * u) % (4 * size)];
      return sum * Math.sqrt((u ? 2 : 1) / size);
    });
  }
  return held;
}
