import { blockMeans, resize } from "./resize.js";
import { clippedBox, decoderBlock, fitted } from "./sizing.js";

/**
 * What the network sees of a photograph.
 * @param {import("./resize.js").Picture | import("./resize.js").Source} picture upright, in all its pixels
 * @param {import("./sizing.js").Sizing} sizing
 * @param {{box?: number[] | null, jpeg?: boolean}} [options] box: left, top, right, bottom in pixels;
 *   jpeg: whether the file was one
 * @returns {import("./resize.js").Rgb}
 * @throws {RangeError} the box lies outside the picture
 */
export function pixelsFor(picture, sizing, { box = null, jpeg = false } = {}) {
  const { width, height } = picture;
  if (box) {
    const region = clippedBox(box, width, height);
    if (!region) throw new RangeError("the box lies outside the picture");
    const target = fitted(sizing, region[2] - region[0], region[3] - region[1]);
    return resize(picture, ...target, sizing.interpolation, region);
  }
  const target = fitted(sizing, width, height);
  const block = jpeg ? decoderBlock(sizing, width, height) : 1;
  if (block === 1) return resize(picture, ...target, sizing.interpolation);
  const small = "data" in picture ? blockMeans(picture, block) : picture.read(0, 0, width, height, (whole) => blockMeans(whole, block));
  return resize(small, ...target, sizing.interpolation);
}
