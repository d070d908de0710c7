// What the page reads of many files at once, for Python to compare:
//   node page/tests/read_files.js models|maps|cities FOLDER
// FOLDER/files.json is a list of [begin, end, options] of files in FOLDER/files.bin. FOLDER/found.json
// becomes a list of what was found in each, FOLDER/numbers.bin the float32 numbers one after another.
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { readCity } from "../src/city/city.js";
import { FormatError } from "../src/format/error.js";
import { readSymbols, weightsOf } from "../src/format/layer.js";
import { openMap } from "../src/format/map_file.js";
import { numbersOf, openModel } from "../src/format/model_file.js";
import { PlaceMap } from "../src/retrieval/place_map.js";

const [, , what, folder] = process.argv;
const bytes = new Uint8Array(readFileSync(`${folder}/files.bin`));
const files = JSON.parse(readFileSync(`${folder}/files.json`, "utf8"));
const numbers = openSync(`${folder}/numbers.bin`, "w");

/** @param {Float32Array} values */
function keep(values) {
  writeSync(numbers, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

/**
 * @param {Uint8Array} data
 * @param {{most: number}} options
 */
function readModel(data, { most }) {
  const { header, layers } = openModel(data, most);
  const read = layers.map((layer) => {
    const { payload, ...rest } = layer;
    if (layer.coding !== "symbols") return { ...rest, symbols: null, values: numbersOf(layer) };
    const quantized = readSymbols(payload, layer.shape);
    const symbols = createHash("sha256").update(quantized.symbols).digest("hex");
    return { ...rest, symbols, values: weightsOf(quantized, layer.shape) };
  });
  // Only of a file that is good to its end.
  return { header, layers: read.map(({ values, ...rest }) => (keep(values), rest)) };
}

/**
 * What each place decodes to, then each query prepared; the same of the finer code.
 * @param {Uint8Array} data
 * @param {{queries: number[][], count: number}} options
 */
function readMap(data, { queries, count }) {
  const file = openMap(data);
  const map = new PlaceMap(file);
  const { places, code, provenance } = file;
  const all = [...Array(places).keys()];
  const lengths = [map.code, map.finer].map((each) => {
    if (!each) return 0;
    const behind = each === map.finer ? map.code.bytes : 0;
    for (const place of all) keep(Float32Array.from(each.decode(file.codes.bytes, place * map.width + behind)));
    for (const query of queries) keep(Float32Array.from(each.prepare(query)));
    return each.length;
  });
  return {
    ...{ places, code, provenance, lengths },
    names: all.map((place) => Buffer.from(file.nameBytes(place)).toString("hex")),
    positions: all.map((place) => file.position(place)),
    answers: queries.map((query) => map.search(query, count)),
  };
}

/** @type {Record<string, (data: Uint8Array, options: any) => object>} */
const READERS = { models: readModel, maps: readMap, cities: readCity };

const found = files.map((/** @type {[number, number, any]} */ [begin, end, options]) => {
  try {
    return READERS[what](bytes.slice(begin, end), options);
  } catch (error) {
    if (error instanceof FormatError) return { refused: error.message };
    throw error;
  }
});
closeSync(numbers);
// The peak of this program: getrusage's is that of the process from which it was forked, too.
const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
const used = { memory: 1024 * Number(status.match(/VmHWM:\s+(\d+)/)?.[1] ?? 0), seconds: process.uptime() };
writeFileSync(`${folder}/found.json`, JSON.stringify({ found, used }));
