/** What a process of a member hears that was said to the one before it, or to itself before it stood still. */
import { assert, assertEquals } from "@std/assert";
import { decodePeerMessage } from "../../../../machines/store/peer_message.ts";
import type { Disk } from "../../../../ports/disk.ts";
import type { Transport, TransportReceiver } from "../../../../ports/transport.ts";
import { put, text, write } from "../../../contracts/storage_contract.ts";
import { SimulatedWorld } from "../../../robustness/simulated/simulated_world.ts";
import { names, Trio } from "./trio.ts";

Deno.test("a follower that was started again hands writes on at once, in the term in which it has done so before", async () => {
  const trio = new Trio(21);
  await trio.startAll();
  const name = trio.nameOf(trio.followers()[0]!);
  for (let i = 0; i < 5; i++) await trio.within(write(trio.open.get(name)!, put(`k${i}`, "1")));
  const { term } = await trio.within(trio.open.get(name)!.status());
  await trio.kill(name);
  const again = await trio.start(name);
  for (let i = 0; i < 5; i++) await trio.within(write(again, put(`k${i}`, "2")), 1_000);
  assertEquals((await trio.within(again.status())).term, term);
  await trio.closeAll();
});

/** Keeps what was received, to let it come once more. */
class Remembered implements Transport {
  readonly received: { readonly from: string; readonly bytes: Uint8Array }[] = [];
  receiver: TransportReceiver | undefined;

  constructor(readonly inner: Transport) {}

  get self(): string {
    return this.inner.self;
  }

  listen(receiver: TransportReceiver): void {
    this.receiver = receiver;
    this.inner.listen({
      received: (from, bytes) => {
        this.received.push({ from, bytes });
        receiver.received(from, bytes);
      },
      unreachable: (peer) => receiver.unreachable?.(peer),
    });
  }

  send(to: string, message: Uint8Array): void {
    this.inner.send(to, message);
  }

