import { assert, assertEquals } from "@std/assert";
import type { ReplicatedStorage } from "../../../../actors/store/replica/open_replicated_storage.ts";
import { seededRandom } from "../../../contracts/test_world.ts";
import { put, write } from "../../../contracts/storage_contract.ts";
import { names, Trio } from "./trio.ts";

const small = {
  snapshotEvery: { entries: 8, bytes: 1 << 20 },
  segmentBytes: 1_500,
  raft: { keptEntries: 4, maxMessageBytes: 2_000, maxInFlight: 4 },
};

/** What was asked for: keys that are each put once, by whom, and what came of it. */
class Ledger {
  readonly answered = new Map<string, number>();
  readonly open = new Set<string>();
  readonly refused = new Map<string, string>();
  #next = 0;

  put(storage: ReplicatedStorage): Promise<void> {
    const key = `w${String(++this.#next).padStart(5, "0")}`;
    this.open.add(key);
    return write(storage, put(key, "x".repeat(this.#next % 60))).then(
      ({ revision }) => void this.answered.set(key, revision),
      (error) => void this.refused.set(key, error.message),
    ).finally(() => this.open.delete(key));
  }

  /** Every member holds every answered write, once, at the revision that was told; and all hold the same. */
  async verify(trio: Trio): Promise<void> {
    const all = [...trio.open.values()];
    await trio.leader();
    await trio.within(write(all[0]!, put("end", "1")));
    const isLevel = () => new Set(all.map((each) => each.log.getSnapshot().context.commit)).size === 1;
    await trio.clock.until(isLevel, 30_000);
    for (const storage of all) {
      const { kvs } = await trio.within(storage.range({ key: "w", end: "x" }));
      const held = new Map(kvs.map(({ key, modRevision, version }) => [key, { modRevision, version }]));
      for (const [key, revision] of this.answered) {
        assertEquals(held.get(key), { modRevision: revision, version: 1 }, `${trio.nameOf(storage)} ${key}`);
      }
      for (const [key, { version }] of held) assertEquals(version, 1, `${key} was written more than once`);
      for (const [key, why] of this.refused) {
        assert(!held.has(key) || /not known/.test(why), `${key} was written although it was refused: ${why}`);
      }
    }
    const hashes = await Promise.all(all.map((each) => trio.within(each.hash())));
    assertEquals(new Set(hashes.map(({ hash }) => hash)).size, 1);
  }
}

async function live(trio: Trio, ledger: Ledger, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const running = [...trio.open.values()];
    const batch = running.flatMap((storage) => [ledger.put(storage), ledger.put(storage)]);
    await Promise.race([trio.clock.pass(50), Promise.all(batch)]);
    await trio.clock.pass(5);
  }
}

const victims: readonly ("leader" | "follower" | "everybody")[] = ["leader", "follower", "everybody"];

for (const victim of victims) {
  Deno.test(`three members lose no answered write, whichever disk operation power fails in (${victim})`, async () => {
    let accidents = 0;
    for (let operation = 1; operation <= 60; operation++) {
      const trio = new Trio(operation, small);
      const ledger = new Ledger();
      const leader = await trio.startAll();
      const name = victim === "follower" ? trio.nameOf(trio.followers()[0]!) : trio.nameOf(leader);
      const disk = trio.disk(name);
      let hasFailed = false;
      const at = disk.operations + operation;
      disk.onOperation = (number) => {
        if (number !== at) return;
        hasFailed = true;
        if (victim === "everybody") { for (const each of names) if (each !== name) trio.disk(each).crash(); }
      };
      disk.failAt(at, "crash");
      try {
        await live(trio, ledger, 8);
        if (!hasFailed) await trio.closeAll();
        else {
          accidents++;
          const dead = victim === "everybody" ? names : [name];
          for (const each of dead) await trio.kill(each);
          for (const each of dead) await trio.start(each);
          await trio.clock.pass(3_000);
          await live(trio, ledger, 2);
          await ledger.verify(trio);
          await trio.closeAll();
        }
      } catch (error) {
        throw new Error(`Power of ${victim} lost in operation ${operation}`, { cause: error });
      }
    }
    assert(accidents > 40, `Only ${accidents} accidents`);
  });
}

/** One thing that may go wrong, or be mended. */
async function disturb(trio: Trio, random: { next(): number }): Promise<void> {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)]!;
  const name = pick(names);
  const dead = names.filter((each) => !trio.open.has(each));
  switch (pick(["kill", "start", "cut", "heal", "noise", "calm", "pass", "power"])) {
    case "kill":
      if (dead.length === 0) await trio.kill(name);
      break;
    case "power":
      if (random.next() < 0.3) { for (const each of names) if (trio.open.has(each)) await trio.kill(each); }
      break;
    case "start":
      for (const each of dead) await trio.start(each);
      break;
    case "cut":
      trio.network.partition([name], names.filter((each) => each !== name));
      break;
    case "heal":
      trio.network.heal();
      break;
    case "noise":
      trio.network.setFaults({ loss: 0.1, duplication: 0.1, delayMs: [0, 40] });
      break;
    case "calm":
      trio.network.setFaults({ loss: 0, duplication: 0, delayMs: [0, 0] });
      break;
    case "pass":
      await trio.clock.pass(random.next() * 3_000);
  }
}

Deno.test("three members lose and double nothing through kills, cuts, losses, doubles and delays", async () => {
  const seeds = Number(Deno.env.get("CHARTROOM_SEEDS") ?? 15);
  const first = Number(Deno.env.get("CHARTROOM_SEED") ?? 1);
  let answered = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const random = seededRandom(seed);
    const trio = new Trio(seed, small);
    const ledger = new Ledger();
    try {
      await trio.startAll();
      for (let step = 0; step < 30; step++) {
        await disturb(trio, random);
        await live(trio, ledger, 2);
      }
      trio.network.heal();
      trio.network.setFaults({ loss: 0, duplication: 0, delayMs: [0, 0] });
      for (const name of names) if (!trio.open.has(name)) await trio.start(name);
      await trio.clock.pass(10_000);
      assertEquals([...ledger.open], [], "Nobody waits for ever");
      await ledger.verify(trio);
      await trio.closeAll();
    } catch (error) {
      throw new Error(`Seed ${seed}`, { cause: error });
    }
    answered += ledger.answered.size;
  }
  assert(answered > 50 * seeds, `Only ${answered} answered writes`);
  console.log(`${seeds} seeds, ${answered} answered writes`);
});
