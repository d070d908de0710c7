import { ByteReader } from "./byte_reader.js";
import { FormatError } from "./error.js";

const MOST = 65536;

class BitReader {
  /** @param {Uint8Array} bytes the highest bit of each first */
  constructor(bytes) {
    this.bytes = bytes;
    this.place = 0;
  }

  bit() {
    const byte = this.bytes[this.place >> 3];
    if (byte === undefined) throw new FormatError("the bits of the numbers end too early");
    return (byte >> (7 - (this.place++ & 7))) & 1;
  }

  /** @param {number} k at most 24 */
  golomb(k) {
    let quotient = 0;
    while (this.bit()) quotient++;
    let rest = 0;
    for (let i = 0; i < k; i++) rest = 2 * rest + this.bit();
    return quotient * 2 ** k + rest;
  }

  end() {
    while (this.place & 7) if (this.bit()) throw new FormatError("a bit that fills the last byte is 1");
    if (this.place >> 3 !== this.bytes.length) throw new FormatError("bytes follow the numbers");
  }
}

/**
 * The coding `multiples`: whole numbers times a power of two.
 * @param {Uint8Array} payload
 * @param {number} count of numbers
 * @returns {Float32Array}
 */
export function readMultiples(payload, count) {
  if (count > MOST) throw new FormatError(`${count} multiples; at most ${MOST} are allowed`);
  const reader = new ByteReader(payload);
  const exponent = reader.int8();
  if (exponent < -126 || exponent > 103) throw new FormatError(`2 to the power of ${exponent}`);
  const kind = reader.uint8();
  const k = kind & 0x7f;
  if (k > 24) throw new FormatError(`${k} bits of a rest; at most 24 are allowed`);
  const middle = reader.int32();
  const bits = new BitReader(reader.take(reader.left));
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    if (kind & 0x80 && !bits.bit()) continue;
    const folded = bits.golomb(k);
    const number = middle + (folded % 2 ? -(folded + 1) / 2 : folded / 2);
    if (Math.abs(number) >= 2 ** 24) throw new FormatError(`the number ${number} is too large`);
    values[i] = number * 2 ** exponent;
  }
  bits.end();
  return values;
}
