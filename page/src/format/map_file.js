import { ByteReader } from "./byte_reader.js";
import { crc32 } from "./crc32.js";
import { FormatError, within } from "./error.js";
import { halfToNumber } from "./half.js";
import { isObject, isWhole, readHeader } from "./header_json.js";

const MAGIC = [0x89, 0x50, 0x56, 0x4d, 0x41, 0x50, 0x0d, 0x0a];
const MOST_HEADER = 2 ** 20;
const MOST_PLACES = 2 ** 28;
const MOST_SECTIONS = 64;
const MOST_SECTION = 2 ** 38;
const MOST_OPENED = 2 ** 28; // bytes of what is read when a map is opened
const MOST_NAME = 4096;
const BLOCK = 65536;
const ALIGNED = 64;

/** @type {Record<string, {bytes: number, read: (view: DataView, place: number) => number}>} */
const TYPES = {
  uint8: { bytes: 1, read: (view, place) => view.getUint8(place) },
  int32: { bytes: 4, read: (view, place) => view.getInt32(place, true) },
  uint32: { bytes: 4, read: (view, place) => view.getUint32(place, true) },
  float16: { bytes: 2, read: (view, place) => halfToNumber(view.getUint16(place, true)) },
  float32: { bytes: 4, read: (view, place) => view.getFloat32(place, true) },
  float64: { bytes: 8, read: (view, place) => view.getFloat64(place, true) },
};

/** Types and shapes that sections must have; null is any size, N that of places. */
const SHAPES = /** @type {Record<string, [string, (number | "N" | null)[]]>} */ ({
  names: ["uint8", [null]],
  name_ends: ["uint32", ["N"]],
  stamps: ["uint8", ["N", 8]],
  positions: ["float64", ["N", 2]],
  list_ends: ["uint32", [null]],
  list_centres: ["float16", [null, null]],
  codes: ["uint8", ["N", null]],
});
const NEEDED = ["names", "name_ends", "codes"];

/** An array of a map, read as it is asked for. */
export class Section {
  /**
   * @param {string} type
   * @param {number[]} shape
   * @param {Uint8Array} bytes
   */
  constructor(type, shape, bytes) {
    this.type = type;
    this.shape = shape;
    this.bytes = bytes;
  }

  /** All numbers, rows first. */
  numbers() {
    const { bytes, read } = TYPES[this.type];
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    const values = new Float64Array(this.bytes.length / bytes);
    for (let i = 0; i < values.length; i++) values[i] = read(view, i * bytes);
    return values;
  }
}

/** A map of places. */
export class MapFile {
  /**
   * @param {Record<string, any>} header
   * @param {Map<string, Section>} sections
   */
  constructor(header, sections) {
    this.places = /** @type {number} */ (header.places);
    this.code = /** @type {Record<string, any>} */ (header.code);
    this.provenance = /** @type {Record<string, any>} */ (header.provenance);
    this.sections = sections;
    this.codes = this.section("codes");
    this.nameEnds = this.section("name_ends").numbers();
    this.requireNames();
    this.requireLists();
    const positions = sections.get("positions")?.numbers() ?? null;
    if (positions && !positions.every(Number.isFinite)) throw new FormatError("a position is not finite");
    this.positions = positions;
  }

  /** @param {string} name */
  section(name) {
    const found = this.sections.get(name);
    if (!found) throw new FormatError(`section ${name} is missing`);
    return found;
  }

  /**
   * @param {number} place
   * @returns {Uint8Array} its name, mostly in UTF-8
   */
  nameBytes(place) {
    const begin = place ? this.nameEnds[place - 1] : 0;
    return this.section("names").bytes.subarray(begin, this.nameEnds[place]);
  }

  /** @param {number} place */
  name(place) {
    return new TextDecoder().decode(this.nameBytes(place));
  }

  /**
   * @param {number} place
   * @returns {[number, number] | null} easting and northing in metres
   */
  position(place) {
    return this.positions && [this.positions[2 * place], this.positions[2 * place + 1]];
  }

  requireNames() {
    const { length } = this.section("names").bytes;
    const last = this.nameEnds[this.places - 1];
    if (last !== length) throw new FormatError(`the last name ends at byte ${last}, section names at ${length}`);
    const seen = new Set();
    for (let place = 0, begin = 0; place < this.places; place++) {
      const end = this.nameEnds[place];
      if (end <= begin || end > length) throw new FormatError(`the name of place ${place} has no place in the names`);
      const bytes = this.nameBytes(place);
      const fault = nameFault(bytes);
      if (fault) throw new FormatError(`the name of place ${place} ${fault}`);
      seen.add(latin(bytes));
      begin = end;
    }
    if (seen.size !== this.places) throw new FormatError("a name occurs twice");
  }

  requireLists() {
    const ends = this.sections.get("list_ends");
    const centres = this.sections.get("list_centres");
    if (Boolean(ends) !== Boolean(centres)) throw new FormatError("lists need both their ends and their centres");
    const found = ends ? [...ends.numbers()] : [this.places];
    if (found.some((end, i) => end < (i ? found[i - 1] : 0)) || found.at(-1) !== this.places) {
      throw new FormatError("the ends of lists do not ascend to the number of places");
    }
    if (centres && centres.shape[0] !== found.length) throw new FormatError("there are not as many centres as lists");
    if (centres && !centres.numbers().every(Number.isFinite)) throw new FormatError("the centre of a list is not finite");
    found.reduce((begin, end) => {
      let before = "";
      for (let place = begin; place < end; place++) {
        const name = latin(this.nameBytes(place));
        if (place > begin && before >= name) throw new FormatError(`places ${place - 1} and ${place} are one, or not in order`);
        before = name;
      }
      return end;
    }, 0);
  }
}

