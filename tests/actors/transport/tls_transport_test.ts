import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { realClock } from "../../../actors/real/real_clock.ts";
import { frame, FrameReader } from "../../../actors/transport/frames.ts";
import { openTlsTransport, type TlsTransport } from "../../../actors/transport/tls_transport.ts";
import type { Clock } from "../../../ports/clock.ts";
import { issue, makeAuthority } from "../../../http/auth/certificates/issue.ts";
import { transportContract } from "../../contracts/transport_contract.ts";
import { eventually } from "../../support/eventually.ts";

const now = Date.now();
const authority = await makeAuthority("members", now);
const stranger = await makeAuthority("strangers", now);

const until = (condition: () => boolean) => eventually("it happens", () => assert(condition()), { everyMs: 5 });

async function member(name: string, by = authority, clock: Clock = realClock): Promise<TlsTransport> {
  const { certificate, key } = await issue(by, { commonName: name, usages: ["client", "server"] }, now);
  const listen = [{ host: "127.0.0.1", port: 0 }];
  return await openTlsTransport({ self: name, listen, certificate, key, authority: authority.certificate, clock });
}

transportContract("TlsTransport", () => {
  const members = new Map<string, TlsTransport>();
  const all: TlsTransport[] = [];
  return Promise.resolve({
    async join(name) {
      const joined = await member(name);
      members.set(name, joined);
      all.push(joined);
      const peers = new Map([...members].map(([peer, { endpoint }]) => [peer, endpoint]));
      for (const each of all) each.setPeers(peers);
      return joined;
    },
    until,
    async close() {
      for (const each of all) await each.close();
    },
  });
});

Deno.test("TlsTransport hears nobody whose certificate another authority signed", async () => {
  const [a, b] = [await member("a"), await member("b", stranger)];
  const heard: string[] = [];
  const lost: string[] = [];
  a.listen({ received: (from) => void heard.push(from) });
  b.listen({ received() {}, unreachable: (peer) => void lost.push(peer) });
  b.setPeers(new Map([["a", a.endpoint]]));
  b.send("a", new Uint8Array([1]));
  await until(() => lost.length > 0);
  assertEquals(heard, []);
  await b.close();
  await a.close();
});

Deno.test("TlsTransport does not speak to a member that is not who it was looked for", async () => {
  const [a, c] = [await member("a"), await member("c")];
  const heard: string[] = [];
  const lost: string[] = [];
  c.listen({ received: (from) => void heard.push(from) });
  a.listen({ received() {}, unreachable: (peer) => void lost.push(peer) });
  a.setPeers(new Map([["b", c.endpoint]]));
  a.send("b", new Uint8Array([1]));
  await until(() => lost.length > 0);
  assertEquals(heard, []);
  await a.close();
  await c.close();
});

Deno.test("TlsTransport makes the stream to a peer anew when nothing has come back for long", async () => {
  let shiftMs = 0;
  const clock: Clock = Object.create(realClock, { now: { value: () => realClock.now() + shiftMs } });
  const [a, b] = [await member("a", authority, clock), await member("b")];
  await using gate = new CountingGate(b.endpoint.port);
  const heard = { a: 0, b: 0 };
  a.listen({ received: () => void heard.a++ });
  b.listen({ received: () => void heard.b++ });
  a.setPeers(new Map([["b", { host: "127.0.0.1", port: gate.port }]]));
  b.setPeers(new Map([["a", a.endpoint]]));
  const say = async () => {
    const before = heard.b;
    a.send("b", new Uint8Array([1]));
    await until(() => heard.b > before);
  };
  await say();
  shiftMs = 2_000;
  await say();
  assertEquals(gate.connections, 1);
  shiftMs = 4_000;
  await say();
  assertEquals(gate.connections, 2);
  // Who answers keeps its stream, however long it lasts.
  shiftMs = 6_000;
  b.send("a", new Uint8Array([2]));
  await until(() => heard.a === 1);
  shiftMs = 8_000;
  await say();
  assertEquals(gate.connections, 2);
  await a.close();
  await b.close();
});

/** Passes connections on and counts them. */
class CountingGate implements AsyncDisposable {
  connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #over: Promise<unknown>;

  constructor(port: number) {
    this.#over = this.#pass(port);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #pass(port: number): Promise<void> {
    const piped: Promise<unknown>[] = [];
    for await (const near of this.#listener) {
      this.connections++;
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      const cut = () => {};
      piped.push(near.readable.pipeTo(far.writable).catch(cut), far.readable.pipeTo(near.writable).catch(cut));
    }
    await Promise.all(piped);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#over;
  }
}

Deno.test("FrameReader finds every message, whatever pieces the stream comes in", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
  fc.assert(fc.property(messages, fc.integer({ min: 1, max: 50 }), (sent, piece) => {
    const stream = sent.flatMap((message) => [...frame(message)]);
    const reader = new FrameReader();
    const found: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += piece) {
      found.push(...reader.read(Uint8Array.from(stream.slice(at, at + piece))));
    }
    assertEquals(found.map((message) => [...message]), sent.map((message) => [...message]));
  }));
});

Deno.test("FrameReader refuses a stream that announces more than any member sends", () => {
  assertThrows(() => [...new FrameReader().read(new Uint8Array([255, 255, 255, 255]))], Error, "no member's stream");
});
