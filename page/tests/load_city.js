// A city's folder loaded as the page does, by a runtime that refuses every graph, for Python to look at:
//   node page/tests/load_city.js FOLDER REFUSAL
// Prints name and message of the error as JSON; REFUSAL is what the runtime says.
import { readFileSync } from "node:fs";
import { loadCity } from "../src/city/recogniser.js";

const [, , folder, refusal] = process.argv;
const read = (/** @type {string} */ name) => new Uint8Array(readFileSync(`${folder}/${name}`));
const create = () => Promise.reject(new Error(refusal));
const runtime = /** @type {any} */ ({ InferenceSession: { create } });
const error = await loadCity(read("city.json"), async (name) => read(name), runtime).catch((found) => found);
console.log(JSON.stringify({ name: error.name, message: error.message }));
