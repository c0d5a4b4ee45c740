import { assertEquals } from "@std/assert";
import { ErrorCode, Flag, FrameType, Setting } from "../../../../http/server/http2/frame.ts";
import { block, bodyOf, Client, frame, get, getFields, post, preface, setting, uint32 } from "./wire.ts";

const noSettings = frame(FrameType.settings, 0, 0);
const data = (id: number, content: string, flags = 0) =>
  frame(FrameType.data, flags, id, new TextEncoder().encode(content));
const widen = (id: number, by: number) => frame(FrameType.windowUpdate, 0, id, uint32(by));

/** A client that has greeted, with streams 1, 3, ... opened by GETs that nobody has answered. */
async function withGets(count: number, options: ConstructorParameters<typeof Client>[0] = {}): Promise<Client> {
  const client = new Client(options);
  await client.begin();
  client.send(...Array.from({ length: count }, (_, index) => get(2 * index + 1)));
  return client;
}

Deno.test("Session greets, and answers a request with its head and body in one write", async () => {
  const client = new Client();
  client.send(preface, noSettings, get(1, ["x-a", "b"]));
  const [stream] = client.requests;
  assertEquals([stream!.method, stream!.url, stream!.headers["x-a"]], ["GET", "/", "b"]);
  stream!.send(200, { "content-type": "text/plain" }, new Uint8Array(5));
  assertEquals(await client.transcript(), [
    "SETTINGS",
    "WINDOW 0 983041",
    "SETTINGS ack",
    "HEADERS 1 :status=200 date=now content-type=text/plain",
    "DATA 1 5 bytes end",
  ]);
  assertEquals(client.writes, 1);
});

Deno.test("Session sends what several streams say in one turn in one write", async () => {
  const client = await withGets(3);
  for (const stream of client.requests) stream.send(204, {}, undefined);
  assertEquals(await client.transcript(), [
    "HEADERS 1 :status=204 date=now end",
    "HEADERS 3 :status=204 date=now end",
    "HEADERS 5 :status=204 date=now end",
  ]);
  assertEquals(client.writes, 1);
});

Deno.test("Session reads the same from bytes however they are cut", async () => {
  const whole = [preface, noSettings, post(1, ["content-length", "5"]), data(1, "he"), data(1, "llo", Flag.endStream)];
  for (const size of [1, 2, 7, 10, 33]) {
    const client = new Client();
    const bytes = whole.flatMap((part) => [...part]);
    for (let at = 0; at < bytes.length; at += size) client.send(new Uint8Array(bytes.slice(at, at + size)));
    assertEquals(await bodyOf(client.requests[0]!), "hello");
  }
});

Deno.test("Session reads a head in several frames, padded and with a priority", async () => {
  const client = new Client();
  await client.begin();
  const fields = block(getFields);
  const padded = [3, ...uint32(0), 16, ...fields.slice(0, 10), 0, 0, 0];
  client.send(
    frame(FrameType.headers, Flag.endStream | Flag.padded | Flag.priority, 1, padded),
    frame(FrameType.continuation, 0, 1, fields.slice(10, 20)),
    frame(FrameType.continuation, Flag.endHeaders, 1, fields.slice(20)),
  );
  assertEquals(client.requests.map(({ url, remoteEnded }) => [url, remoteEnded]), [["/", true]]);
});

Deno.test("Session gives a body that came before anybody read, and says how much more may come", async () => {
  const client = new Client();
  await client.begin();
  const piece = "x".repeat(16_384);
  client.send(post(1), ...Array.from({ length: 8 }, () => data(1, piece)));
  assertEquals(await client.transcript(), []);
  const body = bodyOf(client.requests[0]!);
  assertEquals(await client.transcript(), ["WINDOW 1 65536", "WINDOW 1 65536"]);
  client.send(data(1, "end", Flag.endStream));
  assertEquals((await body).length, 8 * 16_384 + 3);
});

