// Files of a city keep their names when it is packed again. So their digests are a part of their
// addresses, and no cache between here and the server can mix up two versions.
import { FormatError } from "../format/error.js";
import { sha256 } from "./digest.js";

/** The files of a city as one manifest has them. */
export class Version {
  /**
   * @param {Record<string, string>} digests SHA-256 of files by name, as far as the manifest has them
   * @param {string | null} own SHA-256 of the manifest, where the browser can compute it
   */
  constructor(digests, own) {
    this.digests = digests;
    this.own = own;
  }

  /** @param {string} name of a file in the city's folder */
  addressOf(name) {
    return this.#address(encodeURIComponent(name), Object.hasOwn(this.digests, name) ? this.digests[name] : null);
  }

  /**
   * @param {string} folder
   * @param {number} places
   * @param {string[] | null} digests SHA-256 of the thumbnails
   * @returns {string[]} the address of each place's thumbnail
   */
  thumbnails(folder, places, digests) {
    return Array.from({ length: places }, (_, place) => this.#address(`${encodeURIComponent(folder)}/${place}.jpg`, digests && digests[place]));
  }

  /**
   * @param {string} path
   * @param {string | null} digest
   */
  #address(path, digest) {
    if (digest) return `${path}?sha256=${digest}`;
    return this.own ? `${path}?city=${this.own}` : path;
  }

  /**
   * @param {Uint8Array} bytes of a file
   * @param {string} name
   * @throws {FormatError} it is another one than the manifest means
   */
  async require(bytes, name) {
    const found = Object.hasOwn(this.digests, name) ? await sha256(bytes) : null;
    if (found && found !== this.digests[name]) {
      throw new FormatError(`${name} is not of the same version as city.json, which may still be on its way to the server; load the page again in a minute, or pack the city again`);
    }
  }
}