/**
 * Bytes as a text of as many letters, which compares as they do.
 * @param {Uint8Array} bytes
 */
function latin(bytes) {
  return String.fromCharCode(...bytes);
}

/**
 * @param {Uint8Array} bytes
 * @returns {string | null} why they are no name of a photograph within its folder
 */
function nameFault(bytes) {
  if (bytes.length > MOST_NAME) return `has more than ${MOST_NAME} bytes`;
  const name = latin(bytes);
  if (/[\0\\]/.test(name) || /^[a-z]:/i.test(name)) return "is no path within a folder";
  if (name.split("/").some((part) => ["", ".", ".."].includes(part))) return "is no path within a folder";
  return null;
}

/**
 * Reads and checks all of a map.
 * @param {Uint8Array} bytes
 * @returns {MapFile}
 * @throws {FormatError}
 */
export function openMap(bytes) {
  const reader = new ByteReader(bytes);
  const magic = reader.take(8);
  if (!MAGIC.every((byte, i) => magic[i] === byte)) throw new FormatError("this is no .pvmap file");
  const version = reader.uint16();
  const minor = reader.uint16();
  if (version !== 1 || minor !== 0) throw new FormatError(`version ${version}.${minor} is unknown; this program reads 1`);
  const length = reader.uint32();
  const count = reader.uint32();
  const sum = reader.uint32();
  if (length > MOST_HEADER) throw new FormatError(`a header of ${length} bytes; at most ${MOST_HEADER} are allowed`);
  const checked = reader.take(length + 4 * count);
  if (crc32(checked) !== sum) throw new FormatError("the header is damaged: its checksum differs");
  const { header, whole } = readHeader(checked.subarray(0, length));
  if (!isWhole(whole.places, 1, MOST_PLACES)) throw new FormatError("the number of places is none");
  if (!isObject(header.code) || !isObject(header.provenance)) throw new FormatError("the header is not that of a map");
  const entries = readEntries(whole.sections, whole.places);
  const sums = new ByteReader(checked.subarray(length));
  const sections = entries.map(({ name, type, shape, size }) => {
    const gap = reader.take(-reader.place & (ALIGNED - 1));
    if (gap.some(Boolean)) throw new FormatError(`the bytes before section ${name} are not 0`);
    const held = reader.take(size);
    within(`section ${name}`, () => requireBlocks(held, sums));
    return /** @type {[string, Section]} */ ([name, new Section(type, shape, held)]);
  });
  sums.end();
  reader.end();
  return new MapFile(header, new Map(sections));
}

/**
 * @param {unknown} entries
 * @param {number} places
 */
function readEntries(entries, places) {
  if (!Array.isArray(entries) || entries.length > MOST_SECTIONS) {
    throw new FormatError(`the header has no list of up to ${MOST_SECTIONS} sections`);
  }
  const found = entries.map((entry) => {
    if (!Array.isArray(entry) || entry.length !== 3) throw new FormatError("a section of the header is malformed");
    const [name, type, shape] = entry;
    const good =
      typeof name === "string" &&
      typeof type === "string" &&
      Object.hasOwn(TYPES, type) &&
      Array.isArray(shape) &&
      shape.length >= 1 &&
      shape.length <= 4 &&
      shape.every((size) => isWhole(size, 1));
    if (!good) throw new FormatError("a section of the header is malformed");
    const size = shape.reduce((product, each) => product * each, TYPES[type].bytes);
    if (size > (/^(list_|code\.)/.test(name) ? MOST_OPENED : MOST_SECTION)) {
      throw new FormatError(`section ${name} has ${size} bytes, more than allowed`);
    }
    requireShape(name, type, shape, places);
    return { name, type, shape, size };
  });
  const names = new Set(found.map(({ name }) => name));
  if (names.size !== found.length) throw new FormatError("the header lists a section twice");
  for (const name of NEEDED) if (!names.has(name)) throw new FormatError(`section ${name} is missing`);
  return found;
}

/**
 * @param {string} name
 * @param {string} type
 * @param {number[]} shape
 * @param {number} places
 */
function requireShape(name, type, shape, places) {
  if (/^code\../.test(name)) return;
  if (!Object.hasOwn(SHAPES, name)) throw new FormatError(`section ${name.slice(0, 80)} is unknown`);
  const [expected, sizes] = SHAPES[name];
  const fits = sizes.length === shape.length && sizes.every((size, i) => size === null || shape[i] === (size === "N" ? places : size));
  if (type !== expected || !fits) throw new FormatError(`section ${name} is ${type} [${shape}]`);
}

/**
 * @param {Uint8Array} bytes
 * @param {ByteReader} sums
 */
function requireBlocks(bytes, sums) {
  for (let begin = 0; begin < bytes.length; begin += BLOCK) {
    if (crc32(bytes.subarray(begin, begin + BLOCK)) !== sums.uint32()) {
      throw new FormatError(`block ${begin / BLOCK} is damaged: its checksum differs`);
    }
  }
}