Deno.test("Session goes on after padding and trailers", async () => {
  const client = new Client();
  await client.begin();
  const body = [2, 104, 105, 0, 0];
  client.send(
    post(1),
    frame(FrameType.data, Flag.padded, 1, body),
    frame(FrameType.headers, Flag.endHeaders | Flag.endStream, 1, block([["x-checksum", "1"]])),
  );
  assertEquals(await bodyOf(client.requests[0]!), "hi");
});

Deno.test("Session says 100 Continue to who waits for it, once somebody reads", async () => {
  const client = new Client();
  await client.begin();
  client.send(post(1, ["expect", "100-continue"]));
  assertEquals(await client.transcript(), []);
  const body = bodyOf(client.requests[0]!);
  assertEquals(await client.transcript(), ["HEADERS 1 :status=100"]);
  client.send(data(1, "hi", Flag.endStream));
  client.requests[0]!.send(200, {}, undefined);
  assertEquals([await body, await client.transcript()], ["hi", ["HEADERS 1 :status=200 date=now end"]]);
});

Deno.test("Session keeps to a stream's window and goes on when it is widened", async () => {
  const client = new Client();
  await client.begin(frame(FrameType.settings, 0, 0, setting(Setting.initialWindowSize, 10)));
  client.send(get(1));
  const [stream] = client.requests;
  stream!.begin(200, {});
  stream!.write("x".repeat(25));
  stream!.end();
  assertEquals(await client.transcript(), ["HEADERS 1 :status=200 date=now", "DATA 1 10 bytes"]);
  assertEquals(stream!.unsentBytes, 15);
  client.send(widen(1, 5));
  assertEquals(await client.transcript(), ["DATA 1 5 bytes"]);
  client.send(frame(FrameType.settings, 0, 0, setting(Setting.initialWindowSize, 100)));
  assertEquals(await client.transcript(), ["SETTINGS ack", "DATA 1 10 bytes end"]);
  assertEquals(stream!.closed, true);
});

Deno.test("Session waits when a window has become less than nothing", async () => {
  const client = new Client();
  await client.begin(frame(FrameType.settings, 0, 0, setting(Setting.initialWindowSize, 10)));
  client.send(get(1));
  client.requests[0]!.send(200, {}, new Uint8Array(12));
  await client.said();
  client.send(frame(FrameType.settings, 0, 0, setting(Setting.initialWindowSize, 5)), widen(1, 5));
  assertEquals(await client.transcript(), ["SETTINGS ack"]);
  client.send(widen(1, 1));
  assertEquals(await client.transcript(), ["DATA 1 1 bytes"]);
});

Deno.test("Session keeps to the connection's window over all streams, and heads need none", async () => {
  const client = await withGets(3);
  for (const stream of client.requests) stream.send(200, {}, new Uint8Array(40_000));
  const sizes = (lines: string[]) => lines.map((line) => line.replace(" :status=200 date=now", ""));
  const before = sizes(await client.transcript());
  assertEquals(before, [
    "HEADERS 1",
    "DATA 1 16384 bytes",
    "DATA 1 16384 bytes",
    "DATA 1 7232 bytes end",
    "HEADERS 3",
    "DATA 3 16384 bytes",
    "DATA 3 9151 bytes",
    "HEADERS 5",
  ]);
  client.send(widen(0, 100_000));
  assertEquals(sizes(await client.transcript()), [
    "DATA 3 14465 bytes end",
    "DATA 5 16384 bytes",
    "DATA 5 16384 bytes",
    "DATA 5 7232 bytes end",
  ]);
});

Deno.test("Session sends frames as large as the peer takes, and gives each stream its turn", async () => {
  const client = new Client();
  const large = [...setting(Setting.maxFrameSize, 50_000), ...setting(Setting.initialWindowSize, 1 << 20)];
  await client.begin(frame(FrameType.settings, 0, 0, large));
  client.send(widen(0, 1 << 20), get(1), get(3));
  for (const stream of client.requests) stream.send(200, {}, new Uint8Array(100_000));
  const sizes = (await client.said()).filter(({ type }) => type === FrameType.data)
    .map(({ stream, payload }) => [stream, payload.length]);
  assertEquals(sizes, [[1, 50_000], [1, 50_000], [3, 50_000], [3, 50_000]]);
});

