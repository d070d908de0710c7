import { FormatError } from "./error.js";
import { halfToNumber } from "./half.js";

/** Little-endian numbers from bytes, one after another; reading past the end is a FormatError. */
export class ByteReader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.place = 0;
  }

  get left() {
    return this.bytes.length - this.place;
  }

  /**
   * @param {number} count of bytes
   * @returns {number} the place where they begin
   */
  skip(count) {
    if (count > this.left) {
      throw new FormatError(`${count} bytes expected, ${this.left} left`);
    }
    const begin = this.place;
    this.place += count;
    return begin;
  }

  /**
   * @param {number} count
   * @returns {Uint8Array} a view, not a copy
   */
  take(count) {
    const begin = this.skip(count);
    return this.bytes.subarray(begin, begin + count);
  }

  uint8() {
    return this.bytes[this.skip(1)];
  }

  int8() {
    return this.view.getInt8(this.skip(1));
  }

  uint16() {
    return this.view.getUint16(this.skip(2), true);
  }

  uint32() {
    return this.view.getUint32(this.skip(4), true);
  }

  int32() {
    return this.view.getInt32(this.skip(4), true);
  }

  /** An integer of variable length: seven bits a byte, the lowest first, 4 bytes at most. */
  integer() {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.uint8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new FormatError("an integer has more than 4 bytes");
  }

  /**
   * @param {number} count
   * @returns {Float32Array}
   */
  floats(count) {
    const begin = this.skip(4 * count);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = this.view.getFloat32(begin + 4 * i, true);
    return values;
  }

  /**
   * @param {number} count
   * @returns {Float32Array} of numbers in half precision
   */
  halves(count) {
    const begin = this.skip(2 * count);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      values[i] = halfToNumber(this.view.getUint16(begin + 2 * i, true));
    }
    return values;
  }

  /** Refuses what is left. */
  end() {
    if (this.left) throw new FormatError(`${this.left} bytes too many`);
  }
}
