import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import zlib from "node:zlib";
import fc from "fast-check";
import { encodeFrame, type Frame, FrameReader } from "../../../http/streaming/spdy/frames.ts";
import { dictionary, HeaderDecoder, HeaderEncoder } from "../../../http/streaming/spdy/header_blocks.ts";
import { SpdyConnection } from "../../../http/streaming/spdy/spdy_connection.ts";
import type { SpdyStream } from "../../../http/streaming/spdy/spdy_stream.ts";

const id = fc.integer({ min: 0, max: 0x7fffffff });
const uint = fc.integer({ min: 0, max: 0xffffffff });
const bytes = fc.uint8Array({ maxLength: 300 });
const fin = fc.boolean();
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant("data" as const), stream: id, fin, payload: bytes }),
  fc.record({
    type: fc.constant("synStream" as const),
    stream: id,
    associated: id,
    priority: fc.integer({ min: 0, max: 7 }),
    fin,
    unidirectional: fin,
    block: bytes,
  }),
  fc.record({ type: fc.constant("synReply" as const), stream: id, fin, block: bytes }),
  fc.record({ type: fc.constant("headers" as const), stream: id, fin, block: bytes }),
  fc.record({ type: fc.constant("rstStream" as const), stream: id, status: uint }),
  fc.record({
    type: fc.constant("settings" as const),
    entries: fc.array(fc.record({ id: fc.integer({ min: 0, max: 0xffffff }), value: uint }), { maxLength: 5 }),
  }),
  fc.record({ type: fc.constant("ping" as const), id: uint }),
  fc.record({ type: fc.constant("goAway" as const), lastStream: id, status: uint }),
  fc.record({ type: fc.constant("windowUpdate" as const), stream: id, delta: id }),
);

/** Without the difference between kinds of byte arrays. */
const plain = (one: Frame): unknown =>
  JSON.parse(
    JSON.stringify(one, (_key, value) =>
      (value as { type?: unknown })?.type === "Buffer"
        ? value.data
        : ArrayBuffer.isView(value)
        ? [...value as Uint8Array]
        : value),
  );

Deno.test("frames are read as they were written, however the bytes are cut", () => {
  fc.assert(fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 64 }), (frames, size) => {
    const reader = new FrameReader();
    const whole = Buffer.concat(frames.map(encodeFrame));
    const read: Frame[] = [];
    for (let offset = 0; offset < whole.length; offset += size) {
      read.push(...reader.push(whole.subarray(offset, offset + size)));
    }
    assertEquals(read.map(plain), frames.map(plain));
  }));
});

Deno.test("a frame of another version or cut short is refused", () => {
  const cases: Record<string, number[]> = {
    "version 2": [0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1],
    "is too short": [0x80, 3, 0, 3, 0, 0, 0, 2, 0, 0],
  };
  for (const [message, sent] of Object.entries(cases)) {
    assertThrows(() => [...new FrameReader().push(new Uint8Array(sent))], Error, message);
  }
});

Deno.test("the dictionary is SPDY/3's, by its checksum", () => {
  let [a, b] = [1, 0];
  for (const byte of dictionary) b = (b + (a = (a + byte) % 65521)) % 65521;
  assertEquals([dictionary.length, (b * 65536 + a).toString(16)], [1423, "e3c6a7c2"]);
});

Deno.test("header blocks are read as they were written, one after the other", async () => {
  const text = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 30 });
  const headers = fc.dictionary(text.map((name) => name.toLowerCase()), text, { maxKeys: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(headers, { maxLength: 4 }), async (blocks) => {
      const [encoder, decoder] = [new HeaderEncoder(), new HeaderDecoder()];
      for (const block of blocks) assertEquals(await decoder.decode(encoder.encode(block)), { ...block });
      decoder.close();
    }),
    { numRuns: 30 },
  );
});

Deno.test("header blocks compressed with the dictionary are read", async () => {
  const decoder = new HeaderDecoder();
  const deflate = zlib.createDeflate({ dictionary: Buffer.from(dictionary) });
  const out: Uint8Array[] = [];
  deflate.on("data", (chunk) => out.push(chunk));
  for (const headers of [{ streamtype: "error", port: "80" }, { streamtype: "data", port: "80", method: "get" }]) {
    const entries = Object.entries(headers);
    const word = (value: string) => Buffer.concat([Buffer.from([0, 0, 0, value.length]), Buffer.from(value)]);
    deflate.write(Buffer.concat([Buffer.from([0, 0, 0, entries.length]), ...entries.flat().map(word)]));
    await new Promise<void>((resolve) => deflate.flush(zlib.constants.Z_SYNC_FLUSH, () => resolve()));
    assertEquals(await decoder.decode(Buffer.concat(out.splice(0))), headers as Record<string, string>);
  }
  deflate.destroy();
  decoder.close();
});