Deno.test("Session stops sending while the connection is full, and tells writers when it has drained", async () => {
  const client = new Client();
  const wide = setting(Setting.initialWindowSize, 1 << 24);
  await client.begin(frame(FrameType.settings, 0, 0, wide));
  client.slow = true;
  client.send(widen(0, 1 << 24), get(1), get(3));
  const [stream, other] = client.requests;
  let drained = 0;
  stream!.begin(200, {});
  stream!.onDrain(() => drained++);
  assertEquals(stream!.write(new Uint8Array(1_000_000)), false);
  other!.send(200, {}, new Uint8Array(10));
  const seen: string[] = [];
  let most = 0;
  for (let round = 0; round < 8; round++) {
    seen.push(...await client.transcript());
    most = Math.max(most, client.writableLength);
    if (round === 0) assertEquals([stream!.unsentBytes > 600_000, drained], [true, 0]);
    client.read();
  }
  assertEquals([stream!.unsentBytes, drained, most < 400_000], [0, 1, true]);
  const others = seen.indexOf("DATA 3 10 bytes end");
  assertEquals(others > 0 && others < 10, true, "the other has its turn before the first is done");
});

Deno.test("Session tells who answers when the peer breaks a stream off, or the connection ends", async () => {
  const client = await withGets(2);
  const closed: number[] = [];
  for (const stream of client.requests) stream.onClose(() => closed.push(stream.id));
  client.send(frame(FrameType.reset, 0, 1, uint32(ErrorCode.cancel)));
  assertEquals(closed, [1]);
  client.requests[0]!.send(200, {}, new Uint8Array(1));
  client.destroy();
  assertEquals([closed, await client.transcript()], [[1, 3], []]);
});

Deno.test("Session tells a reader when the rest of a body never comes", async () => {
  const client = new Client();
  await client.begin();
  client.send(post(1), data(1, "half"));
  const body = bodyOf(client.requests[0]!);
  client.send(frame(FrameType.reset, 0, 1, uint32(ErrorCode.cancel)));
  assertEquals(await body, "gone");
});

Deno.test("Session takes no more of a request that is answered before it was whole", async () => {
  const client = new Client();
  await client.begin();
  client.send(post(1), data(1, "half"));
  client.requests[0]!.send(413, {}, undefined);
  assertEquals(await client.transcript(), ["HEADERS 1 :status=413 date=now end", "RESET 1 0"]);
  client.send(data(1, "rest"), get(3));
  assertEquals([client.requests.length, await client.transcript()], [2, []]);
});

Deno.test("Session breaks off a response that cannot go on", async () => {
  const client = await withGets(1);
  client.requests[0]!.begin(200, {});
  client.requests[0]!.write("half");
  await client.said();
  client.requests[0]!.destroy();
  assertEquals(await client.transcript(), ["RESET 1 2"]);
});

Deno.test("Session refuses more streams than it offered, and takes them when others have ended", async () => {
  const client = await withGets(3, { maxConcurrentStreams: 2 });
  assertEquals([client.requests.length, await client.transcript()], [2, ["RESET 5 7"]]);
  client.requests[0]!.send(204, {}, undefined);
  await client.said();
  client.send(get(7));
  assertEquals(client.requests.length, 3);
});

Deno.test("Session refuses a peer that resets streams faster than they are carried out", async () => {
  const client = new Client({ maxConcurrentStreams: 2 });
  await client.begin();
  for (let id = 1; id < 21; id += 2) client.send(get(id), frame(FrameType.reset, 0, id, uint32(ErrorCode.cancel)));
  assertEquals(client.requests.length, 4);
  for (const _ of client.requests) client.session.answered();
  client.send(get(21));
  assertEquals(client.requests.length, 5);
});

