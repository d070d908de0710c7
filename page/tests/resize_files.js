// Pictures resized as the page does, for Python to compare: node page/tests/resize_files.js FOLDER
// FOLDER/pictures.json is a list of {width, height, channels, sizing, box} of pictures in
// FOLDER/pictures.bin, one after another; FOLDER/resized.json and .bin become the same of the outcomes.
// Pictures of four channels are read in parts, as those of a browser are.
import { readFileSync, writeFileSync } from "node:fs";
import { pixelsFor } from "../src/image/pixels.js";

/**
 * @param {import("../src/image/resize.js").Picture} picture
 * @returns {import("../src/image/resize.js").Source}
 */
function inParts({ width, height, channels, data }) {
  return {
    width,
    height,
    read(left, top, wide, high, use) {
      const part = new Uint8Array(wide * high * channels);
      for (let row = 0; row < high; row++) {
        const begin = ((top + row) * width + left) * channels;
        part.set(data.subarray(begin, begin + wide * channels), row * wide * channels);
      }
      const used = use({ width: wide, height: high, channels, data: part });
      part.fill(99); // it is gone
      return used;
    },
  };
}

const folder = process.argv[2];
const bytes = new Uint8Array(readFileSync(`${folder}/pictures.bin`));
let begin = 0;
const found = JSON.parse(readFileSync(`${folder}/pictures.json`, "utf8")).map((/** @type {any} */ each) => {
  const { width, height, channels, sizing, box, jpeg } = each;
  const data = bytes.subarray(begin, (begin += width * height * channels));
  const picture = { width, height, channels, data };
  return pixelsFor(channels === 4 ? inParts(picture) : picture, sizing, { box, jpeg });
});
writeFileSync(`${folder}/resized.bin`, Buffer.concat(found.map((/** @type {any} */ { data }) => data)));
writeFileSync(`${folder}/resized.json`, JSON.stringify(found.map((/** @type {any} */ { width, height }) => [width, height])));
