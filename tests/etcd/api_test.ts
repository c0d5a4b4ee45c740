/** What etcd's API answers, message by message, the same on Chartroom's endpoint, a follower of three, and Debian's etcd. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EtcdClient, type EtcdStream } from "../../actors/etcd/etcd_client.ts";
import { realClock } from "../../actors/real/real_clock.ts";
import { keyBytes } from "../../machines/etcd/keys.ts";
import type * as m from "../../machines/etcd/messages.ts";
import type { Message, Part } from "../../machines/etcd/protobuf.ts";
import { services } from "../../machines/etcd/services.ts";
import { StorageError } from "../../ports/storage.ts";
import { type EtcdPlace, type EtcdServer, serverKinds } from "./servers.ts";

type Services = typeof services;
type RequestOf<M> = M extends { readonly request: Message<infer T> } ? Part<T> : never;
type ResponseOf<M> = M extends { readonly response: Message<infer T> } ? T : never;
type Read<M> = m.Read<M>;

const bytes = keyBytes;
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const all = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
const prefix = (key: string) => ({
  key: bytes(key),
  rangeEnd: bytes(key.slice(0, -1) + String.fromCharCode(key.charCodeAt(key.length - 1) + 1)),
});

class Caller {
  readonly client: EtcdClient;

  constructor({ url, files }: EtcdPlace) {
    const tls = Object.fromEntries(
      Object.entries(files).filter(([name]) => ["ca", "cert", "key"].includes(name)).map((
        [name, path],
      ) => [name, Deno.readTextFileSync(path as string)]),
    );
    this.client = new EtcdClient({ endpoints: [new URL(url).host], tls, clock: realClock });
  }

  call<S extends keyof Services, M extends keyof Services[S] & string>(
    service: S,
    name: M,
    request: RequestOf<Services[S][M]>,
  ): Promise<ResponseOf<Services[S][M]>> {
    // deno-lint-ignore no-explicit-any
    return this.client.call(service, name, (services[service] as any)[name], request as any, false);
  }

  put(key: string, value = "", more: Part<Read<typeof m.PutRequest>> = {}) {
    return this.call("KV", "Put", { key: bytes(key), value: bytes(value), ...more });
  }

  /** etcd's own words. */
  async refusal<S extends keyof Services, M extends keyof Services[S] & string>(
    service: S,
    name: M,
    request: RequestOf<Services[S][M]>,
  ): Promise<string> {
    try {
      await this.call(service, name, request);
    } catch (error) {
      if (error instanceof StorageError) return error.message.replace("Cannot do it in etcd: ", "");
      throw error;
    }
    return "done";
  }

  async watch(): Promise<Watching> {
    return new Watching(await this.client.stream("Watch", "Watch", services.Watch.Watch));
  }
}

type WatchAnswer = Read<typeof m.WatchResponse>;

/** A stream of watches, answer by answer. */
class Watching {
  readonly #answers: WatchAnswer[] = [];
  #wake: (() => void) | undefined;

  constructor(readonly stream: EtcdStream<Read<typeof m.WatchRequest>, WatchAnswer>) {
    stream.on("data", (answer: WatchAnswer) => {
      this.#answers.push(answer);
      this.#wake?.();
    });
    stream.on("error", () => {});
  }

  create(request: Part<Read<typeof m.WatchCreateRequest>>): Promise<WatchAnswer> {
    this.stream.write({ createRequest: request });
    return this.next();
  }

