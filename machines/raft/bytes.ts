/**
 * Writing and reading binary records. Whole numbers are little-endian base-128 groups (as in protobuf) up to 2^53 - 1,
 * fixed numbers little-endian, strings a length and UTF-8.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A growing buffer. `bytes()` is a view that the next write or reset may change. */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 1024) {
    this.#buffer = new Uint8Array(capacity);
    this.#view = new DataView(this.#buffer.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Empties it; a buffer that has grown past `keep` bytes is given back. */
  reset(keep = 8 << 20): void {
    this.#length = 0;
    if (this.#buffer.length > keep) this.#allocate(keep);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  /** The bytes as an array of their own. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** Fills in four bytes that were left open before. */
  patch32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  number(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#buffer[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  blob(value: Uint8Array): void {
    this.number(value.length);
    this.raw(value);
  }

  string(value: string): void {
    this.#reserve(value.length * 3 + 8);
    const start = this.#length;
    this.number(value.length);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 127) {
        this.#length = start;
        this.blob(encoder.encode(value));
        return;
      }
      buffer[at++] = unit;
    }
    this.#length = at;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed > this.#buffer.length) this.#allocate(Math.max(needed, this.#buffer.length * 2));
  }

  #allocate(capacity: number): void {
    const grown = new Uint8Array(capacity);
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** What was read is not what was written. */
export class MalformedBytes extends Error {
  override name = "MalformedBytes";
}

/** Reads what a ByteWriter wrote. Blobs are views of the bytes given. */
export class ByteReader {
  #at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  byte(): number {
    return this.bytes[this.#take(1)]!;
  }

  fixed32(): number {
    const at = this.#take(4);
    const { bytes } = this;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (let groups = 0; groups < 8; groups++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw new MalformedBytes(`Cannot read a number at ${this.#at}: it is above 2^53`);
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  blob(): Uint8Array {
    return this.raw(this.number());
  }

  string(): string {
    const bytes = this.blob();
    try {
      return decoder.decode(bytes);
    } catch {
      throw new MalformedBytes(`Cannot read a string at ${this.#at}: it is not UTF-8`);
    }
  }

  /** @throws MalformedBytes when something is left over. */
  end(): void {
    if (this.remaining !== 0) throw new MalformedBytes(`Cannot read a record: ${this.remaining} bytes are left over`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.bytes.length) {
      throw new MalformedBytes(`Cannot read ${length} bytes at ${at}: the record ends at ${this.bytes.length}`);
    }
    this.#at = at + length;
    return at;
  }
}
