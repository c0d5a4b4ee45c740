import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { realClock } from "../../../actors/real/real_clock.ts";
import { frame, FrameReader } from "../../../actors/transport/frames.ts";
import { openTlsTransport, type TlsTransport } from "../../../actors/transport/tls_transport.ts";
import { issue, makeAuthority } from "../../../http/auth/certificates/issue.ts";
import { transportContract } from "../../contracts/transport_contract.ts";
import { eventually } from "../../support/eventually.ts";

const now = Date.now();
const authority = await makeAuthority("members", now);
const stranger = await makeAuthority("strangers", now);

const until = (condition: () => boolean) => eventually("it happens", () => assert(condition()), { everyMs: 5 });

async function member(name: string, by = authority): Promise<TlsTransport> {
  const { certificate, key } = await issue(by, { commonName: name, usages: ["client", "server"] }, now);
  const listen = { host: "127.0.0.1", port: 0 };
  return await openTlsTransport({
    self: name,
    listen,
    certificate,
    key,
    authority: authority.certificate,
    clock: realClock,
  });
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
