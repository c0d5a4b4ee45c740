/**
 * SPDY/3's compressed header blocks (SPDY protocol draft 3.1, section 2.6.10): one zlib stream per direction and
 * connection, begun with a dictionary that both sides know.
 *
 * What is sent is stored, not compressed: a valid zlib stream that any peer reads, without state and without waiting. A
 * connection carries a few hundred bytes of headers; with thousands of streams a second this would be worth changing.
 */
import zlib from "node:zlib";
import { Buffer } from "node:buffer";

/** Name to value, names in lower case. A name that came several times has its values joined by NUL. */
export type Headers = Readonly<Record<string, string>>;

const words =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status|200 OK|version HTTP/1.1 url public set-cookie keep-alive origin";
const tail =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

export const dictionary: Uint8Array = makeDictionary();

function makeDictionary(): Uint8Array {
  const listed = words.split("|").flatMap((part, index) => index % 2 === 1 ? [part] : part.split(" "));
  const parts = listed.map((word) => Buffer.concat([uint32(word.length), Buffer.from(word)]));
  return Buffer.concat([...parts, Buffer.from(tail)]);
}

/** A peer that sends more than this for one stream is not one of ours. */
const longestBlock = 1 << 20;

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/**
 * An empty stored block, as a flushing compressor ends with. Go's reader hands out what it has read only there; without
 * it, it looks for a next block, finds the end of the frame, and takes the whole stream for cut off.
 */
const flush = Buffer.from([0, 0, 0, 0xff, 0xff]);

export class HeaderEncoder {
  #begun = false;

  encode(headers: Headers): Uint8Array {
    const entries = Object.entries(headers);
    const parts: Uint8Array[] = [uint32(entries.length)];
    for (const [name, value] of entries) {
      for (const text of [name.toLowerCase(), value]) {
        const bytes = Buffer.from(text);
        parts.push(uint32(bytes.length), bytes);
      }
    }
    const block = Buffer.concat(parts);
    // zlib's own header, once: deflate with a 32 KiB window, no dictionary.
    const out: Uint8Array[] = this.#begun ? [] : [Buffer.from([0x78, 0x01])];
    this.#begun = true;
    for (let offset = 0; offset < block.length; offset += 0xffff) {
      const part = block.subarray(offset, offset + 0xffff);
      // A stored block: not the last one, its length, its length inverted.
      const head = Buffer.alloc(5);
      head.writeUInt16LE(part.length, 1);
      head.writeUInt16LE(~part.length & 0xffff, 3);
      out.push(head, part);
    }
    out.push(flush);
    return Buffer.concat(out);
  }
}

export class HeaderDecoder {
  readonly #inflate = zlib.createInflate({ dictionary: Buffer.from(dictionary) });
  #out: Uint8Array[] = [];
  #failed: Error | undefined;
  #reject: ((error: Error) => void) | undefined;

  constructor() {
    this.#inflate.on("data", (chunk: Uint8Array) => this.#out.push(chunk));
    this.#inflate.on("error", (error: Error) => {
      this.#failed = error;
      this.#reject?.(error);
    });
  }

  /** Blocks must be given in the order in which they came, one at a time. */
  async decode(compressed: Uint8Array): Promise<Headers> {
    if (this.#failed !== undefined) throw this.#failed;
    await new Promise<void>((resolve, reject) => {
      this.#reject = reject;
      this.#inflate.write(Buffer.from(compressed), () => resolve());
    });
    const block = Buffer.concat(this.#out);
    this.#out = [];
    return readBlock(block);
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function readBlock(block: Buffer): Headers {
  let offset = 0;
  const take = (length: number): Buffer => {
    if (length > longestBlock || offset + length > block.length) {
      throw new Error(`Cannot read headers: ${length} bytes are announced at ${offset} of ${block.length}`);
    }
    offset += length;
    return block.subarray(offset - length, offset);
  };
  const headers: Record<string, string> = {};
  for (let left = take(4).readUInt32BE(); left > 0; left--) {
    const name = take(take(4).readUInt32BE()).toString().toLowerCase();
    headers[name] = take(take(4).readUInt32BE()).toString();
  }
  return headers;
}
