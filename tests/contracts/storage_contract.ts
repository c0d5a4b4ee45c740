/** What every implementation of the Storage port must do. Each runs it with an opener of its own. */
import { assert, assertEquals } from "@std/assert";
import { type Operation, prefixEnd, type Storage } from "../../ports/storage.ts";
import { bytes, Collected, line, put, refusal, type StorageWorld, text, write } from "./storage_world.ts";

export * from "./storage_world.ts";

const rules: Record<string, (world: StorageWorld) => Promise<void>> = {
  "starts at revision 1 and counts one per transaction that writes": async ({ storage }) => {
    assertEquals((await storage.status()).revision, 1);
    assertEquals((await write(storage, put("a", "1"), put("b", "1"))).revision, 2);
    assertEquals((await write(storage, { type: "delete", key: "nobody" })).revision, 2);
    assertEquals((await write(storage, { type: "delete", key: "a", end: "c" })).revision, 3);
    assertEquals((await storage.range({ key: "a", end: "c" })).count, 0);
  },

  "numbers versions from 1 in each life of a key": async ({ storage }) => {
    for (const operation of [put("k", "1"), put("k", "2"), { type: "delete", key: "k" } as const, put("k", "3")]) {
      await write(storage, operation);
    }
    const at = async (revision: number) => (await storage.range({ key: "k", revision })).kvs.map(line);
    assertEquals(await at(2), ["k=1 2/2 v1"]);
    assertEquals(await at(3), ["k=2 2/3 v2"]);
    assertEquals(await at(4), []);
    assertEquals(await at(5), ["k=3 5/5 v1"]);
  },

  "answers a put with what it replaced and a delete with what it removed": async ({ storage }) => {
    const first = await write(storage, put("k", "1"));
    assertEquals(first.results, [{ type: "put" }]);
    const second = (await write(storage, put("k", "2"))).results[0];
    assert(second?.type === "put" && second.previous !== undefined);
    assertEquals(line(second.previous), "k=1 2/2 v1");
    const third = (await write(storage, { type: "delete", key: "k" })).results[0];
    assert(third?.type === "delete");
    assertEquals(third.deleted.map(line), ["k=2 2/3 v2"]);
  },

  "lists in order of UTF-8 bytes": async ({ storage }) => {
    const keys = ["b", "a/b", "a", "a0", "\uffee", "\u{1f600}", "é"];
    await write(storage, ...keys.map((key) => put(key, "")));
    const { kvs } = await storage.range({ key: "\0", end: "\0" });
    assertEquals(kvs.map(({ key }) => key), ["a", "a/b", "a0", "b", "é", "\uffee", "\u{1f600}"]);
  },

  "limits, counts and leaves values out": async ({ storage }) => {
    await write(storage, ...["/p/a", "/p/b", "/p/c", "/q"].map((key) => put(key, "v")));
    const range = { key: "/p/", end: prefixEnd("/p/") };
    const page = await storage.range({ ...range, limit: 2 });
    assertEquals([page.kvs.map(({ key }) => key), page.count, page.more], [["/p/a", "/p/b"], 3, true]);
    const rest = await storage.range({ ...range, key: "/p/b\0", limit: 2, revision: page.revision });
    assertEquals([rest.kvs.map(({ key }) => key), rest.count, rest.more], [["/p/c"], 1, false]);
    const counted = await storage.range({ ...range, countOnly: true });
    assertEquals([counted.kvs, counted.count, counted.more], [[], 3, false]);
    const keys = await storage.range({ ...range, keysOnly: true });
    assertEquals(keys.kvs.map(line), ["/p/a= 2/2 v1", "/p/b= 2/2 v1", "/p/c= 2/2 v1"]);
  },

  "takes the else branch when one comparison fails": async ({ storage }) => {
    await write(storage, put("k", "1"));
    const attempt = (modRevision: number) =>
      storage.txn({
        compare: [{ key: "k", target: "modRevision", op: "=", value: modRevision }],
        success: [put("k", "2")],
        failure: [{ type: "range", key: "k" }],
      });
    const lost = await attempt(7);
    assert(!lost.succeeded && lost.results[0]?.type === "range");
    assertEquals([lost.revision, lost.results[0].kvs.map(line)], [2, ["k=1 2/2 v1"]]);
    const won = await attempt(2);
    assertEquals([won.succeeded, won.revision], [true, 3]);
    assert(!(await attempt(2)).succeeded);
  },

  "compares every target, with 0 for a key that does not exist": async ({ storage }) => {
    await storage.grantLease({ ttlSeconds: 60, id: 5 });
    await write(storage, put("k", "m", 5));
    await write(storage, put("k", "m", 5));
    const holds = async (key: string, target: string, op: string, value: number | Uint8Array) => {
      const compare = [{ key, target, op, value }] as Parameters<Storage["txn"]>[0]["compare"];
      return (await storage.txn({ compare, success: [], failure: [] })).succeeded;
    };
    const table: [string, string, string, number | Uint8Array, boolean][] = [
      ["k", "createRevision", "=", 2, true],
      ["k", "modRevision", ">", 2, true],
      ["k", "modRevision", "<", 3, false],
      ["k", "version", "=", 2, true],
      ["k", "version", "!=", 2, false],
      ["k", "lease", "=", 5, true],
      ["k", "value", "=", bytes("m"), true],
      ["k", "value", "<", bytes("ma"), true],
      ["k", "value", ">", bytes("l"), true],
      ["k", "value", "!=", bytes("m"), false],
      ["none", "modRevision", "=", 0, true],
      ["none", "version", "<", 1, true],
      ["none", "lease", "=", 0, true],
      ["none", "value", "=", bytes(""), false],
      ["none", "value", "!=", bytes("x"), false],
    ];
    for (const [key, target, op, value, expected] of table) {
      assertEquals(await holds(key, target, op, value), expected, `${key} ${target} ${op} ${value}`);
    }
  },

  "compares every key of a range, and one that is empty as a key that does not exist": async ({ storage }) => {
    await write(storage, put("/p/a", "x"), put("/p/b", "x"), put("/q", "y"));
    const holds = async (key: string, value: string | number) => {
      const operand = typeof value === "number"
        ? { target: "version" as const, value }
        : { target: "value" as const, value: bytes(value) };
      const compare = [{ key, end: prefixEnd(key), op: "=" as const, ...operand }];
      return (await storage.txn({ compare, success: [], failure: [] })).succeeded;
    };
    assertEquals([await holds("/p/", "x"), await holds("/", "x"), await holds("/none/", "x")], [true, false, false]);
    assertEquals([await holds("/", 1), await holds("/", 2), await holds("/none/", 0)], [true, false, true]);
  },

  "settles the branches of transactions inside before anything is written": async ({ storage }) => {
    const exists = (key: string) => ({ key, target: "version", op: ">", value: 0 }) as const;
    const branch = (key: string): Operation => ({
      type: "txn",
      compare: [exists(key)],
      success: [{ type: "range", key }, put("seen", key)],
      failure: [put(`no ${key}`, "1"), { type: "range", key }],
    });
    const { results, revision, succeeded } = await write(storage, put("a", "1"), branch("a"));
    assertEquals([revision, succeeded], [2, true]);
    const inner = results[1];
    assert(inner?.type === "txn" && !inner.succeeded);
    const read = inner.results[1];
    assert(read?.type === "range");
    assertEquals(read.kvs.map(line), ["a=1 2/2 v1"]);
    assertEquals((await storage.range({ key: "a", end: "z" })).kvs.map(({ key }) => key), ["a", "no a"]);
    const again = (await write(storage, branch("a"))).results[0];
    assert(again?.type === "txn" && again.succeeded);
    assertEquals((await storage.range({ key: "seen" })).kvs.map(line), ["seen=a 3/3 v1"]);
    assertEquals(await refusal(write(storage, put("seen", "2"), branch("a"))), "invalid");
  },

  "keeps the value or the lease of a key that exists": async ({ storage }) => {
    await storage.grantLease({ ttlSeconds: 60, id: 5 });
    await write(storage, put("k", "1", 5));
    await write(storage, { type: "put", key: "k", value: bytes("2"), keepLease: true });
    assertEquals((await storage.range({ key: "k" })).kvs.map(line), ["k=2 2/3 v2 lease 5"]);
    await write(storage, { type: "put", key: "k", value: bytes(""), keepValue: true });
    assertEquals((await storage.range({ key: "k" })).kvs.map(line), ["k=2 2/4 v3"]);
    const missing = write(storage, put("a", "1"), { type: "put", key: "none", value: bytes(""), keepValue: true });
    assertEquals(await refusal(missing), "keyNotFound");
    assertEquals((await storage.status()).revision, 4);
  },

  "shows a transaction its own writes": async ({ storage }) => {
    const { results } = await write(storage, put("a", "1"), { type: "range", key: "a" }, {
      type: "range",
      key: "a",
      revision: 1,
    });
    const [, now, before] = results;
    assert(now?.type === "range" && before?.type === "range");
    assertEquals([now.kvs.map(line), before.kvs], [["a=1 2/2 v1"], []]);
  },

  "does nothing of a transaction that is refused": async ({ storage }) => {
    await write(storage, put("k", "1"));
    assertEquals(await refusal(write(storage, put("a", "1"), put("b", "1", 99))), "leaseNotFound");
    assertEquals(await refusal(write(storage, put("a", "1"), put("a", "2"))), "invalid");
    assertEquals(await refusal(write(storage, { type: "delete", key: "a", end: "c" }, put("b", "2"))), "invalid");
    assertEquals(
      await refusal(write(storage, put("a", "1"), { type: "range", key: "k", revision: 9 })),
      "futureRevision",
    );
    assertEquals(await refusal(write(storage, put("", "1"))), "invalid");
    assertEquals(await refusal(write(storage, put("\ud800", "1"))), "invalid");
    assertEquals(await refusal(write(storage, put("a", "x".repeat(2_000_000)))), "tooLarge");
    const many = Array.from({ length: 129 }, (_, i) => put(`k${i}`, ""));
    assertEquals(await refusal(write(storage, ...many)), "invalid");
    assertEquals((await storage.status()).revision, 2);
  },

  "refuses reads of the future and of what is compacted": async ({ storage }) => {
    for (const value of ["1", "2", "3"]) await write(storage, put("k", value));
    await storage.compact(3);
    assertEquals(await refusal(storage.range({ key: "k", revision: 2 })), "compacted");
    assertEquals((await storage.range({ key: "k", revision: 3 })).kvs.map(line), ["k=2 2/3 v2"]);
    assertEquals(await refusal(storage.range({ key: "k", revision: 5 })), "futureRevision");
    assertEquals(await refusal(storage.compact(3)), "compacted");
    assertEquals(await refusal(storage.compact(9)), "futureRevision");
    const { revision, compactedRevision } = await storage.status();
    assertEquals([revision, compactedRevision], [4, 3]);
  },

  "keeps the latest of each live key in a compaction": async ({ storage }) => {
    await write(storage, put("a", "1"));
    await write(storage, put("b", "1"));
    await write(storage, { type: "delete", key: "b" });
    await write(storage, put("c", "1"));
    await storage.compact(5);
    assertEquals((await storage.range({ key: "a", end: "z" })).kvs.map(line), ["a=1 2/2 v1", "c=1 5/5 v1"]);
    assertEquals((await write(storage, put("b", "2"))).revision, 6);
    assertEquals((await storage.range({ key: "b" })).kvs.map(line), ["b=2 6/6 v1"]);
  },

  "deletes a lease's keys with it, in one revision": async ({ storage }) => {
    const { id, ttlSeconds } = await storage.grantLease({ ttlSeconds: 30 });
    assert(id > 0 && ttlSeconds === 30);
    await write(storage, put("a", "1", id), put("b", "1", id), put("c", "1"));
    await write(storage, put("b", "2"));
    const seen = new Collected(storage, { key: "a", end: "z" });
    await storage.revokeLease(id);
    await seen.until(() => seen.events.length > 0);
    assertEquals(seen.lines, ["delete a 4"]);
    assertEquals((await storage.range({ key: "a", end: "z" })).kvs.map(({ key }) => key), ["b", "c"]);
    assertEquals(await refusal(storage.revokeLease(id)), "leaseNotFound");
    assertEquals(await refusal(storage.keepLeaseAlive(id)), "leaseNotFound");
    seen.watch.cancel();
  },

  "lets a lease run out unless it is kept alive": async ({ storage, advance }) => {
    const lease = await storage.grantLease({ ttlSeconds: 10, id: 7 });
    assertEquals(lease, { id: 7, ttlSeconds: 10 });
    assertEquals(await refusal(storage.grantLease({ ttlSeconds: 10, id: 7 })), "leaseExists");
    await write(storage, put("k", "1", 7));
    const seen = new Collected(storage, { key: "k" });
    await advance(6_000);
    assertEquals(await storage.keepLeaseAlive(7), { ttlSeconds: 10 });
    // Where time also runs by itself, a busy machine must not make this one 10 s.
    await advance(6_000);
    assertEquals((await storage.range({ key: "k" })).count, 1);
    await advance(5_500);
    await seen.until(() => seen.events.length > 0);
    assertEquals(seen.lines, ["delete k 3"]);
    assertEquals(await refusal(storage.keepLeaseAlive(7)), "leaseNotFound");
    seen.watch.cancel();
  },

  "watches from now on, whole revisions in order": async ({ storage }) => {
    await write(storage, put("/p/a", "0"));
    const seen = new Collected(storage, { key: "/p/", end: prefixEnd("/p/"), previous: true });
    await write(storage, put("/p/a", "1"), put("/p/b", "1"), put("/q", "1"));
    await write(storage, { type: "delete", key: "/p/", end: prefixEnd("/p/") });
    await write(storage, put("/q", "2"));
    await seen.until(() => seen.events.length >= 4);
    assertEquals(seen.lines, [
      "put /p/a=1 2/3 v2 was 0",
      "put /p/b=1 3/3 v1",
      "delete /p/a 4 was 1",
      "delete /p/b 4 was 1",
    ]);
    seen.watch.cancel();
  },

  // Writes under way at once take effect in any order: only what each was answered says which one came first.
  "watches each of many writes that begin with it, once and in order of their revisions": async ({ storage }) => {
    const seen = new Collected(storage, { key: "/p/", end: prefixEnd("/p/") });
    const names = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i));
    const written = await Promise.all(names.map(async (name) => {
      const { revision } = await write(
        storage,
        put(`/p/${name}/1`, ""),
        put(`/p/${name}/2`, ""),
        put(`/q/${name}`, ""),
      );
      return { name, revision };
    }));
    await seen.until(() => seen.events.length >= 2 * names.length);
    written.sort((a, b) => a.revision - b.revision);
    assertEquals(
      seen.events.map(({ kv }) => `${kv.key} ${kv.modRevision}`),
      written.flatMap(({ name, revision }) => [1, 2].map((part) => `/p/${name}/${part} ${revision}`)),
    );
    assert(seen.batches.every(({ count }) => count % 2 === 0), "a revision was split");
    seen.watch.cancel();
  },

  "watches from the past and goes on into the present": async ({ storage }) => {
    for (let i = 0; i < 20; i++) await write(storage, put(`k${i % 3}`, String(i)));
    const seen = new Collected(storage, { key: "k0", startRevision: 6 });
    await write(storage, put("k0", "now"));
    await seen.until(() => seen.events.at(-1)?.kv.modRevision === 22);
    assertEquals(seen.events.map(({ kv }) => kv.modRevision), [8, 11, 14, 17, 20, 22]);
    seen.watch.cancel();
  },

  "watches from a revision to come without the ones before it": async ({ storage }) => {
    const seen = new Collected(storage, { key: "k", startRevision: 4 });
    seen.watch.requestProgress();
    for (const value of ["1", "2", "3", "4"]) await write(storage, put("k", value));
    await seen.until(() => seen.events.length >= 2);
    assertEquals(seen.lines, ["put k=3 2/4 v3", "put k=4 2/5 v4"]);
    assert(seen.progress.every((revision) => revision >= 3), `progress ${seen.progress}`);
    seen.watch.cancel();
  },

  "ends a watch of what is compacted, with the oldest revision left": async ({ storage }) => {
    for (const value of ["1", "2", "3"]) await write(storage, put("k", value));
    await storage.compact(3);
    const late = new Collected(storage, { key: "k", startRevision: 2 });
    await late.until(() => late.closed !== undefined);
    assertEquals([late.closed?.code, late.closed?.compactedRevision, late.events.length], ["compacted", 3, 0]);
    const justRight = new Collected(storage, { key: "k", startRevision: 3 });
    await justRight.settled();
    assertEquals(justRight.lines, ["put k=2 2/3 v2", "put k=3 2/4 v3"]);
    justRight.watch.cancel();
  },

  "shows a delete at the compacted revision to a watch from there": async ({ storage }) => {
    await write(storage, put("k", "1"));
    await write(storage, { type: "delete", key: "k" });
    await storage.compact(3);
    const seen = new Collected(storage, { key: "k", startRevision: 3 });
    await seen.settled();
    assertEquals(seen.lines, ["delete k 3"]);
    seen.watch.cancel();
  },

  "reports progress after everything before it": async ({ storage }) => {
    const seen = new Collected(storage, { key: "k" });
    await write(storage, put("k", "1"));
    await write(storage, put("other", "1"));
    await seen.settled();
    assertEquals([seen.lines, seen.progress], [["put k=1 2/2 v1"], [3]]);
    seen.watch.cancel();
  },

  "says nothing after a watch is cancelled": async ({ storage }) => {
    const seen = new Collected(storage, { key: "k" });
    const past = new Collected(storage, { key: "k", startRevision: 1 });
    const other = new Collected(storage, { key: "k" });
    seen.watch.cancel();
    past.watch.cancel();
    await write(storage, put("k", "1"));
    await other.settled();
    assertEquals([seen.events, past.events, seen.closed, past.closed], [[], [], undefined, undefined]);
    other.watch.cancel();
  },

  "gives many watchers exactly their own events": async ({ storage }) => {
    const watchers = Array.from({ length: 300 }, (_, i) => {
      const prefix = `/w${String(i).padStart(3, "0")}/`;
      return new Collected(storage, { key: prefix, end: prefixEnd(prefix) });
    });
    const all = new Collected(storage, { key: "\0", end: "\0" });
    const exact = new Collected(storage, { key: "/w007/k" });
    await Promise.all(watchers.map((_, i) => write(storage, put(`/w${String(i).padStart(3, "0")}/k`, String(i)))));
    await all.settled();
    assertEquals(
      watchers.map((seen) => seen.events.map(({ kv }) => text(kv.value))),
      watchers.map((_, i) => [String(i)]),
    );
    assertEquals([all.events.length, exact.lines.length], [300, 1]);
    for (const seen of [...watchers, all, exact]) seen.watch.cancel();
  },

  "never loses one of many concurrent optimistic increments": async ({ storage }) => {
    await write(storage, put("n", "0"));
    const increment = async () => {
      for (;;) {
        const [kv] = (await storage.range({ key: "n" })).kvs;
        const { succeeded } = await storage.txn({
          compare: [{ key: "n", target: "modRevision", op: "=", value: kv!.modRevision }],
          success: [put("n", String(Number(text(kv!.value)) + 1))],
          failure: [],
        });
        if (succeeded) return;
      }
    };
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let i = 0; i < 5; i++) await increment();
    }));
    assertEquals(text((await storage.range({ key: "n" })).kvs[0]!.value), "40");
  },

  "ends watches and refuses requests when it is closed": async ({ storage }) => {
    const seen = new Collected(storage, { key: "k" });
    await write(storage, put("k", "1"));
    await storage.close();
    assertEquals(seen.closed?.code, "closed");
    assertEquals(await refusal(storage.range({ key: "k" })), "closed");
    assertEquals(await refusal(write(storage, put("k", "2"))), "closed");
    const late = new Collected(storage, { key: "k" });
    await late.until(() => late.closed !== undefined);
    assertEquals(late.closed?.code, "closed");
  },
};

/** Registers a test for each rule, with a new store each. `faults`: rules that a store of others breaks, and why. */
export function storageContract(
  name: string,
  open: () => Promise<StorageWorld>,
  faults: Readonly<Record<string, string>> = {},
): void {
  for (const [rule, check] of Object.entries(rules)) {
    if (faults[rule] !== undefined) {
      Deno.test({ name: `${name} ${rule}: not tried, ${faults[rule]}`, ignore: true, fn() {} });
      continue;
    }
    Deno.test(`${name} ${rule}`, async () => {
      const world = await open();
      try {
        await check(world);
      } finally {
        await world.close();
      }
    });
  }
}
