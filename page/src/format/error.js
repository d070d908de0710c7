/** A file that is not what docs/format.md describes; the message says where. */
export class FormatError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "FormatError";
  }

  /**
   * The same fault, with the place where it was found before it.
   * @param {string} place
   */
  at(place) {
    return new FormatError(`${place}: ${this.message}`);
  }
}

/**
 * @template T
 * @param {string} place
 * @param {() => T} read
 * @returns {T} what `read` returns; a FormatError of it names `place`
 */
export function within(place, read) {
  try {
    return read();
  } catch (error) {
    throw error instanceof FormatError ? error.at(place) : error;
  }
}
