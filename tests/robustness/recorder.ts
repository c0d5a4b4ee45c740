/** Carries calls out on a store and writes down what came of them. */
import { type KeyValue, type Operation as StoreOperation, type Storage, StorageError } from "../../ports/storage.ts";
import { type Answer, type Call, endOf, type Event, type History, type Operation, type Record } from "./history.ts";
import type { Watch } from "./history.ts";

/** What clients use of a member. */
export type Access = Pick<Storage, "range" | "txn" | "watch" | "compact" | "grantLease" | "keepLeaseAlive">;

/** One process of a member. */
export interface Door {
  readonly member: string;
  readonly life: number;
  readonly access: Access;
}

const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];

export function recordOf({ key, value, createRevision, modRevision, version, lease }: KeyValue): Record {
  return { key, value: decoder.decode(value), create: createRevision, mod: modRevision, version, lease };
}

/** Never rejects: what went wrong is an answer, too. */
export async function perform(history: History, client: string, door: Door, call: Call): Promise<Operation> {
  const { member, life, access } = door;
  const operation: Operation = {
    id: history.operations.length + 1,
    client,
    member,
    life,
    call,
    called: history.moment(),
  };
  history.operations.push(operation);
  const answer = await carryOut(access, call).catch(failure);
  operation.answered = history.moment();
  operation.answer = answer;
  return operation;
}

/** Of an answer of the store that is an error: whether it may have done it all the same. */
function failure(error: unknown): Answer {
  // Anything else is a bug of the store or of the test.
  if (!(error instanceof StorageError)) throw error;
  const why = `${error.code}: ${error.message}`;
  return { came: /not known/.test(error.message) ? "unknown" : "refused", why };
}

async function carryOut(access: Access, call: Call): Promise<Answer> {
  switch (call.do) {
    case "get":
    case "list": {
      const where = call.do === "get" ? { key: call.key } : { key: call.prefix, end: endOf(call.prefix) };
      const revision = call.do === "list" ? call.revision ?? 0 : 0;
      const { revision: now, kvs } = await access.range({ ...where, revision, serializable: call.stale });
      return { came: "read", revision: revision || now, records: kvs.map(recordOf) };
    }
    case "put": {
      const put = { type: "put" as const, key: call.key, value: encoder.encode(call.value), lease: call.lease ?? 0 };
      return await guarded(access, call.key, call.expected, put);
    }
    case "delete":
      return await guarded(access, call.key, call.expected, { type: "delete", key: call.key });
    case "putBoth": {
      const value = encoder.encode(call.value);
      const success = call.keys.map((key) => ({ type: "put" as const, key, value }));
      return { came: "done", revision: (await access.txn({ compare: [], success, failure: [] })).revision };
    }
    case "grant":
      await access.grantLease({ id: call.id, ttlSeconds: call.seconds });
      return { came: "done", revision: 0 };
    case "keep":
      await access.keepLeaseAlive(call.id);
      return { came: "done", revision: 0 };
    case "compact":
      await access.compact(call.revision);
      return { came: "done", revision: 0 };
  }
}

async function guarded(
  access: Access,
  key: string,
  expected: number | undefined,
  operation: StoreOperation,
): Promise<Answer> {
  const { succeeded, revision, results } = await access.txn({
    compare: expected === undefined ? [] : [{ key, target: "modRevision", op: "=", value: expected }],
    success: [operation],
    failure: [{ type: "range", key }],
  });
  if (succeeded) return { came: "done", revision };
  const [found] = results;
  if (found?.type !== "range") throw new Error(`Cannot understand the answer of a conflict: ${JSON.stringify(found)}`);
  const [record] = found.kvs;
  return { came: "conflict", revision, found: record && recordOf(record) };
}

/** A watch that is written down as long as it lasts. */
export interface OpenWatch {
  readonly watch: Watch;
  /** The revision to resume from. */
  readonly next: number;
  readonly closed: string | undefined;
  /** Told of everything that comes. */
  onSaid: (() => void) | undefined;
  askProgress(): void;
  cancel(): void;
}

export function openWatch(
  history: History,
  client: string,
  { member, life, access }: Door,
  { key, end, start, previous }: Pick<Watch, "key" | "end" | "start" | "previous">,
): OpenWatch {
  const opened = history.moment();
  const id = history.watches.length + 1;
  const watch: Watch = { id, client, member, life, key, end, start, previous, opened, said: [] };
  history.watches.push(watch);
  const say = (said: Watch["said"][number]) => {
    if (watch.cancelled !== undefined) return;
    watch.said.push(said);
    open.onSaid?.();
  };
  const stream = access.watch(
    { key, ...(end === undefined ? {} : { end }), startRevision: start, previous },
    {
      events(batch, revision) {
        open.next = Math.max(open.next, revision + 1);
        const events = batch.map((event): Event => ({
          type: event.type,
          record: recordOf(event.kv),
          previous: event.previous && recordOf(event.previous),
        }));
        say({ type: "events", at: history.moment(), revision, events });
      },
      progress(revision) {
        open.next = Math.max(open.next, revision + 1);
        say({ type: "progress", at: history.moment(), revision });
      },
      closed(error) {
        open.closed = error.code;
        say({ type: "closed", at: history.moment(), code: error.code });
      },
    },
  );
  const open = {
    watch,
    next: start,
    closed: undefined as string | undefined,
    onSaid: undefined as (() => void) | undefined,
    askProgress: () => stream.requestProgress(),
    cancel: () => {
      watch.cancelled ??= history.moment();
      stream.cancel();
    },
  };
  return open;
}
