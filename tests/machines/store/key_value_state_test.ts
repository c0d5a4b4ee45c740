import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeCommand, encodeCommand } from "../../../machines/store/command_codec.ts";
import type { Command } from "../../../machines/store/command.ts";
import { KeyValueState } from "../../../machines/store/key_value_state.ts";
import { hashState, SnapshotReader, SnapshotWriter } from "../../../machines/store/snapshot_format.ts";
import { eventsFrom } from "../../../machines/store/watch_events.ts";
import { command, someKey } from "./arbitrary_commands.ts";
import { StoreModel } from "./store_model.ts";

const commands = fc.array(command, { maxLength: 40, size: "max" });
const budget = fc.nat({ max: 5 });
const header = { member: "m", cluster: "c", index: 9, term: 2, configuration: { voters: ["m"], learners: [] } };

function assertSame(state: KeyValueState, model: StoreModel): void {
  assertEquals([state.revision, state.compactedRevision], [model.revision, model.compacted]);
  for (let revision = Math.max(1, model.compacted); revision <= model.revision; revision++) {
    for (const [key, end] of [["\0", "\0"], ["a", "b"], ["a/b", undefined], ["b", "c0"]] as const) {
      const { kvs, count } = state.range(end === undefined ? { key, revision } : { key, end, revision });
      const expected = model.range(key, end, revision);
      assertEquals(kvs, expected);
      assertEquals(count, expected.length);
    }
  }
  const from = Math.max(2, model.compacted);
  const { events, revision } = eventsFrom(state, { key: "\0", end: "\0", previous: true }, from, Infinity);
  assertEquals(revision, state.revision);
  assertEquals(
    events.map(({ type, kv }) => ({ revision: kv.modRevision, type, key: kv.key })),
    model.events.filter((event) => event.revision >= from),
  );
  for (const { kv, previous } of events) {
    const known = kv.modRevision - 1 >= model.compacted;
    assertEquals(previous, known ? model.history[kv.modRevision - 1]!.get(kv.key) : undefined);
  }
  assertEquals(
    state.leases.all().map(({ id, ttlSeconds, keys }) => [id, ttlSeconds, [...keys].sort()]),
    [...model.leases].sort(([a], [b]) => a - b).map(([id, ttlSeconds]) => [
      id,
      ttlSeconds,
      [...model.now.values()].filter((kv) => kv.lease === id).map(({ key }) => key).sort(),
    ]),
  );
}

Deno.test("KeyValueState does what a store that copies everything does", () => {
  fc.assert(
    fc.property(commands, budget, (commands, budget) => {
      const state = new KeyValueState();
      const model = new StoreModel();
      for (const command of commands) {
        const outcome = state.apply(command);
        assertEquals(outcome.type === "refused" ? outcome.refusal.code : undefined, model.apply(command));
        state.tidy(budget);
      }
      assertSame(state, model);
      while (state.tidy(1));
      assertSame(state, model);
    }),
    { numRuns: 400 },
  );
});

Deno.test("KeyValueState frees every key that only compacted history knows", () => {
  fc.assert(
    fc.property(commands, (commands) => {
      const state = new KeyValueState();
      for (const command of commands) state.apply(command);
      state.apply({ type: "txn", compare: [], success: [{ type: "delete", key: "\0", end: "\0" }], failure: [] });
      state.apply({
        type: "txn",
        compare: [],
        success: [{ type: "put", key: "z", value: new Uint8Array(1) }],
        failure: [],
      });
      state.apply({ type: "compact", revision: state.revision });
      while (state.tidy(3));
      assertEquals(state.keyCount, 1);
    }),
    { numRuns: 200 },
  );
});

Deno.test("KeyValueState comes out of a snapshot as it went in, tidied up or not", () => {
  fc.assert(
    fc.property(commands, commands, budget, (before, after, budget) => {
      const state = new KeyValueState();
      for (const command of before) state.apply(command);
      state.tidy(budget);
      const read = readBack(state);
      assertEquals(hashState(read), hashState(state));
      const model = new StoreModel();
      for (const command of before) model.apply(command);
      assertSame(read, model);
      for (const command of after) {
        assertEquals(read.apply(command), state.apply(command));
        model.apply(command);
        read.tidy(budget);
      }
      assertSame(read, model);
      assertEquals(hashState(read), hashState(state));
    }),
    { numRuns: 300 },
  );
});

Deno.test("KeyValueState has another hash when anything that can be read is another", () => {
  fc.assert(
    fc.property(commands, someKey, (commands, key) => {
      const [one, other] = [new KeyValueState(), new KeyValueState()];
      for (const command of commands) {
        one.apply(command);
        other.apply(command);
      }
      assertEquals(hashState(one), hashState(other));
      const put = (value: number): Command => ({
        type: "txn",
        compare: [],
        success: [{ type: "put", key, value: Uint8Array.of(value) }],
        failure: [],
      });
      one.apply(put(1));
      other.apply(put(2));
      assert(hashState(one) !== hashState(other));
    }),
  );
});

Deno.test("SnapshotWriter shows the moment it was begun, whatever is written and compacted meanwhile", () => {
  fc.assert(
    fc.property(commands, commands, (before, during) => {
      const state = new KeyValueState();
      for (const command of before) state.apply(command);
      const hash = hashState(state);
      const writer = new SnapshotWriter(state, header);
      const frames: Uint8Array[] = [];
      const waiting = [...during];
      for (let frame = writer.next(); frame !== undefined; frame = writer.next()) {
        frames.push(frame.slice());
        for (const command of waiting.splice(0, 10)) state.apply(command);
        state.tidy(100);
      }
      assertEquals(writer.hash, hash);
      assertEquals(hashState(readFrames(frames)), hash);
      state.tidy(1_000);
    }),
    { numRuns: 200 },
  );
});

Deno.test("decodeCommand reads what encodeCommand wrote", () => {
  fc.assert(
    fc.property(command, (command) => assertEquals(normal(decodeCommand(encodeCommand(command))), normal(command))),
  );
});

/** Views and arrays of their own are the same here. */
function normal(command: Command): unknown {
  return JSON.parse(JSON.stringify(command, (_, value) => value instanceof Uint8Array ? [...value] : value));
}

function readBack(state: KeyValueState): KeyValueState {
  const writer = new SnapshotWriter(state, header);
  const frames: Uint8Array[] = [];
  for (let frame = writer.next(); frame !== undefined; frame = writer.next()) frames.push(frame.slice());
  return readFrames(frames);
}

function readFrames(frames: readonly Uint8Array[]): KeyValueState {
  const reader = new SnapshotReader(Uint8Array.from(frames.flatMap((frame) => [...frame])));
  while (reader.step());
  assertEquals(reader.header.configuration, header.configuration);
  return reader.state;
}
