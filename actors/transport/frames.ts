/** Messages on a byte stream: a length of four bytes, big-endian, then the message. */
const headerBytes = 4;

/** Nobody sends more in one message; whoever announces more is no member of ours. */
export const maxMessageBytes = 64 * 1024 * 1024;

export function frame(message: Uint8Array): Uint8Array {
  if (message.length > maxMessageBytes) {
    throw new Error(`Cannot send a message of ${message.length} bytes: at most ${maxMessageBytes} are allowed`);
  }
  const bytes = new Uint8Array(headerBytes + message.length);
  new DataView(bytes.buffer).setUint32(0, message.length);
  bytes.set(message, headerBytes);
  return bytes;
}

/** Takes a stream apart again, whatever pieces it comes in. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** @throws Error when the stream cannot be one of ours. */
  *read(piece: Uint8Array): Generator<Uint8Array> {
    this.#pieces.push(piece);
    this.#length += piece.length;
    while (this.#length >= headerBytes) {
      const size = this.#peekSize();
      if (size > maxMessageBytes) throw new Error(`Cannot read a message of ${size} bytes: this is no member's stream`);
      if (this.#length < headerBytes + size) return;
      yield this.#take(headerBytes + size).subarray(headerBytes);
    }
  }

  #peekSize(): number {
    if (this.#pieces[0]!.length < headerBytes) this.#pieces = [this.#joined()];
    const [first] = this.#pieces;
    return new DataView(first!.buffer, first!.byteOffset, headerBytes).getUint32(0);
  }

  #take(count: number): Uint8Array {
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : this.#joined();
    this.#length -= count;
    this.#pieces = this.#length === 0 ? [] : [all.subarray(count)];
    return all.subarray(0, count);
  }

  #joined(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}