  async next(): Promise<WatchAnswer> {
    while (this.#answers.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.#answers.shift()!;
  }

  /** The next so many events, as lines. */
  async events(count: number): Promise<string[]> {
    const lines: string[] = [];
    while (lines.length < count) {
      const { watchId, events } = await this.next();
      lines.push(
        ...events.map(({ type, kv, prevKv }) =>
          `${watchId} ${type === 0 ? "put" : "delete"} ${text(kv!.key)}=${text(kv!.value)}${
            prevKv === undefined ? "" : ` was ${text(prevKv.value)}`
          }`
        ),
      );
    }
    return lines;
  }
}

const stories: Record<string, (caller: Caller, server: EtcdServer) => Promise<void>> = {
  "ranges by every order, limit and revision": async (caller) => {
    for (const [key, value] of [["/b", "1"], ["/a", "3"], ["/c", "2"], ["/b", "0"], ["/d", "1"]]) {
      await caller.put(key!, value);
    }
    const range = async (more: Part<Read<typeof m.RangeRequest>>) => {
      const { kvs, count, more: left } = await caller.call("KV", "Range", { ...prefix("/"), ...more });
      return `${kvs.map(({ key }) => text(key)).join(" ")} of ${count}${left ? "+" : ""}`;
    };
    const table: [Part<Read<typeof m.RangeRequest>>, string][] = [
      [{}, "/a /b /c /d of 4"],
      [{ limit: 2 }, "/a /b of 4+"],
      [{ limit: 4 }, "/a /b /c /d of 4"],
      [{ sortOrder: 2 }, "/d /c /b /a of 4"],
      [{ sortOrder: 2, limit: 1 }, "/d of 4+"],
      [{ sortOrder: 1, sortTarget: 1 }, "/a /c /d /b of 4"],
      [{ sortOrder: 1, sortTarget: 2 }, "/b /a /c /d of 4"],
      [{ sortOrder: 2, sortTarget: 3 }, "/d /b /c /a of 4"],
      [{ sortOrder: 1, sortTarget: 4 }, "/b /d /c /a of 4"],
      [{ sortTarget: 3 }, "/a /c /b /d of 4"],
      [{ countOnly: true }, " of 4"],
      [{ countOnly: true, limit: 1 }, " of 4"],
      [{ minModRevision: 4 }, "/b /c /d of 4"],
      [{ maxModRevision: 4 }, "/a /c of 4"],
      [{ minModRevision: 3, maxModRevision: 4 }, "/a /c of 4"],
      [{ minCreateRevision: 3 }, "/a /c /d of 4"],
      [{ maxCreateRevision: 2 }, "/b of 4"],
      [{ minCreateRevision: 3, limit: 2 }, "/a /c of 4+"],
      [{ revision: 3 }, "/a /b of 2"],
      [{ revision: 3, serializable: true }, "/a /b of 2"],
      [{ ...all, limit: 1 }, "/a of 4+"],
      [{ key: bytes("/c"), rangeEnd: Uint8Array.of(0) }, "/c /d of 2"],
      [{ key: bytes("/c"), rangeEnd: bytes("/a") }, " of 0"],
      [{ key: bytes("/none"), rangeEnd: new Uint8Array(0) }, " of 0"],
    ];
    for (const [asked, answer] of table) assertEquals(await range(asked), answer, JSON.stringify(asked));
    const { kvs } = await caller.call("KV", "Range", { key: bytes("/b"), keysOnly: true });
    assertEquals(
      kvs.map((
        { value, version, createRevision, modRevision },
      ) => [value.length, version, createRevision, modRevision]),
      [[0, 2, 2, 5]],
    );
    assertEquals(await caller.refusal("KV", "Range", {}), "etcdserver: key is not provided");
    assertEquals(
      await caller.refusal("KV", "Range", { ...all, revision: 99 }),
      "etcdserver: mvcc: required revision is a future revision",
    );
  },

  "puts and deletes with what was there before, and refuses what contradicts itself": async (caller) => {
    assertEquals((await caller.put("a", "1", { prevKv: true })).prevKv, undefined);
    const { prevKv } = await caller.put("a", "2", { prevKv: true });
    assertEquals([text(prevKv!.value), prevKv!.version], ["1", 1]);
    await caller.put("b", "1");
    const { deleted, prevKvs } = await caller.call("KV", "DeleteRange", { ...all, prevKv: true });
    assertEquals([deleted, prevKvs.map(({ value }) => text(value))], [2, ["2", "1"]]);
    const put = (more: Part<Read<typeof m.PutRequest>>) => caller.refusal("KV", "Put", { key: bytes("a"), ...more });
    assertEquals(await put({ ignoreValue: true, value: bytes("1") }), "etcdserver: value is provided");
    assertEquals(await put({ ignoreLease: true, lease: 5 }), "etcdserver: lease is provided");
    assertEquals(await put({ ignoreLease: true }), "etcdserver: key not found");
    assertEquals(await put({ lease: 77 }), "etcdserver: requested lease not found");
    assertEquals(await put({ key: new Uint8Array(0) }), "etcdserver: key is not provided");
    assertEquals(await put({ value: new Uint8Array(1_600_000) }), "etcdserver: request is too large");
  },

  "runs transactions inside transactions": async (caller) => {
    await caller.put("a", "1");
    const value = (key: string, value: string) => ({ key: bytes(key), target: 3, result: 0, value: bytes(value) });
    const put = (key: string, value: string) => ({
      requestPut: { key: bytes(key), value: bytes(value), prevKv: true },
    });
    const get = (key: string) => ({ requestRange: { key: bytes(key) } });
    const inner = { compare: [value("a", "1")], success: [put("b", "in"), get("a")], failure: [put("c", "in")] };
    const { succeeded, responses, header } = await caller.call("KV", "Txn", {
      compare: [value("a", "1"), { key: bytes("none"), target: 0, result: 0, version: 0 }],
      success: [put("a", "2"), { requestTxn: inner }, get("b"), { requestDeleteRange: { ...prefix("z") } }],
      failure: [],
    });
    const [first, second, third, fourth] = responses;
    const nested = second!.responseTxn!;
    assertEquals(
      [
        succeeded,
        header!.revision,
        text(first!.responsePut!.prevKv!.value),
        nested.succeeded,
        text(nested.responses[1]!.responseRange!.kvs[0]!.value),
        third!.responseRange!.count,
        fourth!.responseDeleteRange!.deleted,
      ],
      [true, 3, "1", true, "2", 1, 0],
    );
    const txn = (request: Part<m.TxnRequest>) => caller.refusal("KV", "Txn", request);
    assertEquals(
      await txn({ success: [put("x", ""), put("x", "")] }),
      "etcdserver: duplicate key given in txn request",
    );
    assertEquals(
      await txn({ success: [put("x", ""), { requestTxn: { success: [put("x", "")] } }] }),
      "etcdserver: duplicate key given in txn request",
    );
    assertEquals(
      await txn({ success: Array.from({ length: 129 }, (_, i) => put(`x${i}`, "")) }),
      "etcdserver: too many operations in txn request",
    );
    assertEquals(await txn({ success: [put("", "")] }), "etcdserver: key is not provided");
    const failed = await caller.call("KV", "Txn", {
      compare: [value("a", "1")],
      success: [put("a", "3")],
      failure: [get("a")],
    });
    assertEquals([failed.succeeded, failed.header!.revision, text(failed.responses[0]!.responseRange!.kvs[0]!.value)], [
      false,
      3,
      "2",
    ]);
  },

  "watches by filters, with previous records, ids and cancels": async (caller) => {
    const watching = await caller.watch();
    const first = await watching.create({ ...prefix("/"), prevKv: true });
    assertEquals([first.created, first.watchId, first.header!.revision], [true, 0, 1]);
    assertEquals((await watching.create({ ...prefix("/"), filters: [0], watchId: 7 })).watchId, 7);
    assertEquals((await watching.create({ ...prefix("/"), filters: [1], watchId: 8 })).watchId, 8);
    await caller.put("/a", "1");
    assertEquals((await watching.events(2)).sort(), ["0 put /a=1", "8 put /a=1"]);
    await caller.call("KV", "DeleteRange", { key: bytes("/a") });
    assertEquals((await watching.events(2)).sort(), ["0 delete /a= was 1", "7 delete /a="]);
    watching.stream.write({ cancelRequest: { watchId: 0 } });
    const canceled = await watching.next();
    assertEquals([canceled.canceled, canceled.watchId], [true, 0]);
    await caller.put("/a", "2");
    assertEquals(await watching.events(1), ["8 put /a=2"]);
    const again = await watching.create({ ...prefix("/"), startRevision: 2, prevKv: true, watchId: 9 });
    assertEquals(again.watchId, 9);
    assertEquals(await watching.events(3), ["9 put /a=1", "9 delete /a= was 1", "9 put /a=2"]);
    watching.stream.cancel();
  },

  "refuses a watch of what is compacted with the first revision left, and watches from one to come": async (caller) => {
    for (const value of ["1", "2", "3"]) await caller.put("a", value);
    await caller.call("KV", "Compact", { revision: 3 });
    const watching = await caller.watch();
    const { watchId, created } = await watching.create({ key: bytes("a"), startRevision: 2 });
    assert(created);
    const over = await watching.next();
    assertEquals([over.watchId, over.canceled, over.compactRevision], [watchId, true, 3]);
    await watching.create({ key: bytes("a"), startRevision: 6, watchId: 5 });
    await caller.put("a", "5");
    await caller.put("a", "6");
    assertEquals(await watching.events(1), ["5 put a=6"]);
    watching.stream.cancel();
  },

  "cuts what is large into fragments for who asks for them": async (caller) => {
    const value = "x".repeat(700_000);
    for (const key of ["/a", "/b", "/c"]) await caller.put(key, value);
    const watching = await caller.watch();
    await watching.create({ ...prefix("/"), startRevision: 2, fragment: true });
    const sizes: number[] = [];
    const keys: string[] = [];
    for (let last = false; !last;) {
      const { events, fragment } = await watching.next();
      sizes.push(events.reduce((sum, { kv }) => sum + kv!.value.length, 0));
      keys.push(...events.map(({ kv }) => text(kv!.key)));
      last = keys.length === 3 && !fragment;
    }
    assertEquals(keys, ["/a", "/b", "/c"]);
    assert(sizes.length > 1 && sizes.every((size) => size <= 1_572_864), `${sizes}`);
    watching.stream.cancel();
  },

  "answers a progress request of a stream": async (caller) => {
    await caller.put("a", "1");
    const watching = await caller.watch();
    await watching.create({ key: bytes("b") });
    watching.stream.write({ progressRequest: {} });
    const { watchId, header, events } = await watching.next();
    assertEquals([watchId, header!.revision, events.length], [-1, 2, 0]);
    watching.stream.cancel();
  },

  "grants, lists, keeps and revokes leases": async (caller) => {
    assertEquals((await caller.call("Lease", "LeaseGrant", { id: 5, ttl: 60 })).ttl, 60);
    const drawn = await caller.call("Lease", "LeaseGrant", { ttl: 60 });
    const grant = (request: Part<Read<typeof m.LeaseGrantRequest>>) => caller.refusal("Lease", "LeaseGrant", request);
    assertEquals(await grant({ id: 5, ttl: 60 }), "etcdserver: lease already exists");
    assertEquals(await grant({ id: 6, ttl: 9_000_000_001 }), "etcdserver: too large lease TTL");
    await caller.put("/b", "", { lease: 5 });
    await caller.put("/a", "", { lease: 5 });
    const { leases } = await caller.call("Lease", "LeaseLeases", {});
    assertEquals(new Set(leases.map(({ id }) => id)), new Set([5, drawn.id]));
    const left = await caller.call("Lease", "LeaseTimeToLive", { id: 5, keys: true });
    assertEquals([left.grantedTtl, left.keys.map(text).sort()], [60, ["/a", "/b"]]);
    assert(left.ttl > 50 && left.ttl <= 60);
    assertEquals((await caller.call("Lease", "LeaseTimeToLive", { id: 9 })).ttl, -1);
    const alive = await caller.client.stream("Lease", "LeaseKeepAlive", services.Lease.LeaseKeepAlive);
    alive.on("error", () => {});
    const answers = [5, 9].map(() => Promise.withResolvers<[number, number]>());
    let at = 0;
    alive.on("data", ({ id, ttl }) => answers[at++]!.resolve([id, ttl]));
    alive.write({ id: 5 });
    assertEquals(await answers[0]!.promise, [5, 60]);
    alive.write({ id: 9 });
    assertEquals(await answers[1]!.promise, [9, 0]);
    alive.cancel();
    await caller.call("Lease", "LeaseRevoke", { id: 5 });
    assertEquals((await caller.call("KV", "Range", all)).count, 0);
    assertEquals(await caller.refusal("Lease", "LeaseRevoke", { id: 5 }), "etcdserver: requested lease not found");
  },

  "raises and clears alarms by hand": async (caller, server) => {
    const { header } = await caller.call("Maintenance", "Status", {});
    const { memberId } = header!;
    const alarm = async (action: number) =>
      (await caller.call("Maintenance", "Alarm", { action, memberId, alarm: 1 })).alarms.map((
        { memberId, alarm },
      ) => [memberId, alarm]);
    assertEquals(await alarm(1), [[memberId, 1]]);
    assertEquals(await alarm(0), [[memberId, 1]]);
    assertEquals(await caller.refusal("KV", "Put", { key: bytes("a") }), "etcdserver: mvcc: database space exceeded");
    assertEquals(await caller.refusal("KV", "DeleteRange", { key: bytes("a") }), "done");
    const leading = new Caller(server.leader);
    assertEquals(
      await leading.refusal("Lease", "LeaseGrant", { ttl: 60 }),
      "etcdserver: mvcc: database space exceeded",
    );
    leading.client.close();
    await alarm(2);
    assertEquals(await alarm(0), []);
    assertEquals(await caller.refusal("KV", "Put", { key: bytes("a") }), "done");
  },
};

/** Of a store that others can join. */
const amongMembers: typeof stories = {
  "adds, updates and removes a learner": async (caller) => {
    const before = (await caller.call("Cluster", "MemberList", {})).members.length;
    const url = "https://127.0.0.1:1";
    const add = { peerUrls: [url], isLearner: true };
    const { member, members } = await caller.call("Cluster", "MemberAdd", add);
    assertEquals([member!.isLearner, member!.name, member!.peerUrls, members.length], [true, "", [url], before + 1]);
    // etcd makes ids out of addresses and seconds: within one, it is the id that is there already.
    assertMatch(
      await caller.refusal("Cluster", "MemberAdd", add),
      /^etcdserver: (Peer URLs already exists|member ID already exist)$/,
    );
    const refusals = {
      second: await caller.refusal("Cluster", "MemberAdd", { peerUrls: ["https://127.0.0.1:2"], isLearner: true }),
      nowhere: await caller.refusal("Cluster", "MemberAdd", { peerUrls: ["nowhere"], isLearner: true }),
      tooSoon: await caller.refusal("Cluster", "MemberPromote", { id: member!.id }),
      nobody: await caller.refusal("Cluster", "MemberUpdate", { id: 5n, peerUrls: ["https://127.0.0.1:3"] }),
    };
    assertEquals(refusals, {
      second: "etcdserver: too many learner members in cluster",
      nowhere: "etcdserver: given member URLs are invalid",
      tooSoon: "etcdserver: can only promote a learner member which is in sync with leader",
      nobody: "etcdserver: member not found",
    });
    await caller.call("Cluster", "MemberUpdate", { id: member!.id, peerUrls: ["https://127.0.0.1:4"] });
    const found = (await caller.call("Cluster", "MemberList", {})).members.find(({ id }) => id === member!.id);
    assertEquals(found!.peerUrls, ["https://127.0.0.1:4"]);
    assertEquals((await caller.call("Cluster", "MemberRemove", { id: member!.id })).members.length, before);
    assertEquals(
      await caller.refusal("Cluster", "MemberRemove", { id: 5n }),
      "etcdserver: member not found",
    );
  },
};

for (const [name, start] of Object.entries(serverKinds)) {
  const told = name === "Chartroom's endpoint" ? stories : { ...stories, ...amongMembers };
  for (const [story, tell] of Object.entries(told)) {
    Deno.test(`etcd's API on ${name} ${story}`, async () => {
      const server = await start({ quick: true });
      const caller = new Caller(server);
      try {
        await tell(caller, server);
      } finally {
        caller.client.close();
        await server.close();
      }
    });
  }
}