/** Two ends of a byte stream. */
function pair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const make = (other: number) =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        queueMicrotask(() => {
          if (!ends[other]!.destroyed) ends[other]!.push(chunk);
          done();
        });
      },
      final(done) {
        queueMicrotask(() => ends[other]!.push(null));
        done();
      },
    });
  ends.push(make(1), make(0));
  return [ends[0]!, ends[1]!];
}

async function readAll(readable: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function connected(onStream: (stream: SpdyStream) => void) {
  const [a, b] = pair();
  const client = new SpdyConnection(a, { side: "client" });
  const server = new SpdyConnection(b, { side: "server", onStream });
  return { client, server };
}

Deno.test("streams carry bytes both ways and end each way on its own", async () => {
  const { client, server } = connected((stream) => {
    stream.accept({ ok: stream.headers["streamtype"] ?? "" });
    void (async () => {
      const body = await readAll(stream.readable);
      const writer = stream.writable.getWriter();
      await writer.write(Buffer.concat([Buffer.from("got "), body]));
      await writer.close();
    })();
  });
  const streams = ["one", "two"].map((streamType) => client.open({ streamType }));
  const replies = await Promise.all(streams.map((stream) => stream.reply));
  assertEquals(replies.map(({ ok }) => ok), ["one", "two"]);
  const big = Buffer.alloc(300_000, "x");
  const answers = streams.map((stream) => readAll(stream.readable));
  for (const stream of streams) {
    const writer = stream.writable.getWriter();
    void writer.write(big).then(() => writer.close());
  }
  assertEquals((await Promise.all(answers)).map((answer) => answer.length), [300_004, 300_004]);
  assertEquals([client.streams, server.streams], [0, 0]);
  client.close();
});

Deno.test("a reset ends a stream for both, and no other", async () => {
  const opened: SpdyStream[] = [];
  const { client } = connected((stream) => {
    stream.accept();
    opened.push(stream);
  });
  const [one, two] = [client.open({ n: "1" }), client.open({ n: "2" })];
  await Promise.all([one.reply, two.reply]);
  opened[0]!.reset(5);
  await assertRejects(() => readAll(one.readable), Error, "reset stream 1");
  const writer = opened[1]!.writable.getWriter();
  void writer.write(Buffer.from("still here")).then(() => writer.close());
  assertEquals(String(await readAll(two.readable)), "still here");
  client.close();
});

Deno.test("a slow reader holds the sender back once windows are kept, and loses nothing", async () => {
  const { client, server } = connected((stream) => {
    stream.accept();
    void (async () => {
      const writer = stream.writable.getWriter();
      for (let round = 0; round < 40; round++) await writer.write(Buffer.alloc(50_000, round));
      await writer.close();
    })();
  });
  const stream = client.open({});
  await stream.reply;
  const all = await readAll(stream.readable);
  assertEquals([all.length, all[0], all.at(-1)], [2_000_000, 0, 39]);
  server.close();
});

Deno.test("the end of the connection ends its streams after what had come", async () => {
  const { client, server } = connected((stream) => {
    stream.accept();
    const writer = stream.writable.getWriter();
    void writer.write(Buffer.from("last words")).then(() => server.close());
  });
  const stream = client.open({});
  assertEquals(String(await readAll(stream.readable)), "last words");
  assertEquals(client.closed, true);
  assertThrows(() => client.open({}), Error, "Cannot open a stream");
});

Deno.test("bytes that are no SPDY close the connection", async () => {
  const [a, b] = pair();
  const closed = Promise.withResolvers<void>();
  new SpdyConnection(b, { side: "server", onStream: () => {}, onClose: () => closed.resolve() });
  a.on("error", () => {});
  a.resume();
  a.write(Buffer.from("GET / HTTP/1.1\r\n\r\n\xff\xff\xff\xff", "latin1"));
  a.write(Buffer.alloc(32, 0xff));
  a.end();
  await closed.promise;
});
