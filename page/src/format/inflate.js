import { FormatError } from "./error.js";

// A browser's DecompressionStream is asynchronous, and does not say where packed data ends. Both
// formats are small: RFC 1951 (deflate) and RFC 1950 (zlib, around it).

const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_EXTRA = Array.from({ length: 30 }, (_, i) => Math.max(0, (i >> 1) - 1));
const LENGTH_BASE = bases(LENGTH_EXTRA, 3);
LENGTH_BASE[28] = 258;
const DISTANCE_BASE = bases(DISTANCE_EXTRA, 1);

/**
 * @param {number[]} extra bits of each code
 * @param {number} first
 */
function bases(extra, first) {
  let next = first;
  return extra.map((bits) => (next += 2 ** bits) - 2 ** bits);
}

class Bits {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.place = 0;
    this.held = 0;
    this.count = 0;
  }

  /** @param {number} count up to 16 */
  take(count) {
    while (this.count < count) {
      if (this.place === this.bytes.length) throw new FormatError("packed data ends too early");
      this.held |= this.bytes[this.place++] << this.count;
      this.count += 8;
    }
    const value = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.count -= count;
    return value;
  }

  /** Drops what is left of a byte. */
  align() {
    this.held = 0;
    this.count = 0;
  }
}

/** Huffman's code, from the length of each symbol's word. */
class Code {
  /**
   * @param {Uint8Array} lengths of the words, 0 to 15
   * @param {boolean} single whether one word of one bit is allowed, which leaves a word over
   */
  constructor(lengths, single) {
    this.counts = new Uint16Array(16);
    for (const length of lengths) this.counts[length]++;
    this.counts[0] = 0;
    let left = 1;
    let longest = 0;
    const begins = new Uint16Array(16);
    for (let length = 1; length < 16; length++) {
      left = 2 * left - this.counts[length];
      if (left < 0) throw new FormatError("a code of packed data has too many words");
      if (this.counts[length]) longest = length;
      if (length < 15) begins[length + 1] = begins[length] + this.counts[length];
    }
    if (left > 0 && longest > 0 && !(single && longest === 1)) {
      throw new FormatError("a code of packed data is incomplete");
    }
    this.symbols = new Uint16Array(lengths.length);
    lengths.forEach((length, symbol) => {
      if (length) this.symbols[begins[length]++] = symbol;
    });
  }

  /** @param {Bits} bits */
  next(bits) {
    let word = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length < 16; length++) {
      word |= bits.take(1);
      const count = this.counts[length];
      if (word - first < count) return this.symbols[index + word - first];
      index += count;
      first = (first + count) << 1;
      word <<= 1;
    }
    throw new FormatError("packed data has an unknown word");
  }
}

class Output {
  /** @param {number} most bytes */
  constructor(most) {
    this.most = most;
    this.length = 0;
    this.bytes = new Uint8Array(Math.min(most, 4096));
  }

