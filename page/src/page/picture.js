import { isShortOfMemory } from "../city/short_of_memory.js";

const MOST_PIXELS = 48e6; // what phones give a canvas; larger photographs are made smaller first

/**
 * Looks at a photograph, turned as the camera was held. Colours stay as the file has them; what is
 * transparent is on white, as Python sees it. Of its pixels
 * only the browser's own copy is held whole: one of 12 million pixels takes 48 MB, and each further
 * copy as much.
 * @template T
 * @param {Blob} file
 * @param {(picture: import("../image/resize.js").Source) => T} look
 * @returns {Promise<T>}
 * @throws {Error} the file is no picture that the browser reads
 */
export async function lookAt(file, look) {
  const bitmap = await bitmapOf(file);
  const canvas = new OffscreenCanvas(1, 1);
  try {
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new RangeError("out of memory: the browser gives none for the picture");
    return look({
      width: bitmap.width,
      height: bitmap.height,
      read(left, top, width, height, use) {
        if (canvas.width < width || canvas.height < height) Object.assign(canvas, { width, height });
        context.fillStyle = "white"; // a change of its size has made it black
        context.fillRect(0, 0, width, height);
        context.drawImage(bitmap, left, top, width, height, 0, 0, width, height);
        const { data } = context.getImageData(0, 0, width, height);
        const used = use({ width, height, channels: 4, data });
        release(data.buffer);
        return used;
      },
    });
  } finally {
    bitmap.close();
    Object.assign(canvas, { width: 0, height: 0 });
  }
}

/**
 * A part in pixels of the picture as it is looked at, which may be smaller than its file.
 * @param {{width: number, height: number}} picture
 * @param {number[] | null} shares left, top, right, bottom as shares of its sides
 */
export function boxIn({ width, height }, shares) {
  // A share of a pixel's place times the side is seldom whole: 1 / 49 * 49 is not.
  return shares && shares.map((share, i) => Math.round(share * [width, height][i % 2] * 1e6) / 1e6);
}

/**
 * Gives memory back now: what is left to the browser's collector piles up to the size of the photograph.
 * @param {ArrayBufferLike} buffer
 */
function release(buffer) {
  const { port1 } = new MessageChannel();
  port1.close();
  port1.postMessage(null, [buffer]); // taken from here, and sent nowhere
}

/** @param {Blob} file */
async function bitmapOf(file) {
  /** @type {ImageBitmapOptions} */
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };
  try {
    const bitmap = await createImageBitmap(file, options);
    const factor = Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height));
    if (factor >= 1) return bitmap;
    const resizeWidth = Math.round(bitmap.width * factor);
    bitmap.close();
    return await createImageBitmap(file, { ...options, resizeWidth, resizeQuality: "high" });
  } catch (error) {
    if (isShortOfMemory(error)) throw error;
    throw new Error("This is no picture that the browser can read. JPEG, PNG and WebP are.");
  }
}
