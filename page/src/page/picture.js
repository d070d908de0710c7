const MOST_PIXELS = 48e6; // what phones give a canvas; larger photographs are made smaller first

/**
 * The pixels of a photograph, turned as the camera was held. Colours stay as the file has them.
 * @param {Blob} file
 * @returns {Promise<import("../image/resize.js").Picture>}
 * @throws {Error} the file is no picture that the browser reads
 */
export async function pictureOf(file) {
  const bitmap = await bitmapOf(file);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("the browser gives no memory for the picture");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, channels: 4, data: context.getImageData(0, 0, width, height).data };
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
  } catch {
    throw new Error("This is no picture that the browser can read. JPEG, PNG and WebP are.");
  }
}
