import { FormatError } from "../format/error.js";

/**
 * @param {string} base the address of a folder
 * @param {(loaded: number, total: number) => void} progress bytes of all files that are fetched
 * @returns {import("../city/recogniser.js").Fetch}
 */
export function fetcher(base, progress) {
  let loaded = 0;
  let total = 0;
  return async (name, bytes) => {
    const response = await fetch(new URL(encodeURIComponent(name), base)).catch((error) => {
      throw new Error(`${name} cannot be fetched (${error.message}). Is there a network? Then load the page again.`);
    });
    if (!response.ok) throw new Error(`${name} is missing on the server (${response.status}); pack the city again.`);
    // Some servers answer with a page where a file is missing.
    if (/text\/html/.test(response.headers.get("content-type") ?? "")) {
      throw new FormatError(`the server has sent a page in place of ${name}; put the whole folder onto it`);
    }
    // What the header says is the length of what is sent, packed perhaps.
    const packed = response.headers.has("content-encoding");
    total += bytes ?? (packed ? 0 : Number(response.headers.get("content-length") ?? 0));
    /** @type {Uint8Array[]} */
    const pieces = [];
    let size = 0;
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      size += value.length;
      loaded += value.length;
      if (bytes !== null && size > bytes) break;
      progress(loaded, Math.max(loaded, total));
    }
    if (bytes !== null && size !== bytes) {
      throw new FormatError(`${name} has ${size > bytes ? "more than " : ""}${Math.min(size, bytes)} of ${bytes} bytes: another file, or cut short; load the page again, or pack the city again`);
    }
    const whole = new Uint8Array(size);
    pieces.reduce((at, piece) => (whole.set(piece, at), at + piece.length), 0);
    return whole;
  };
}
