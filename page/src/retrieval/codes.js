import { FormatError } from "../format/error.js";
import { isWhole } from "../format/header_json.js";
import { halfToNumber } from "../format/half.js";
import { bitOf, product, productAt, toUnitLength, turned } from "./vectors.js";

const LARGEST = 2 ** 40;

/** @param {number} value */
const isUsable = (value) => Math.abs(value) <= LARGEST; // no number that is none is, either

/**
 * How a map keeps a place, and how a query is compared with it.
 * @typedef {object} Code
 * @property {number} components of a descriptor
 * @property {number} length how many numbers are compared
 * @property {number} bytes of a place
 * @property {boolean} finite whether any bytes are finite numbers
 * @property {(descriptor: ArrayLike<number>) => Float64Array} prepare a query's descriptor
 * @property {(codes: Uint8Array, begin: number) => Float64Array} decode a place's bytes, which begin there
 * @property {(prepared: Float64Array) => (codes: Uint8Array, begin: number) => number} comparer
 *   of a prepared query: the similarity of a place
 */

/** @typedef {(name: string, type: string, shape: (number | number[])[]) => import("../format/map_file.js").Section} Take */

/**
 * What a type of code adds: the bytes of a place, and how these are decoded and compared.
 * @typedef {object} Kind
 * @property {number} bytes
 * @property {boolean} [numbers] whether the bytes are numbers, which may be none
 * @property {boolean} unit whether what is decoded is divided by its length
 * @property {ArrayLike<number>[]} [signs] by which a query is turned
 * @property {(codes: Uint8Array, begin: number) => Float64Array} decode
 * @property {Code["comparer"]} [comparer] faster than decoding
 */

/** @type {Record<string, (take: Take, length: number, declared: Record<string, any>) => Kind>} */
const KINDS = {
  float32: (_, length) => floats(4, length, (view, place) => view.getFloat32(place, true)),
  float16: (_, length) => floats(2, length, (view, place) => halfToNumber(view.getUint16(place, true))),
  int8,
  bits,
  "rotated-bits": (take, length) => ({ ...bits(take, length), signs: signsOf(take, length) }),
  "product-quantization": productQuantization,
};

/**
 * @param {number} bytes
 * @param {number} length
 * @param {(view: DataView, place: number) => number} read
 * @returns {Kind}
 */
function floats(bytes, length, read) {
  return {
    bytes: bytes * length,
    numbers: true,
    unit: false,
    decode(codes, begin) {
      const view = new DataView(codes.buffer, codes.byteOffset + begin, bytes * length);
      const values = Float64Array.from({ length }, (_, i) => read(view, bytes * i));
      if (!values.every(isUsable)) throw new FormatError("a number of the code of a place is not finite, or too large");
      return values;
    },
  };
}

/** @type {(take: Take, length: number) => Kind} */
function int8(take, length) {
  const low = take("low", "float32", [length]).numbers();
  const step = take("step", "float32", [length]).numbers();
  if (!step.every((value) => value > 0)) throw new FormatError("a step of the code is not above 0");
  return {
    bytes: length,
    unit: false,
    decode: (codes, begin) => low.map((value, i) => value + (codes[begin + i] + 0.5) * step[i]),
    comparer(query) {
      const scaled = query.map((value, i) => value * step[i]);
      const constant = product(query, low) + scaled.reduce((sum, value) => sum + value / 2, 0);
      return (codes, begin) => constant + productAt(scaled, codes, begin);
    },
  };
}

/** @type {(take: Take, length: number) => Kind} */
function bits(take, length) {
  const levels = take("levels", "float32", [2, length]).numbers();
  const bytes = Math.ceil(length / 8);
  return {
    bytes,
    unit: true,
    decode(codes, begin) {
      const code = codes.subarray(begin, begin + bytes);
      return Float64Array.from({ length }, (_, i) => levels[bitOf(code, i) * length + i]);
    },
  };
}

/** @type {(take: Take, length: number, declared: Record<string, any>) => Kind} */
function productQuantization(take, length, declared) {
  const { bytes } = declared;
  if (!isWhole(bytes, 1, 65536)) throw new FormatError("the code has no number of bytes");
  const widths = [bytes, 2 * bytes].map((parts) => Math.ceil(length / parts));
  const section = take("centres", "float16", [[bytes, 2 * bytes], [256, 16], widths]);
  const [parts, centres, width] = section.shape;
  if (parts * (centres === 256 ? 8 : 4) !== 8 * bytes || width !== Math.ceil(length / parts)) {
    throw new FormatError(`code.centres has ${parts} parts of ${centres} centres of ${width} components`);
  }
  const values = section.numbers();
  const longer = length % parts;
  const sizes = Array.from({ length: parts }, (_, part) => Math.floor(length / parts) + (part < longer ? 1 : 0));
  const number = (/** @type {Uint8Array} */ codes, /** @type {number} */ begin, /** @type {number} */ part) =>
    centres === 256 ? codes[begin + part] : (codes[begin + (part >> 1)] >> (4 * (part & 1))) & 15;
  return {
    bytes,
    unit: true,
    signs: signsOf(take, length),
    decode(codes, begin) {
      const row = new Float64Array(length);
      for (let part = 0, i = 0; part < parts; part++) {
        const first = (part * centres + number(codes, begin, part)) * width;
        for (let k = 0; k < sizes[part]; k++) row[i++] = values[first + k];
      }
      return row;
    },
    comparer(query) {
      // Each centre's product with its part of the query, and its squared length.
      const products = new Float64Array(parts * centres);
      const squares = new Float64Array(parts * centres);
      for (let part = 0, begin = 0; part < parts; begin += sizes[part++]) {
        const piece = query.subarray(begin, begin + sizes[part]);
        for (let entry = part * centres; entry < (part + 1) * centres; entry++) {
          const centre = values.subarray(entry * width, entry * width + sizes[part]);
          products[entry] = product(piece, centre);
          squares[entry] = product(centre, centre);
        }
      }
      return (codes, begin) => {
        let sum = 0;
        let square = 0;
        for (let part = 0; part < parts; part++) {
          const entry = part * centres + number(codes, begin, part);
          sum += products[entry];
          square += squares[entry];
        }
        return square > 0 ? sum / Math.sqrt(square) : 0;
      };
    },
  };
}

