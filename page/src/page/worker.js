// The work of the page, beside it: a page that computes does not answer to fingers.
import * as runtime from "onnxruntime-web/wasm";
import { loadCity } from "../city/recogniser.js";
import { isShortOfMemory } from "../city/short_of_memory.js";
import { FormatError } from "../format/error.js";
import { Fetcher } from "./fetch_file.js";
import { countedMemory } from "./memory.js";
import { boxIn, lookAt } from "./picture.js";
import { compileAsItComes } from "./runtime_start.js";

const ANSWERS = 6;
const MANIFEST = "city.json";
const WASM = "ort-wasm-simd-threaded.wasm";

const memoryUsed = countedMemory();

/** @type {import("../city/recogniser.js").Recogniser | null} */
let recogniser = null;
/** @type {number | null} the question that came last */
let lastAsked = null;
/** @type {Promise<void>} the questions before: there is memory for one photograph, not for many */
let before = Promise.resolve();

/** @param {object} message */
function tell(message) {
  postMessage(message);
}

/** @param {string} base the address of the city's folder */
async function load(base) {
  const files = new Fetcher(base, (loaded, total) => tell({ kind: "progress", loaded, total }));
  runtime.env.wasm.numThreads = 1; // more need headers that static hosts do not send
  runtime.env.logLevel = "error";
  const compiled = compileAsItComes(runtime, files.stream(WASM, null), WASM);
  const [{ loaded, instead }] = await Promise.all([loadNewest(files), compiled]);
  recogniser = loaded;
  const { city, map, addresses } = recogniser;
  const places = map.file.places;
  const positions = map.file.positions;
  tell({
    kind: "ready",
    ...{ title: city.title, threshold: city.threshold, places, positions },
    ...addresses,
    instead,
    memory: memoryUsed(),
  });
}

/**
 * The city that is on the server; where it cannot be loaded, as while it is uploaded, the one that the
 * service worker has kept.
 * @param {Fetcher} files
 * @returns {Promise<{loaded: import("../city/recogniser.js").Recogniser, instead: string | null}>} instead: what is wrong
 *   with the newer one
 */
async function loadNewest(files) {
  const load = (/** @type {Uint8Array} */ manifest) =>
    loadCity(manifest, (...file) => files.file(...file), runtime, (what) => tell({ kind: "step", what }));
  let newest = null;
  try {
    newest = await files.file(MANIFEST, null, MANIFEST);
    return { loaded: await load(newest), instead: null };
  } catch (error) {
    if (isShortOfMemory(error)) throw error;
    const kept = await files.file(MANIFEST, null, `${MANIFEST}?kept`).catch(() => null);
    // A server without a service worker before it gives the same again.
    if (!kept || String(kept) === String(newest)) throw error;
    return { loaded: await load(kept), instead: messageOf(error) };
  }
}

/**
 * Whether a newer question came, also while the thread was busy: then nobody waits for this one.
 * @param {number} id
 */
async function isOutdated(id) {
  await new Promise((done) => setTimeout(done)); // lets what has come be heard
  return id !== lastAsked;
}

/**
 * @param {number} id of the question
 * @param {Blob} file of the photograph
 * @param {number[] | null} shares left, top, right, bottom of the part that counts, as shares of its sides
 * @returns {Promise<object | null>} null: a newer question came
 */
async function answer(id, file, shares) {
  const city = recogniser;
  if (!city) throw new Error("the city is not loaded");
  if (await isOutdated(id)) return null;
  const begin = performance.now();
  const prepared = await lookAt(file, (picture) => city.prepare(picture, { box: boxIn(picture, shares), jpeg: file.type === "image/jpeg" }));
  const decoded = performance.now();
  if (await isOutdated(id)) return null;
  const descriptor = await city.describe(prepared);
  const described = performance.now();
  const found = city.search(descriptor, ANSWERS);
  const searched = performance.now();
  return {
    found,
    descriptor,
    milliseconds: { picture: decoded - begin, network: described - decoded, search: searched - described, all: searched - begin },
    memory: memoryUsed(),
  };
}

/** @param {unknown} error */
function messageOf(error) {
  const text = error instanceof Error ? error.message : String(error);
  if (isShortOfMemory(error)) {
    return `There is not enough memory (${text}). Close other pages, or take a smaller picture or a city with a smaller model.`;
  }
  if (error instanceof FormatError && !text.includes("again")) return `${text}. Load the page again; if that does not help, pack the city again.`;
  return text;
}

/**
 * @param {number | null} id of the question; null: there is none
 * @param {() => Promise<void>} act
 */
async function tellFailure(id, act) {
  try {
    await act();
  } catch (error) {
    tell({ kind: "error", id, message: messageOf(error) });
  }
}

addEventListener("message", ({ data }) => {
  const { kind, id, base, file, shares } = data;
  if (kind === "load") {
    tellFailure(null, () => load(base));
    return;
  }
  lastAsked = id;
  before = before.then(() =>
    tellFailure(id, async () => {
      const found = await answer(id, file, shares);
      if (found) tell({ kind: "answer", id, ...found });
    }),
  );
});