Deno.test("Session cuts a peer that asks for acknowledgements and reads none", async () => {
  const client = new Client();
  await client.begin();
  client.slow = true;
  client.writableLength = 1 << 20;
  for (let count = 0; count < 1_001; count++) client.send(frame(FrameType.ping, 0, 0, new Uint8Array(8)));
  assertEquals(client.destroyed, true);
});

Deno.test("Session answers a head that is too long with 431", async () => {
  const client = new Client();
  await client.begin();
  client.send(get(1, ...Array.from({ length: 400 }, (_, index) => [`x${index}`, "y".repeat(10)] as const)));
  assertEquals(client.requests.length, 1);
  // Every field counts 32 bytes more than it has letters.
  client.send(get(3, ...Array.from({ length: 2_000 }, () => ["x", "y"] as const)));
  assertEquals([client.requests.length, await client.transcript()], [1, ["HEADERS 3 :status=431 date=now end"]]);
});

Deno.test("Session closes in order: no new streams, those under way end, then the connection", async () => {
  const client = await withGets(2);
  client.session.close();
  client.send(get(5));
  assertEquals(await client.transcript(), ["GOAWAY 3 0", "RESET 5 7"]);
  for (const stream of client.requests) stream.send(204, {}, undefined);
  assertEquals((await client.transcript()).length, 2);
  assertEquals([client.requests.length, client.ended], [2, true]);
});

Deno.test("Session closes at once when nothing is under way", async () => {
  const client = await withGets(0);
  client.session.close();
  assertEquals([await client.transcript(), client.ended], [["GOAWAY 0 0"], true]);
});