/**
 * @param {Take} take
 * @param {number} length
 */
function signsOf(take, length) {
  const bytes = Math.ceil(length / 8);
  const signs = take("signs", "uint8", [2, bytes]).bytes;
  return [signs.subarray(0, bytes), signs.subarray(bytes)];
}

/**
 * @param {Record<string, any>} declared what the header says of the code
 * @param {Map<string, import("../format/map_file.js").Section>} parameters by their names; those that are taken are removed
 * @returns {Code}
 */
function codeOf(declared, parameters) {
  if (typeof declared.type !== "string" || !Object.hasOwn(KINDS, declared.type)) {
    throw new FormatError(`the type of the code, ${String(declared.type).slice(0, 80)}, is unknown`);
  }
  /** @type {Take} */
  const take = (name, type, shape) => {
    const section = parameters.get(name);
    if (!section) throw new FormatError(`code.${name} is missing`);
    const fits = shape.length === section.shape.length && shape.every((size, i) => [size].flat().includes(section.shape[i]));
    if (section.type !== type || !fits) throw new FormatError(`code.${name} is ${section.type} [${section.shape}]`);
    if (!section.numbers().every(isUsable)) throw new FormatError(`a number of code.${name} is not finite, or too large`);
    parameters.delete(name);
    return section;
  };
  const [components] = take("components", "int32", [1]).numbers();
  const { length = components } = declared;
  if (!isWhole(components, 1) || !isWhole(length, 1)) throw new FormatError("the code has no number of components");
  const axes = "length" in declared ? take("axes", "float16", [length, components]).numbers() : null;
  const kind = KINDS[declared.type](take, length, declared);
  const prepare = (/** @type {ArrayLike<number>} */ descriptor) => {
    const given = Float64Array.from(descriptor);
    if (given.length !== components) {
      throw new RangeError(`the map has descriptors of ${components} numbers, the network gives ${given.length}; pack the city again`);
    }
    if (!given.every(Number.isFinite)) throw new RangeError("the descriptor of the picture is not finite: the network diverged");
    const short = axes
      ? toUnitLength(Float64Array.from({ length }, (_, i) => product(axes.subarray(i * components, (i + 1) * components), given)))
      : given;
    return kind.signs ? turned(short, kind.signs) : short;
  };
  const decode = (/** @type {Uint8Array} */ codes, /** @type {number} */ begin) => {
    const row = kind.decode(codes, begin);
    return kind.unit ? toUnitLength(row) : row;
  };
  const { comparer = (query) => (codes, begin) => product(query, decode(codes, begin)) } = kind;
  return { components, length, bytes: kind.bytes, finite: !kind.numbers, prepare, decode, comparer };
}

const SHORT = /^(float32|float16|int8|bits|rotated-bits|pq(\d+)(?:x[48])?)(?:-(\d+))?$/;

/**
 * @param {unknown} short a code in a word: `int8`, `pq16x4-128`
 * @returns {Record<string, any>} the same as a header declares it
 */
function declaredBy(short) {
  const found = typeof short === "string" ? short.match(SHORT) : null;
  if (!found) throw new FormatError(`the finer code ${String(short).slice(0, 80)} is unknown`);
  const [, type, bytes, length] = found;
  return {
    ...(bytes ? { type: "product-quantization", bytes: Number(bytes) } : { type }),
    ...(length ? { length: Number(length) } : {}),
  };
}

const FINER = "finer.";

/**
 * The code of a map, and the finer one by which the first answers are ranked again, if there is one.
 * @param {import("../format/map_file.js").MapFile} map
 * @returns {{code: Code, finer: Code | null}}
 * @throws {FormatError} the parameters are not those of the code
 */
export function codesOf(map) {
  const parameters = new Map([...map.sections].filter(([name]) => name.startsWith("code.")).map(([name, section]) => [name.slice(5), section]));
  const behind = new Map([...parameters].filter(([name]) => name.startsWith(FINER)).map(([name, section]) => [name.slice(FINER.length), section]));
  const before = new Map([...parameters].filter(([name]) => !name.startsWith(FINER)));
  const code = codeOf(map.code, before);
  const finer = "rerank" in map.code ? codeOf(declaredBy(map.code.rerank), behind) : null;
  const left = [...before.keys(), ...[...behind.keys()].map((name) => FINER + name)];
  if (left.length) throw new FormatError(`code.${left[0].slice(0, 80)} is no parameter of the code`);
  const bytes = code.bytes + (finer?.bytes ?? 0);
  if (map.codes.shape[1] !== bytes) throw new FormatError(`codes of ${map.codes.shape[1]} bytes; ${bytes} expected`);
  if (finer && finer.components !== code.components) throw new FormatError("the finer code is of other descriptors");
  return { code, finer };
}
