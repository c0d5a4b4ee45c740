/** DNS over TCP: each message with its length in two bytes before it (RFC 1035, section 4.2.2). */

export async function writeFramed(
  connection: { write(bytes: Uint8Array): Promise<number> },
  message: Uint8Array,
): Promise<void> {
  const framed = new Uint8Array(message.length + 2);
  framed[0] = message.length >> 8;
  framed[1] = message.length & 255;
  framed.set(message, 2);
  for (let written = 0; written < framed.length;) written += await connection.write(framed.subarray(written));
}

/** Messages until the other side closes; what is incomplete then is dropped. */
export async function* readFramed(
  connection: { read(buffer: Uint8Array): Promise<number | null> },
): AsyncGenerator<Uint8Array> {
  let pending = new Uint8Array(0);
  const buffer = new Uint8Array(4096);
  for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
    const joined = new Uint8Array(pending.length + count);
    joined.set(pending);
    joined.set(buffer.subarray(0, count), pending.length);
    pending = joined;
    while (pending.length >= 2) {
      const length = pending[0]! << 8 | pending[1]!;
      if (pending.length < length + 2) break;
      yield pending.slice(2, length + 2);
      pending = pending.slice(length + 2);
    }
  }
}
