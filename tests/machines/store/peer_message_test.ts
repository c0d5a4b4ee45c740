import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { MalformedBytes } from "../../../machines/raft/bytes.ts";
import { encodeConfiguration } from "../../../machines/raft/log_format.ts";
import type { Message } from "../../../machines/raft/message.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
  logEntryOf,
  type PeerMessage,
} from "../../../machines/store/peer_message.ts";

const envelope = { cluster: "00000000000000c1", from: "00000000000000aa" };
const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
const configuration = { voters: ["a", "b"], learners: ["c"] };

const payload = fc.oneof(
  bytes.map((payload) => ({ type: "command" as const, payload })),
  fc.constant({ type: "empty" as const, payload: new Uint8Array(0) }),
  fc.constant({ type: "configuration" as const, payload: encodeConfiguration(configuration) }),
);

const append = fc.array(payload, { maxLength: 5 }).map((all): PeerMessage => {
  const entries = all.map(({ type, payload }, at) => logEntryOf(at + 4, 2, type, payload));
  const message: Message = {
    type: "append.requested",
    from: envelope.from,
    to: "00000000000000bb",
    term: 3,
    previous: { index: 3, term: 2 },
    entries,
    commit: 3,
  };
  return { kind: "raft", message, payloads: all.map(({ payload }) => payload) };
});

const heartbeat: PeerMessage = {
  kind: "raft",
  message: { type: "heartbeat.answered", from: envelope.from, to: "b", term: 4, round: 9 },
  payloads: [],
};

const said = fc.oneof(
  append,
  fc.constant(heartbeat),
  fc.tuple(fc.nat(), fc.string(), fc.array(bytes, { maxLength: 3 })).map(([id, name, blobs]): PeerMessage => (
    { kind: "call", id, name, head: { name, id }, blobs }
  )),
  fc.tuple(fc.nat(), fc.array(bytes, { maxLength: 3 })).map(([id, blobs]): PeerMessage => (
    { kind: "reply", id, head: null, blobs }
  )),
);

Deno.test("decodePeerMessage reads what encodePeerMessage wrote", () => {
  fc.assert(fc.property(said, (message) => {
    assertEquals(decodePeerMessage(encodePeerMessage(envelope, message)), { ...envelope, said: message });
  }));
});

Deno.test("decodePeerMessage refuses what is cut off, and whatever else it cannot read, as malformed", () => {
  fc.assert(fc.property(said, fc.nat(), fc.nat(255), (message, place, mask) => {
    const whole = encodePeerMessage(envelope, message);
    const at = place % whole.length;
    assertThrows(() => decodePeerMessage(whole.subarray(0, at)), MalformedBytes);
    const changed = whole.slice();
    changed[at]! ^= mask;
    try {
      decodePeerMessage(changed);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
    }
  }));
});

Deno.test("decodePeerMessage refuses another protocol", () => {
  const whole = encodePeerMessage(envelope, heartbeat);
  whole[0] = 9;
  assertThrows(() => decodePeerMessage(whole), MalformedBytes, "it is of protocol 9, not 1");
});