  /** @param {number} count of bytes to make room for */
  reserve(count) {
    const needed = this.length + count;
    if (needed > this.most) throw new FormatError(`more than ${this.most} bytes unpacked: too long`);
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.min(this.most, Math.max(needed, 2 * this.bytes.length)));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** @param {Uint8Array} bytes */
  append(bytes) {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** @param {number} byte */
  push(byte) {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  /**
   * @param {number} distance
   * @param {number} count
   */
  repeat(distance, count) {
    if (distance > this.length) throw new FormatError("packed data refers to before its begin");
    this.reserve(count);
    for (let i = 0; i < count; i++, this.length++) {
      this.bytes[this.length] = this.bytes[this.length - distance];
    }
  }
}

/**
 * @param {Bits} bits
 * @param {Output} output
 */
function storedBlock(bits, output) {
  bits.align();
  const length = bits.take(16);
  if ((bits.take(16) ^ 0xffff) !== length) throw new FormatError("a length of packed data is damaged");
  if (bits.place + length > bits.bytes.length) throw new FormatError("packed data ends too early");
  output.append(bits.bytes.subarray(bits.place, bits.place + length));
  bits.place += length;
}

function fixedCodes() {
  const lengths = new Uint8Array(288);
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
  return [new Code(lengths, false), new Code(new Uint8Array(32).fill(5), false)];
}

/** @param {Bits} bits */
function dynamicCodes(bits) {
  const symbols = bits.take(5) + 257;
  const distances = bits.take(5) + 1;
  const words = bits.take(4) + 4;
  if (symbols > 286 || distances > 30) throw new FormatError("packed data has too many words");
  const lengthLengths = new Uint8Array(19);
  for (let i = 0; i < words; i++) lengthLengths[LENGTH_ORDER[i]] = bits.take(3);
  const code = new Code(lengthLengths, false);
  const lengths = new Uint8Array(symbols + distances);
  for (let i = 0; i < lengths.length; ) {
    const word = code.next(bits);
    if (word < 16) {
      lengths[i++] = word;
      continue;
    }
    if (word === 16 && i === 0) throw new FormatError("packed data repeats nothing");
    const value = word === 16 ? lengths[i - 1] : 0;
    const count = word === 16 ? 3 + bits.take(2) : word === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    if (i + count > lengths.length) throw new FormatError("packed data repeats too often");
    lengths.fill(value, i, (i += count));
  }
  if (lengths[256] === 0) throw new FormatError("a block of packed data has no end");
  return [new Code(lengths.slice(0, symbols), true), new Code(lengths.slice(symbols), true)];
}

/**
 * @param {Bits} bits
 * @param {Output} output
 * @param {Code[]} codes of symbols and of distances
 */
function packedBlock(bits, output, [symbols, distances]) {
  for (;;) {
    const symbol = symbols.next(bits);
    if (symbol < 256) {
      output.push(symbol);
      continue;
    }
    if (symbol === 256) return;
    const length = symbol - 257;
    if (length > 28) throw new FormatError("packed data has an unknown length");
    const count = LENGTH_BASE[length] + bits.take(LENGTH_EXTRA[length]);
    const distance = distances.next(bits);
    if (distance > 29) throw new FormatError("packed data has an unknown distance");
    output.repeat(DISTANCE_BASE[distance] + bits.take(DISTANCE_EXTRA[distance]), count);
  }
}

/**
 * Raw deflate, which must end with the last byte.
 * @param {Uint8Array} bytes
 * @param {number} most bytes unpacked
 * @returns {Uint8Array}
 * @throws {FormatError} damaged, too long, or of another length
 */
export function inflateRaw(bytes, most) {
  const bits = new Bits(bytes);
  const output = new Output(most);
  for (let last = 0; !last; ) {
    last = bits.take(1);
    const kind = bits.take(2);
    if (kind === 0) storedBlock(bits, output);
    else if (kind === 1) packedBlock(bits, output, fixedCodes());
    else if (kind === 2) packedBlock(bits, output, dynamicCodes(bits));
    else throw new FormatError("packed data has an unknown kind of block");
  }
  if (bits.place !== bytes.length) throw new FormatError("bytes follow the packed data");
  return output.bytes.subarray(0, output.length);
}

/** @param {Uint8Array} bytes */
function adler32(bytes) {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length; ) {
    // So many bytes at a time that b stays below 2^32.
    for (const end = Math.min(bytes.length, i + 3800); i < end; i++) {
      a += bytes[i];
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}

/**
 * zlib's format, which must end with the last byte.
 * @param {Uint8Array} bytes
 * @param {number} most bytes unpacked
 * @returns {Uint8Array}
 * @throws {FormatError} damaged, too long, or of another length
 */
export function inflateZlib(bytes, most) {
  const [method, flags] = bytes;
  if (bytes.length < 6 || (256 * method + flags) % 31 || (method & 15) !== 8 || method >> 4 > 7 || flags & 32) {
    throw new FormatError("not packed by zlib");
  }
  const unpacked = inflateRaw(bytes.subarray(2, -4), most);
  const sum = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4).getUint32(0);
  if (sum !== adler32(unpacked)) throw new FormatError("the checksum of packed data differs");
  return unpacked;
}
