import { FormatError } from "../format/error.js";
import { isPage } from "./exact_fetch.js";

const ABSENT = [404, 410]; // any other status says nothing of the folder: a server may be busy, or ask for a password

/** Fetches files of one folder, and counts their bytes. */
export class Fetcher {
  /**
   * @param {string} base the address of the folder
   * @param {(loaded: number, total: number) => void} progress bytes of all files that are fetched
   */
  constructor(base, progress) {
    this.base = base;
    this.progress = progress;
    this.loaded = 0;
    this.total = 0;
  }

  /**
   * @param {string} name
   * @param {number | null} bytes how long the file is, where that is known
   * @param {{address?: string, cache?: RequestCache}} [options]
   * @returns {Promise<ReadableStream<Uint8Array>>} the file, as it comes in
   * @throws {Error} it is not there
   */
  async stream(name, bytes, { address = encodeURIComponent(name), cache } = {}) {
    this.total += bytes ?? 0;
    const response = await fetch(new URL(address, this.base), { cache }).catch((error) => {
      throw new Error(`${name} cannot be fetched (${error.message}). Is there a network? Then load the page again.`);
    });
    if (ABSENT.includes(response.status)) throw new Error(`${name} is missing on the server (${response.status}); pack the city again.`);
    if (!response.ok) throw new Error(`the server does not give ${name} now (${response.status}); load the page again later.`);
    if (isPage(response)) {
      throw new FormatError(`the server has sent a page in place of ${name}; put the whole folder onto it`);
    }
    // What the header says is the length of what is sent, packed perhaps.
    const packed = response.headers.has("content-encoding");
    if (bytes === null && !packed) this.total += Number(response.headers.get("content-length") ?? 0);
    /** @type {TransformStream<Uint8Array, Uint8Array>} */
    const counted = new TransformStream({
      transform: (piece, out) => {
        this.loaded += piece.length;
        this.progress(this.loaded, Math.max(this.loaded, this.total));
        out.enqueue(piece);
      },
    });
    return /** @type {ReadableStream<Uint8Array>} */ (response.body).pipeThrough(counted);
  }

  /**
   * A file as it is on the server now, or as it was kept under this address.
   * @param {string} name
   * @param {number | null} bytes how long the file must be, where that is known
   * @param {string} address in the folder
   * @returns {Promise<Uint8Array>}
   * @throws {Error} it is not there, or the connection breaks off in the middle of it
   * @throws {FormatError} it has another length
   */
  async file(name, bytes, address) {
    const reader = (await this.stream(name, bytes, { address, cache: "no-cache" })).getReader();
    /** @type {Uint8Array[]} */
    const pieces = [];
    let size = 0;
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw new Error(`${name} broke off on its way (${error.message}). Is there a network? Then load the page again.`);
      });
      if (done) break;
      pieces.push(value);
      size += value.length;
      if (bytes !== null && size > bytes) {
        await reader.cancel(); // the rest of it is not wanted
        break;
      }
    }
    if (bytes !== null && size !== bytes) {
      throw new FormatError(`${name} has ${size > bytes ? "more than " : ""}${Math.min(size, bytes)} of ${bytes} bytes: another file, or cut short; load the page again, or pack the city again`);
    }
    const whole = new Uint8Array(size);
    pieces.reduce((at, piece) => (whole.set(piece, at), at + piece.length), 0);
    return whole;
  }
}
