import { FormatError, within } from "../format/error.js";
import { openMap } from "../format/map_file.js";
import { openModel, requirePreprocessing } from "../format/model_file.js";
import { pixelsFor } from "../image/pixels.js";
import { PlaceMap } from "../retrieval/place_map.js";
import { parseJson, readCity, readGraphList, readLabels, readThumbnailDigests } from "./city.js";
import { sha256 } from "./digest.js";
import { isShortOfMemory } from "./short_of_memory.js";
import { Version } from "./version.js";
import { graphWeights } from "./weights.js";

// Larger than any network of ours: VGG16 has 32 million. A file that claims more is refused before
// anything of it is decoded.
const MOST_WEIGHTS = 2 ** 26;

/**
 * What answers are made of.
 * @typedef {object} Found
 * @property {number} place
 * @property {number} similarity
 * @property {string} file the photograph's path
 * @property {string | null} label
 * @property {[number, number] | null} position
 */

/**
 * The function that fetches a file of the city's folder: its name, how many bytes it has (null: not
 * known), and its address in the folder.
 * @typedef {(name: string, bytes: number | null, address: string) => Promise<Uint8Array>} Fetch
 */

/**
 * Where the parts of a city are, in its folder.
 * @typedef {object} Addresses
 * @property {string | null} version SHA-256 of the manifest, where the browser can compute it
 * @property {string[]} files
 * @property {string[] | null} thumbnails by place; null: there are none
 */

/** A city that recognises photographs. */
export class Recogniser {
  /**
   * @param {import("./city.js").City} city
   * @param {import("./city.js").Graph} graph
   * @param {PlaceMap} map
   * @param {(string | null)[] | null} labels
   * @param {Addresses} addresses
   * @param {typeof import("onnxruntime-web")} runtime
   * @param {import("onnxruntime-web").InferenceSession} session
   */
  constructor(city, graph, map, labels, addresses, runtime, session) {
    this.city = city;
    this.graph = graph;
    this.map = map;
    this.labels = labels;
    this.addresses = addresses;
    this.runtime = runtime;
    this.session = session;
  }

  /**
   * @param {import("../image/resize.js").Picture | import("../image/resize.js").Source} picture upright, in all its pixels
   * @param {{box?: number[] | null, jpeg?: boolean}} [options]
   * @returns {import("../image/resize.js").Rgb} what the network is to see of it
   * @throws {RangeError} it is too small, or the box lies outside of it
   */
  prepare(picture, options) {
    const pixels = pixelsFor(picture, this.graph.sizing, options);
    const { width, height } = pixels;
    if (Math.min(width, height) < this.graph.minSide) {
      throw new RangeError(`the picture is too small: ${width} x ${height} pixels, and each side needs ${this.graph.minSide}`);
    }
    return pixels;
  }

  /**
   * @param {import("../image/resize.js").Rgb} prepared
   * @returns {Promise<Float32Array>} its descriptor
   */
  async describe({ width, height, data }) {
    const pixels = new this.runtime.Tensor("uint8", data, [1, height, width, 3]);
    const found = await this.session.run({ [this.graph.input]: pixels });
    return /** @type {Float32Array} */ (found[this.graph.output].data);
  }

  /**
   * @param {Float32Array} descriptor
   * @param {number} count
   * @returns {Found[]} the most similar first
   */
  search(descriptor, count) {
    return this.map.search(descriptor, count).map(({ place, similarity }) => ({
      place,
      similarity,
      file: this.map.file.name(place),
      label: this.labels?.[place] ?? null,
      position: this.map.file.position(place),
    }));
  }
}

/**
 * Whether two values of JSON are the same, their keys in any order.
 * @param {any} one
 * @param {any} other
 * @returns {boolean}
 */
function isSame(one, other) {
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]));
}

/**
 * @param {Uint8Array} bytes
 * @param {string} expected in hexadecimal
 */
async function requireDigest(bytes, expected) {
  const found = await sha256(bytes);
  if (found && found !== expected) throw new FormatError("the graph was made from another model than the one beside it; pack the city again");
}

/**
 * Everything that a city needs, fetched, checked and decoded.
 * @param {Uint8Array} manifest the bytes of city.json
 * @param {Fetch} fetchFile
 * @param {typeof import("onnxruntime-web")} runtime
 * @param {(what: string) => void} [tell] what is being done
 * @returns {Promise<Recogniser>}
 * @throws {FormatError} a file is damaged, or not of this city
 */
export async function loadCity(manifest, fetchFile, runtime, tell = () => {}) {
  const city = readCity(manifest);
  const version = new Version(city.digests, await sha256(manifest));
  /** @type {string[]} */
  const addresses = [];
  const fetched = async (/** @type {string} */ name, /** @type {number | null} */ bytes) => {
    const address = version.addressOf(name);
    addresses.push(address);
    const found = await fetchFile(name, bytes, address);
    await version.require(found, name);
    return found;
  };
  const fetchedJson = async (/** @type {string | null} */ name) => name && parseJson(await fetched(name, null), name);
  const [[graphBytes, listBytes, modelBytes, mapBytes], names, digests] = await Promise.all([
    Promise.all(Object.values(city.files).map(({ name, bytes }) => fetched(name, bytes))),
    fetchedJson(city.labels),
    fetchedJson(city.thumbnailDigests),
  ]);
  const { graph: graphFile, weights, model: modelFile, map: mapFile } = city.files;
  const graph = within(weights.name, () => readGraphList(listBytes));
  const model = within(modelFile.name, () => openModel(modelBytes, MOST_WEIGHTS));
  within(modelFile.name, () => requirePreprocessing(model.header));
  await requireDigest(modelBytes, graph.model);
  tell("reading the map");
  const map = within(mapFile.name, () => new PlaceMap(openMap(mapBytes)));
  if (map.file.provenance.model_sha256 !== graph.model) {
    throw new FormatError(`${mapFile.name} was made with another model; pack the city again`);
  }
  if (!isSame(map.file.provenance.sizing, graph.sizing)) {
    throw new FormatError(`${mapFile.name} was made with images of another size; pack the city again`);
  }
  const { places } = map.file;
  const labels = names && readLabels(names, places);
  const thumbnails = city.thumbnails === null ? null : version.thumbnails(city.thumbnails, places, digests && readThumbnailDigests(digests, places));
  tell("decoding the model");
  const externalData = within(modelFile.name, () => [...graphWeights(model, graph.weights)]);
  tell("starting the network");
  const session = await startSession(runtime, graphBytes, externalData, graphFile.name);
  return new Recogniser(city, graph, map, labels, { version: version.own, files: addresses, thumbnails }, runtime, session);
}

/**
 * @param {typeof import("onnxruntime-web")} runtime
 * @param {Uint8Array} graph
 * @param {{path: string, data: Uint8Array}[]} externalData
 * @param {string} name
 */
async function startSession(runtime, graph, externalData, name) {
  try {
    // Without the arena memory is given back between pictures of different sizes.
    return await runtime.InferenceSession.create(graph, { externalData, executionProviders: ["wasm"], enableCpuMemArena: false });
  } catch (error) {
    if (isShortOfMemory(error)) throw error;
    throw new FormatError(`${name} cannot be run: ${error instanceof Error ? error.message : error}`);
  }
}
