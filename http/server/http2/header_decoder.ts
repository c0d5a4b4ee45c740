/** Header blocks as a peer sends them (HPACK, RFC 7541). One per connection: each block may refer to those before. */
import { ConnectionFault, ErrorCode } from "./frame.ts";
import { decodeHuffman } from "./huffman.ts";
import { staticTable } from "./static_table.ts";

/** What the peer may let us keep: the default of HTTP/2, which we do not change. */
const maxTableBytes = 4_096;
const entryOverhead = 32;
const dynamicFrom = staticTable.length;

const nothing = new Uint8Array(0);

export class HeaderDecoder {
  /** The dynamic table, newest last: names and values in turn. */
  readonly #table: string[] = [];
  #tableBytes = 0;
  #limit = maxTableBytes;
  #bytes: Uint8Array = nothing;
  #at = 0;

  /**
   * The block's names and values in turn; undefined when they are longer than `maxBytes` (counted as RFC 9113 does), and
   * then the table is as it must be all the same.
   *
   * @throws ConnectionFault for what is no header block
   */
  decode(block: Uint8Array, maxBytes: number): string[] | undefined {
    this.#bytes = block;
    this.#at = 0;
    const fields = this.#fields(maxBytes);
    this.#bytes = nothing;
    return fields;
  }

  #fields(maxBytes: number): string[] | undefined {
    const fields: string[] = [];
    let bytes = 0;
    while (this.#at < this.#bytes.length) {
      const first = this.#bytes[this.#at]!;
      if (first >= 0x80) {
        const index = this.#integer(7);
        this.#push(fields, index);
      } else if (first >= 0x40) {
        const name = this.#name(this.#integer(6));
        const value = this.#string();
        this.#remember(name, value);
        fields.push(name, value);
      } else if (first >= 0x20) {
        if (fields.length > 0 || bytes > 0) throw malformed("the table's size changes within a block");
        this.#resize(this.#integer(5));
        continue;
      } else {
        fields.push(this.#name(this.#integer(4)), this.#string());
      }
      bytes += entryOverhead + fields[fields.length - 2]!.length + fields[fields.length - 1]!.length;
      // What is too long is still read to its end, for the sake of the table.
      if (bytes > maxBytes) fields.length = 0;
    }
    return bytes > maxBytes ? undefined : fields;
  }

  #push(fields: string[], index: number): void {
    if (index > 0 && index < dynamicFrom) {
      const [name, value] = staticTable[index]!;
      fields.push(name, value);
      return;
    }
    const place = this.#place(index);
    fields.push(this.#table[place]!, this.#table[place + 1]!);
  }

  #name(index: number): string {
    if (index === 0) return this.#string();
    return index < dynamicFrom ? staticTable[index]![0] : this.#table[this.#place(index)]!;
  }

  #place(index: number): number {
    const place = this.#table.length - 2 * (index - dynamicFrom + 1);
    if (index === 0 || place < 0) throw malformed(`there is no entry ${index}`);
    return place;
  }

  #remember(name: string, value: string): void {
    this.#tableBytes += name.length + value.length + entryOverhead;
    this.#table.push(name, value);
    this.#evict();
  }

  #resize(limit: number): void {
    if (limit > maxTableBytes) throw malformed(`a table of ${limit} bytes was not offered`);
    this.#limit = limit;
    this.#evict();
  }

  #evict(): void {
    let gone = 0;
    while (this.#tableBytes > this.#limit) {
      this.#tableBytes -= this.#table[gone]!.length + this.#table[gone + 1]!.length + entryOverhead;
      gone += 2;
    }
    if (gone > 0) this.#table.splice(0, gone);
  }

  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw malformed("a number is too large");
  }

  #string(): string {
    const huffman = this.#bytes[this.#at]! >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw malformed("it is cut off");
    if (huffman) return decodeHuffman(this.#bytes, start, this.#at);
    let text = "";
    for (let at = start; at < this.#at; at++) text += String.fromCharCode(this.#bytes[at]!);
    return text;
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw malformed("it is cut off");
    return this.#bytes[this.#at++]!;
  }
}

function malformed(why: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.compressionError, `Cannot read a header block: ${why}`);
}
