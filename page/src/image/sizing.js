/**
 * How large an image is when the network sees it, as a model's file says it.
 * @typedef {object} Sizing
 * @property {number} image_size the longest side, in pixels; smaller images stay
 * @property {string} interpolation
 * @property {boolean} decoder_scaling whether a JPEG may be decoded to a smaller size first
 * @property {[number, number]} [squeeze] height and width of every image
 */

/**
 * @param {number} value at least 0
 * @returns {number} the nearest whole number, of two the even one: as Python rounds
 */
function rounded(value) {
  const low = Math.floor(value);
  const rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

/**
 * @param {Sizing} sizing
 * @param {number} width of an image
 * @param {number} height
 * @returns {[number, number]} its width and height when the network sees it
 */
export function fitted(sizing, width, height) {
  if (sizing.squeeze) return [sizing.squeeze[1], sizing.squeeze[0]];
  const factor = Math.min(1, sizing.image_size / Math.max(width, height));
  return [Math.max(1, rounded(width * factor)), Math.max(1, rounded(height * factor))];
}

/**
 * @param {number[]} box left, top, right, bottom, anywhere
 * @param {number} width of the image
 * @param {number} height
 * @returns {[number, number, number, number] | null} whole pixels about it, within the image; null if none are
 */
export function clippedBox([left, top, right, bottom], width, height) {
  const x1 = Math.max(0, Math.floor(left));
  const y1 = Math.max(0, Math.floor(top));
  const x2 = Math.min(width, Math.ceil(right));
  const y2 = Math.min(height, Math.ceil(bottom));
  return x2 > x1 && y2 > y1 ? [x1, y1, x2, y2] : null;
}

/**
 * How many times a JPEG decoder may divide the sides of an image by two, up to three times.
 * @param {Sizing} sizing
 * @param {number} width
 * @param {number} height
 * @returns {1 | 2 | 4 | 8} the side of a block that becomes a pixel
 */
export function decoderBlock(sizing, width, height) {
  if (!sizing.decoder_scaling) return 1;
  const [targetWidth, targetHeight] = fitted(sizing, width, height);
  const scale = Math.min(width / targetWidth, height / targetHeight);
  return scale >= 8 ? 8 : scale >= 4 ? 4 : scale >= 2 ? 2 : 1;
}