/** What a client may not do (RFC 9113), and what it is told. Stream 1 is a GET that is whole, 3 a POST that is not. */
const faults: { name: string; frames: Uint8Array[]; told: string }[] = [
  { name: "a frame longer than was offered", frames: [frame(0, 0, 3, new Uint8Array(16_385))], told: "GOAWAY 3 6" },
  { name: "a PING of another length", frames: [frame(FrameType.ping, 0, 0, [1])], told: "GOAWAY 3 6" },
  { name: "a PING on a stream", frames: [frame(FrameType.ping, 0, 1, new Uint8Array(8))], told: "GOAWAY 3 1" },
  { name: "half a setting", frames: [frame(FrameType.settings, 0, 0, [0, 4, 0])], told: "GOAWAY 3 6" },
  { name: "SETTINGS that acknowledge something", frames: [frame(4, 1, 0, setting(4, 1))], told: "GOAWAY 3 6" },
  { name: "SETTINGS on a stream", frames: [frame(FrameType.settings, 0, 1)], told: "GOAWAY 3 1" },
  { name: "a window larger than there is", frames: [frame(4, 0, 0, setting(4, 2 ** 31))], told: "GOAWAY 3 3" },
  { name: "frames smaller than there are", frames: [frame(4, 0, 0, setting(5, 100))], told: "GOAWAY 3 1" },
  { name: "push that is neither on nor off", frames: [frame(4, 0, 0, setting(2, 2))], told: "GOAWAY 3 1" },
  { name: "a push", frames: [frame(FrameType.pushPromise, 4, 1, uint32(2))], told: "GOAWAY 3 1" },
  { name: "a head on no stream", frames: [get(0)], told: "GOAWAY 3 1" },
  { name: "a head on a server's stream", frames: [get(6)], told: "GOAWAY 3 1" },
  { name: "a head that cannot be read", frames: [frame(1, 5, 5, [0xff, 0xff])], told: "GOAWAY 3 9" },
  { name: "a head within another", frames: [frame(1, 1, 5, [0x82]), get(7)], told: "GOAWAY 3 1" },
  { name: "a continuation of nothing", frames: [frame(9, 4, 3, [0x82])], told: "GOAWAY 3 1" },
  {
    name: "a head that never ends",
    frames: [frame(1, 1, 5, [0x82]), ...Array.from({ length: 70 }, () => frame(9, 0, 5, [0x82]))],
    told: "GOAWAY 3 11",
  },
  { name: "padding beyond the frame", frames: [frame(0, Flag.padded, 3, [9, 1])], told: "GOAWAY 3 1" },
  { name: "a body on no stream", frames: [frame(0, 0, 0, [1])], told: "GOAWAY 3 1" },
  { name: "a body of no request", frames: [data(9, "x")], told: "GOAWAY 3 1" },
  { name: "a reset of no request", frames: [frame(3, 0, 9, uint32(8))], told: "GOAWAY 3 1" },
  { name: "a window of no request", frames: [widen(9, 1)], told: "GOAWAY 3 1" },
  { name: "a window widened by nothing", frames: [widen(0, 0)], told: "GOAWAY 3 1" },
  { name: "a window widened too far", frames: [widen(0, 2 ** 31 - 1)], told: "GOAWAY 3 3" },
  { name: "a priority of another length", frames: [frame(2, 0, 3, [1])], told: "GOAWAY 3 6" },
  { name: "a stream's window widened by nothing", frames: [widen(3, 0)], told: "RESET 3 1" },
  { name: "a stream's window widened too far", frames: [widen(3, 2 ** 31 - 1)], told: "RESET 3 3" },
  { name: "a body behind the end", frames: [data(1, "x")], told: "RESET 1 5" },
  { name: "a head behind the end", frames: [get(1)], told: "RESET 1 5" },
  { name: "trailers that end nothing", frames: [frame(1, 4, 3, block([["x", "y"]]))], told: "RESET 3 1" },
  { name: "more than was announced", frames: [data(3, "1234567")], told: "RESET 3 1" },
  { name: "less than was announced", frames: [data(3, "1234", Flag.endStream)], told: "RESET 3 1" },
  { name: "a head without a path", frames: [frame(1, 5, 5, block([[":method", "GET"]]))], told: "RESET 5 1" },
];
for (const { name, frames, told } of faults) {
  Deno.test(`Session refuses ${name}`, async () => {
    const client = await withGets(1);
    client.send(post(3, ["content-length", "6"]));
    client.send(...frames);
    assertEquals(await client.transcript(), [told]);
    assertEquals(client.destroyed, told.startsWith("GOAWAY"));
  });
}

for (
  const [name, bytes] of [
    ["anything but the preface", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    ["another frame before settings", preface],
  ] as const
) {
  Deno.test(`Session refuses at the beginning ${name}`, async () => {
    const client = new Client();
    await client.said();
    client.send(bytes, frame(FrameType.ping, 0, 0, new Uint8Array(8)));
    assertEquals(await client.transcript(), ["GOAWAY 0 1"]);
  });
}

Deno.test("Session refuses more than the windows it gave", async () => {
  const client = new Client();
  await client.begin();
  const piece = frame(FrameType.data, 0, 1, new Uint8Array(16_384));
  client.send(post(1), ...Array.from({ length: 9 }, () => piece));
  assertEquals(await client.transcript(), ["RESET 1 3"]);
});

for (
  const [name, ignored] of [
    ["frames it does not know", frame(99, 255, 7, [1, 2, 3])],
    ["settings it does not know", frame(FrameType.settings, 0, 0, setting(99, 7))],
    ["priorities", frame(FrameType.priority, 0, 9, [0, 0, 0, 3, 1])],
    ["the peer's farewell", frame(FrameType.goAway, 0, 0, new Uint8Array(8))],
    ["acknowledgements", frame(FrameType.ping, Flag.ack, 0, new Uint8Array(8))],
  ] as const
) {
  Deno.test(`Session ignores ${name}`, async () => {
    const client = new Client();
    await client.begin();
    client.send(ignored, get(1));
    client.requests[0]!.send(204, {}, undefined);
    assertEquals((await client.transcript()).at(-1), "HEADERS 1 :status=204 date=now end");
  });
}
