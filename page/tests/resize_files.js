// Pictures resized as the page does, for Python to compare: node page/tests/resize_files.js FOLDER
// FOLDER/pictures.json is a list of {width, height, channels, sizing, box} of pictures in
// FOLDER/pictures.bin, one after another; FOLDER/resized.json and .bin become the same of the outcomes.
import { readFileSync, writeFileSync } from "node:fs";
import { pixelsFor } from "../src/image/pixels.js";

const folder = process.argv[2];
const bytes = new Uint8Array(readFileSync(`${folder}/pictures.bin`));
let begin = 0;
const found = JSON.parse(readFileSync(`${folder}/pictures.json`, "utf8")).map((/** @type {any} */ each) => {
  const { width, height, channels, sizing, box, jpeg } = each;
  const data = bytes.subarray(begin, (begin += width * height * channels));
  return pixelsFor({ width, height, channels, data }, sizing, { box, jpeg });
});
writeFileSync(`${folder}/resized.bin`, Buffer.concat(found.map((/** @type {any} */ { data }) => data)));
writeFileSync(`${folder}/resized.json`, JSON.stringify(found.map((/** @type {any} */ { width, height }) => [width, height])));
