/**
 * Messages of protobuf's wire format by a table of their fields: `message({ key: [1, bytes], ... })` knows how to encode,
 * decode and type itself. Reading gives every field its value or its default; writing leaves defaults out.
 */

/** How one kind of value is written and read. */
interface Kind<T> {
  readonly wire: 0 | 2;
  readonly none: T;
  isNone(value: T): boolean;
  write(out: Output, value: T): void;
  read(input: Input): T;
}

type Field = readonly [number, Kind<unknown> | (() => Message<unknown>), "repeated"?];
type KindOf<K> = K extends Kind<infer T> ? T : K extends () => Message<infer T> ? T : never;
type ValueOf<F> = F extends readonly [number, infer K, "repeated"] ? KindOf<K>[]
  : F extends readonly [number, infer K] ? K extends () => unknown ? KindOf<K> | undefined : KindOf<K>
  : never;
/** What reading a message gives. */
export type Fields<F> = { -readonly [Name in keyof F]: ValueOf<F[Name]> };

/** `In` is what can be written: any part of it. */
export interface Message<T> {
  encode(value: Part<T>): Uint8Array<ArrayBuffer>;
  /** @throws Error when the bytes are no such message. */
  decode(bytes: Uint8Array): T;
  write(out: Output, value: Part<T>): void;
  read(input: Input): T;
}

/** Any of the fields, at any depth. */
export type Part<T> = T extends Uint8Array | string | number | bigint | boolean ? T
  : T extends readonly (infer E)[] ? readonly Part<E>[]
  : T extends object ? { readonly [K in keyof T]?: Part<T[K]> | undefined }
  : T;

export function message<const F extends Readonly<Record<string, Field>>>(fields: F): Message<Fields<F>> {
  const table = Object.entries(fields).map(([name, [number, kind, repeated]]) => ({
    name,
    number,
    kind: typeof kind === "function" ? undefined : kind,
    of: typeof kind === "function" ? kind : undefined,
    repeated: repeated === "repeated",
  }));
  const byNumber = new Map(table.map((field) => [field.number, field]));
  const self: Message<Record<string, unknown>> = {
    encode(value) {
      const out = new Output();
      self.write(out, value);
      return out.copy();
    },
    decode: (bytes) => self.read(new Input(bytes)),
    write(out, value) {
      for (const { name, number, kind, of, repeated } of table) {
        const given = value[name];
        if (given === undefined) continue;
        for (const each of repeated ? given as readonly unknown[] : [given]) {
          if (of !== undefined) {
            out.varint(number * 8 + 2);
            out.nested(() => of().write(out, each as Part<unknown>));
          } else if (kind !== undefined && (repeated || !kind.isNone(each))) {
            out.varint(number * 8 + kind.wire);
            kind.write(out, each);
          }
        }
      }
    },
    read(input) {
      const value: Record<string, unknown> = {};
      for (const { name, kind, repeated } of table) value[name] = repeated ? [] : kind?.none;
      while (!input.done) {
        const tag = input.varint();
        const field = byNumber.get(Math.floor(tag / 8));
        const wire = tag % 8;
        if (field === undefined) {
          input.skip(wire);
          continue;
        }
        const { name, kind, of, repeated } = field;
        if (kind?.wire === 0 && wire === 2 && repeated) {
          const packed = input.part();
          while (!packed.done) (value[name] as unknown[]).push(kind.read(packed));
          continue;
        }
        if (wire !== (kind?.wire ?? 2)) throw new Error(`Cannot read field ${name}: it has wire type ${wire}`);
        const read = kind === undefined ? of!().read(input.part()) : kind.read(input);
        if (repeated) (value[name] as unknown[]).push(read);
        else value[name] = read;
      }
      return value;
    },
  };
  return self as unknown as Message<Fields<F>>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const empty = new Uint8Array(0);

export const bytes: Kind<Uint8Array> = {
  wire: 2,
  none: empty,
  isNone: (value) => value.length === 0,
  write: (out, value) => out.blob(value),
  // A copy: the store keeps values for long, and what they came in would stay with them.
  read: (input) => input.blob().slice(),
};
export const string: Kind<string> = {
  wire: 2,
  none: "",
  isNone: (value) => value === "",
  write: (out, value) => out.blob(encoder.encode(value)),
  read: (input) => decoder.decode(input.blob()),
};
export const bool: Kind<boolean> = {
  wire: 0,
  none: false,
  isNone: (value) => !value,
  write: (out, value) => out.varint(value ? 1 : 0),
  read: (input) => input.varint() !== 0,
};
/** Also enums and other whole numbers; beyond 2^53 it is not exact, which `Number.isSafeInteger` shows. */
export const int64: Kind<number> = {
  wire: 0,
  none: 0,
  isNone: (value) => value === 0,
  write: (out, value) => out.varint(value),
  read: (input) => input.varint(),
};
export const uint64: Kind<bigint> = {
  wire: 0,
  none: 0n,
  isNone: (value) => value === 0n,
  write: (out, value) => out.bigVarint(value),
  read: (input) => input.bigVarint(),
};

export class Output {
  #buffer = new Uint8Array(512);
  #length = 0;

  copy(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  varint(value: number): void {
    if (value < 0) return this.bigVarint(BigInt.asUintN(64, BigInt(value)));
    this.#reserve(10);
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

  bigVarint(value: bigint): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 127n) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  blob(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** What `write` writes, its length before it. */
  nested(write: () => void): void {
    const start = this.#length;
    this.#reserve(5);
    this.#length = start + 1;
    write();
    const size = this.#length - start - 1;
    if (size < 128) {
      this.#buffer[start] = size;
      return;
    }
    // One byte was left for the length: the content moves up to make room for the others.
    const more = size < 1 << 14 ? 1 : size < 1 << 21 ? 2 : size < 1 << 28 ? 3 : 4;
    this.#reserve(more + 10);
    this.#buffer.copyWithin(start + 1 + more, start + 1, this.#length);
    const end = this.#length + more;
    this.#length = start;
    this.varint(size);
    this.#length = end;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

export class Input {
  #at: number;
  constructor(readonly buffer: Uint8Array, from = 0, readonly end: number = buffer.length) {
    this.#at = from;
  }

  get done(): boolean {
    return this.#at >= this.end;
  }

  varint(): number {
    let low = 0;
    let scale = 1;
    const start = this.#at;
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      low += (byte & 0x7f) * scale;
      if (byte < 128) return low;
      scale *= 128;
    }
    this.#at = start;
    return Number(BigInt.asIntN(64, this.bigVarint()));
  }

  bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new Error("Cannot read the message: a number has more than ten bytes");
  }

  blob(): Uint8Array {
    const start = this.#skipBlob();
    return this.buffer.subarray(start, this.#at);
  }

  part(): Input {
    const start = this.#skipBlob();
    return new Input(this.buffer, start, this.#at);
  }

  skip(wire: number): void {
    if (wire === 0) this.bigVarint();
    else if (wire === 2) this.#skipBlob();
    else if (wire === 1 || wire === 5) this.#advance(wire === 1 ? 8 : 4);
    else throw new Error(`Cannot read the message: it has a field of wire type ${wire}`);
  }

  #skipBlob(): number {
    const length = this.varint();
    const start = this.#at;
    this.#advance(length);
    return start;
  }

  #advance(count: number): void {
    if (!(count >= 0 && this.#at + count <= this.end)) throw new Error("Cannot read the message: it ends too early");
    this.#at += count;
  }

  #byte(): number {
    if (this.#at >= this.end) throw new Error("Cannot read the message: it ends too early");
    return this.buffer[this.#at++]!;
  }
}
