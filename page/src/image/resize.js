// Images are resized as Pillow does it: each pixel of the outcome is a weighted mean of those about
// its place, over a distance that grows with the factor by which an image shrinks. Rows and columns
// are resized one after the other; weights are whole numbers over 2^22, and what lies between both
// passes has whole grey values. A canvas resizes in other ways, which descriptors notice.

const BITS = 22;

/**
 * @typedef {object} Filter
 * @property {number} reach how far from its place a pixel counts, in pixels
 * @property {(distance: number) => number} weight
 */

/** @type {Record<string, Filter>} */
const FILTERS = {
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { reach: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos: { reach: 3, weight: (x) => (-3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** @param {number} x at least 0: Keys' kernel with a = -1/2 */
function cubic(x) {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/**
 * A picture: grey values of each pixel, rows first.
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {number} channels 3 or 4; a fourth one is not looked at
 * @property {Uint8Array | Uint8ClampedArray} data [height, width, channels]
 */

/** @typedef {Picture & {channels: 3, data: Uint8Array}} Rgb */

/**
 * A picture whose pixels are held elsewhere: parts of it are read and let go.
 * @typedef {object} Source
 * @property {number} width
 * @property {number} height
 * @property {<T>(left: number, top: number, width: number, height: number, use: (part: Picture) => T) => T} read
 *   calls `use` with a part, which is gone afterwards
 */

const MOST_READ = 2 ** 16; // pixels of a part: 256 kB

/**
 * What pixels of a line the pixels of the outcome are means of.
 * @param {number} size pixels of the line
 * @param {number} begin where the part of it begins that is resized
 * @param {number} end where that ends
 * @param {number} target pixels of the outcome
 * @param {Filter} filter
 */
function weightsOf(size, begin, end, target, { reach, weight }) {
  const scale = (end - begin) / target;
  const wider = Math.max(1, scale);
  const support = reach * wider;
  return Array.from({ length: target }, (_, place) => {
    const centre = begin + (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(size, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: last - first }, (_, i) => weight((i + first - centre + 0.5) * (1 / wider)));
    const sum = raw.reduce((total, each) => total + each, 0);
    const weights = Int32Array.from(raw, (each) => {
      const share = sum ? each / sum : each;
      return Math.trunc(share * 2 ** BITS + (share < 0 ? -0.5 : 0.5));
    });
    return { first, weights };
  });
}

/**
 * @typedef {ReturnType<typeof weightsOf>} Weights
 */

/**
 * The pixels of a line that count.
 * @param {Weights} weights
 * @returns {[number, number]} the first, and the one behind the last
 */
function spanOf(weights) {
  const { first, weights: last } = weights[weights.length - 1];
  return [weights[0].first, first + last.length];
}

/**
 * Resizes lines, which are rows or columns.
 * @param {Picture | Source} picture
 * @param {Weights} pixels of each line of the outcome
 * @param {[number, number]} lines those that are resized
 * @param {boolean} across whether lines are rows
 * @returns {Rgb}
 */
function resizeLines(picture, pixels, [begin, end], across) {
  const count = end - begin;
  const [width, height] = across ? [pixels.length, count] : [count, pixels.length];
  /** @type {Rgb} */
  const outcome = { width, height, channels: 3, data: new Uint8Array(3 * width * height) };
  if ("data" in picture) {
    resizeInto(outcome, 0, picture, pixels, begin, count, 0, across);
    return outcome;
  }
  const [first, last] = spanOf(pixels);
  const span = last - first;
  const step = Math.max(1, Math.floor(MOST_READ / span));
  for (let line = 0; line < count; line += step) {
    const lines = Math.min(step, count - line);
    const use = (/** @type {Picture} */ part) => resizeInto(outcome, line, part, pixels, 0, lines, first, across);
    if (across) picture.read(first, begin + line, span, lines, use);
    else picture.read(begin + line, first, lines, span, use);
  }
  return outcome;
}

/**
 * @param {Rgb} outcome
 * @param {number} into its first line that is written
 * @param {Picture} picture
 * @param {Weights} pixels of each line of the outcome
 * @param {number} begin the picture's first line that is read
 * @param {number} count of lines
 * @param {number} origin the place of the lines' first pixel
 * @param {boolean} across whether lines are rows
 */
function resizeInto(outcome, into, { data, width, channels }, pixels, begin, count, origin, across) {
  const [lineStep, pixelStep] = across ? [width * channels, channels] : [channels, width * channels];
  const [intoLine, intoPixel] = across ? [3 * outcome.width, 3] : [3, 3 * outcome.width];
  const target = outcome.data;
  for (let line = 0; line < count; line++) {
    for (let pixel = 0; pixel < pixels.length; pixel++) {
      const { first, weights } = pixels[pixel];
      let red = 1 << (BITS - 1);
      let green = red;
      let blue = red;
      let at = (begin + line) * lineStep + (first - origin) * pixelStep;
      for (let i = 0; i < weights.length; i++, at += pixelStep) {
        const weight = weights[i];
        red = (red + Math.imul(weight, data[at])) | 0;
        green = (green + Math.imul(weight, data[at + 1])) | 0;
        blue = (blue + Math.imul(weight, data[at + 2])) | 0;
      }
      const out = (into + line) * intoLine + pixel * intoPixel;
      target[out] = grey(red);
      target[out + 1] = grey(green);
      target[out + 2] = grey(blue);
    }
  }
}

/** @param {number} sum */
function grey(sum) {
  const value = sum >> BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/**
 * @param {Picture | Source} picture
 * @param {number} width of the outcome
 * @param {number} height
 * @param {string} interpolation `bilinear`, `bicubic` or `lanczos`
 * @param {[number, number, number, number]} [box] left, top, right, bottom: the part that is resized, in
 *   whole pixels; pixels about it count at its edges
 * @returns {Rgb}
 */
export function resize(picture, width, height, interpolation, box = [0, 0, picture.width, picture.height]) {
  if (!Object.hasOwn(FILTERS, interpolation)) throw new RangeError(`interpolation ${interpolation} is unknown`);
  const filter = FILTERS[interpolation];
  const [left, top, right, bottom] = box;
  const columns = weightsOf(picture.width, left, right, width, filter);
  const rows = weightsOf(picture.height, top, bottom, height, filter);
  const order = [
    { weights: columns, across: true },
    { weights: rows, across: false },
  ];
  // As Pillow 13 does; versions before it always begin with rows.
  const shrinks = picture.height - height;
  if (shrinks > 0 && shrinks > 2 * (picture.width - width)) order.reverse();
  const [first, second] = order;
  const lines = spanOf(second.weights);
  const half = resizeLines(picture, first.weights, lines, first.across);
  const moved = second.weights.map((each) => ({ ...each, first: each.first - lines[0] }));
  return resizeLines(half, moved, [0, first.weights.length], second.across);
}

/**
 * A picture whose blocks of pixels become one each, which is nearly what a JPEG decoder gives that
 * decodes to a smaller size; blocks at the edges may be cut.
 * @param {Picture} picture
 * @param {number} side of a block
 * @returns {Rgb}
 */
export function blockMeans({ width, height, channels, data }, side) {
  const columns = Math.ceil(width / side);
  const rows = Math.ceil(height / side);
  const outcome = new Uint8Array(columns * rows * 3);
  const sums = new Uint32Array(columns * 4);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let y = row * side; y < Math.min(height, (row + 1) * side); y++) {
      for (let x = 0, at = y * width * channels; x < width; x++, at += channels) {
        const sum = Math.trunc(x / side) * 4;
        sums[sum] += data[at];
        sums[sum + 1] += data[at + 1];
        sums[sum + 2] += data[at + 2];
        sums[sum + 3]++;
      }
    }
    for (let column = 0; column < columns; column++) {
      const count = sums[4 * column + 3];
      for (let channel = 0; channel < 3; channel++) {
        outcome[(row * columns + column) * 3 + channel] = Math.round(sums[4 * column + channel] / count);
      }
    }
  }
  return { width: columns, height: rows, channels: 3, data: outcome };
}
