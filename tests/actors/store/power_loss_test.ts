import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { seededRandom } from "../../contracts/test_world.ts";
import { StorageError } from "../../../ports/storage.ts";
import { command } from "../../machines/store/arbitrary_commands.ts";
import { bytes, Journal, live, openSmall } from "./workload.ts";

const clientCommand = command.filter(({ type }) => type !== "expireLeases");

/** Opens after the accident, looks, writes, and opens once more. */
async function recover(disk: SimulatedDisk, journal: Journal, what: string): Promise<void> {
  disk.restart();
  const storage = await openSmall(disk);
  try {
    const remembered = await journal.remembered(storage);
    const after = new Journal();
    after.proposed.push(...journal.proposed.slice(0, remembered));
    await after.propose(storage, {
      type: "txn",
      compare: [],
      success: [{ type: "put", key: "after", value: bytes(what) }],
      failure: [],
    });
    await storage.close();
    const again = await openSmall(disk);
    assertEquals(await after.remembered(again), remembered + 1);
    await again.close();
  } finally {
    await storage.close();
  }
}

async function operationsOf(body: (disk: SimulatedDisk) => Promise<void>): Promise<number> {
  const disk = new SimulatedDisk({ random: seededRandom(1) });
  await body(disk);
  return disk.operations;
}

Deno.test("openStorage loses no answered write, whichever disk operation power fails in", async () => {
  const whole = new Journal();
  const operations = await operationsOf((disk) => live(disk, whole));
  assertEquals(whole.acknowledged, whole.proposed.length);
  let lives = 0;
  let torn = 0;
  for (let seed = 1; seed <= 4; seed++) {
    for (let operation = 1; operation <= operations; operation++) {
      const disk = new SimulatedDisk({ random: seededRandom(seed * 10_000 + operation) });
      disk.failAt(operation, "crash");
      const journal = new Journal();
      await live(disk, journal);
      try {
        await recover(disk, journal, `${seed}.${operation}`);
      } catch (error) {
        throw new Error(`Power lost in operation ${operation} of ${operations}, seed ${seed}`, { cause: error });
      }
      lives++;
      if (journal.proposed.length > journal.acknowledged) torn++;
    }
  }
  assert(torn > 100, "Too few accidents met a write under way");
  console.log(`power lost ${lives} times at ${operations} operations, ${torn} times with writes under way`);
});

Deno.test("openStorage loses no answered write when power fails again while it recovers", async () => {
  const operations = await operationsOf((disk) => live(disk, new Journal()));
  for (let operation = 5; operation <= operations; operation += 11) {
    for (let second = 1; second <= 40; second++) {
      const disk = new SimulatedDisk({ random: seededRandom(operation * 100 + second) });
      disk.failAt(operation, "crash");
      const journal = new Journal();
      await live(disk, journal);
      disk.restart();
      disk.failAt(disk.operations + second, "crash");
      let opened = true;
      try {
        await (await openSmall(disk)).close();
      } catch {
        opened = false;
      }
      disk.restart();
      try {
        await recover(disk, journal, "again");
      } catch (error) {
        throw new Error(`Power lost in operation ${operation}, then in ${second} of recovery`, { cause: error });
      }
      if (opened) break;
    }
  }
});

Deno.test("openStorage loses no answered write of a random life, wherever power fails", async () => {
  const lives = fc.array(fc.array(clientCommand, { minLength: 1, maxLength: 5 }), { maxLength: 15, size: "max" });
  await fc.assert(
    fc.asyncProperty(lives, fc.integer({ min: 1, max: 120 }), fc.nat(), async (batches, operation, seed) => {
      const disk = new SimulatedDisk({ random: seededRandom(seed) });
      disk.failAt(operation, "crash");
      const journal = new Journal();
      try {
        const storage = await openSmall(disk);
        for (const batch of batches) {
          await Promise.allSettled(batch.map((command) => journal.propose(storage, command)));
        }
        await storage.close();
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
      await recover(disk, journal, "random");
    }),
    { numRuns: 300 },
  );
});

Deno.test("openStorage asks the disk for the same operations in every run with the same seed", async () => {
  const operations = async () => {
    const disk = new SimulatedDisk({ random: seededRandom(1) });
    const asked: string[] = [];
    disk.onOperation = (_, what) => void asked.push(what);
    await live(disk, new Journal());
    return asked;
  };
  assertEquals(await operations(), await operations());
});
