import { FormatError } from "./error.js";

const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/**
 * A header in JSON, and the same with `null` in the place of each number that is written with a
 * fraction or an exponent: JavaScript does not tell 40.0 from 40, and a count is written 40.
 * @param {Uint8Array} bytes UTF-8
 * @returns {{header: Record<string, any>, whole: Record<string, any>}}
 */
export function readHeader(bytes) {
  let text, header, whole;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
    whole = JSON.parse(text.replace(TEXT_OR_NUMBER, wholeOrText));
  } catch (error) {
    throw new FormatError(`the header cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  if (!isObject(header)) throw new FormatError("the header is no JSON object");
  return { header, whole };
}

/** @param {string} found in JSON: a text, or a number */
function wholeOrText(found) {
  if (found.startsWith('"')) return found;
  if (!Number.isFinite(Number(found))) throw new FormatError(`${found.slice(0, 40)} is no finite number`);
  return /^-?\d+$/.test(found) ? found : "null";
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, any>}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {unknown} value
 * @param {number} least
 * @param {number} [most]
 * @returns {value is number}
 */
export function isWhole(value, least, most = Number.MAX_SAFE_INTEGER) {
  return typeof value === "number" && Number.isSafeInteger(value) && least <= value && value <= most;
}
