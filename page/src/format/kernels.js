import { FormatError } from "./error.js";

// Kernels of networks have 11 x 11 taps at most. The time of larger ones grows with their side.
const LARGEST = 64;

/**
 * @param {number} size
 * @returns {Float64Array} [size, size] by place, then by frequency: the orthonormal cosine basis
 */
function basis(size) {
  const values = new Float64Array(size * size);
  for (let place = 0; place < size; place++) {
    values[place * size] = Math.sqrt(1 / size);
    for (let f = 1; f < size; f++) {
      values[place * size + f] = Math.sqrt(2 / size) * Math.cos((Math.PI * (2 * place + 1) * f) / (2 * size));
    }
  }
  return values;
}

/**
 * Refuses kernels that this program does not transform, before anything of them is decoded.
 * @param {number[]} shape [R, C, H, W]
 */
export function requireKernels([, , height, width]) {
  if (Math.max(height, width) > LARGEST) {
    throw new FormatError(`coefficients of kernels of ${height} x ${width}; at most ${LARGEST} a side are read`);
  }
}

/**
 * Kernels from their coefficients, in place.
 * @param {Float32Array} values [R, C, H, W]; by vertical frequency, then by horizontal
 * @param {number[]} shape
 */
export function kernelsFromCoefficients(values, [, , height, width]) {
  const vertical = basis(height);
  const horizontal = basis(width);
  const lines = new Float64Array(height * width); // by vertical frequency, then by place
  for (let begin = 0; begin < values.length; begin += height * width) {
    for (let u = 0; u < height; u++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let v = 0; v < width; v++) sum += values[begin + u * width + v] * horizontal[x * width + v];
        lines[u * width + x] = sum;
      }
    }
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let u = 0; u < height; u++) sum += lines[u * width + x] * vertical[y * height + u];
        values[begin + y * width + x] = sum;
      }
    }
  }
}