  setPeers(peers: Parameters<Transport["setPeers"]>[0]): void {
    this.inner.setPeers(peers);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** A world in which each process remembers what it received, and somebody leads. */
async function remembering(seed: number) {
  const heard = new Map<string, Remembered>();
  const transport = (name: string, inner: Transport) => {
    const remembered = new Remembered(inner);
    heard.set(name, remembered);
    return remembered;
  };
  const world = new SimulatedWorld(seed, { transport, options: { raft: {}, compareHashesEveryMs: 0 } });
  await world.run(Promise.all([...world.names].map((name) => world.start(name))), 10_000);
  await world.clock.until(() => world.leader !== undefined, 10_000);
  const leader = world.leader!;
  const follower = [...world.names].find((name) => name !== leader)!;
  return { world, heard, leader, follower };
}

Deno.test("an answer to the process before does not serve a read: it would be stale", async () => {
  const { world, heard, leader, follower } = await remembering(22);
  await world.run(write(world.storage(leader), put("k", "old")), 10_000);
  await world.run(world.storage(follower).range({ key: "k" }), 10_000);
  const answers = heard.get(follower)!.received.filter(({ bytes }) => {
    const { said } = decodePeerMessage(bytes);
    return said.kind === "raft" && said.message.type === "reads.answered";
  });
  assert(answers.length > 0, "The read was not answered by the leader");
  await world.run(world.kill(follower), 10_000);
  const again = await world.run(world.start(follower), 10_000);
  await world.clock.pass(500);
  world.network.cut(leader, follower);
  await world.run(write(world.storage(leader), put("k", "new")), 10_000);
  let seen: string[] | undefined;
  const read = again.range({ key: "k" }).then(({ kvs }) => seen = kvs.map(({ value }) => text(value)));
  // What was under way to the process before comes now.
  for (const { from, bytes } of answers) heard.get(follower)!.receiver?.received(from, bytes);
  await world.clock.pass(20);
  assertEquals(seen, undefined, "It was served by an answer to another question");
  world.network.mend(leader, follower);
  await world.run(read, 10_000);
  assertEquals(seen, ["new"]);
  await world.run(world.closeAll(), 10_000);
});

Deno.test("a reply to a call of the process before does not answer one of this: a write would be made twice", async () => {
  const { world, heard, follower } = await remembering(24);
  const replies: number[][] = [];
  for (const value of ["1", "2"]) {
    await world.run(write(world.storage(follower), put("k", value)), 10_000);
    await world.run(world.storage(follower).membership.members(), 10_000);
    replies.push(heard.get(follower)!.received.flatMap(({ bytes }) => {
      const { said } = decodePeerMessage(bytes);
      return said.kind === "reply" ? said.id : [];
    }));
    await world.run(world.kill(follower), 10_000);
    await world.run(world.start(follower), 10_000);
  }
  const [first, second] = replies as [number[], number[]];
  assert(first.length > 0 && second.length > 0);
  assertEquals(new Set(first).intersection(new Set(second)).size, 0);
  await world.run(world.closeAll(), 10_000);
});

/** A disk of which appends wait. */
class HeldDisk {
  #held: PromiseWithResolvers<void> | undefined;

  hold(): void {
    this.#held = Promise.withResolvers();
  }

  letGo(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  over(disk: Disk): Disk {
    return new Proxy(disk, {
      get: (target, name) => {
        if (name !== "open") {
          const value = Reflect.get(target, name, target) as unknown;
          return typeof value === "function" ? value.bind(target) : value;
        }
        return async (...args: Parameters<Disk["open"]>) => {
          const file = await target.open(...args);
          return {
            size: () => file.size(),
            append: async (bytes: Uint8Array) => {
              await this.#held?.promise;
              await file.append(bytes);
            },
            sync: () => file.sync(),
            truncate: (size: number) => file.truncate(size),
            close: () => file.close(),
          };
        };
      },
    });
  }
}

Deno.test("a second snapshot that arrives while the first still waits for the disk takes its place after it", async () => {
  const small = { snapshotEvery: { entries: 8, bytes: 1 << 20 }, raft: { keptEntries: 2 } };
  const trio = new Trio(23, small);
  const leader = await trio.startAll();
  const name = names.find((each) => each !== trio.nameOf(leader))!;
  const others = names.filter((each) => each !== name);
  await trio.kill(name);
  const held = new HeldDisk();
  const slow = await trio.start(name, { disk: held.over(trio.disk(name)) });
  await trio.clock.pass(500);
  trio.network.partition([name], others);
  for (let i = 0; i < 30; i++) await trio.within(write(leader, put(`k${i}`, "1")));
  held.hold();
  // Something that the disk is at when the snapshot comes.
  await trio.clock.pass(2_500);
  trio.network.heal();
  const { log } = slow;
  const installs: number[] = [];
  log.subscribe((snapshot) => {
    const { index } = snapshot.context.log.base;
    if (installs.at(-1) !== index) installs.push(index);
  });
  for (let round = 0; round < 20; round++) {
    await trio.within(write(await trio.leader(), put(`r${round}`, "1")));
    await trio.clock.pass(100);
  }
  assert(installs.length >= 2, `It was offered ${installs.length} snapshots`);
  held.letGo();
  await trio.clock.pass(5_000);
  assertEquals(slow.actor.getSnapshot().context.message, "");
  assertEquals((await trio.within(slow.range({ key: "r", end: "s" }))).count, 20);
  await trio.closeAll();
});

Deno.test("a leader that stood still and was replaced lets no lease run out that the next one has kept alive", async () => {
  const world = new SimulatedWorld(25, { options: { raft: {}, compareHashesEveryMs: 0 } });
  await world.run(Promise.all([...world.names].map((name) => world.start(name))), 10_000);
  await world.clock.until(() => world.leader !== undefined, 10_000);
  const old = world.leader!;
  const other = [...world.names].find((name) => name !== old)!;
  await world.run(world.storage(other).grantLease({ id: 7, ttlSeconds: 5 }), 10_000);
  await world.run(write(world.storage(other), put("k", "1", 7)), 10_000);
  world.pause(old);
  await world.clock.until(() => world.leader !== old, 10_000);
  await world.clock.pass(1_000);
  await world.run(world.storage(other).keepLeaseAlive(7), 10_000);
  // By its own reckoning the lease is over when it wakes; it has yet to hear that it does not lead any more.
  await world.clock.pass(3_000);
  world.resume(old);
  await world.clock.pass(500);
  assertEquals((await world.run(world.storage(other).range({ key: "k" }), 10_000)).count, 1);
  await world.clock.pass(5_000);
  assertEquals((await world.run(world.storage(other).range({ key: "k" }), 10_000)).count, 0);
  await world.run(world.closeAll(), 10_000);
});
