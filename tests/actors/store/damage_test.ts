import { assert, assertEquals, assertRejects } from "@std/assert";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { readBatch, recordHeaderBytes } from "../../../machines/raft/log_format.ts";
import { batchHeaderBytes } from "../../../machines/raft/log_format.ts";
import { StorageError } from "../../../ports/storage.ts";
import { seededRandom } from "../../contracts/test_world.ts";
import { Journal, live, openSmall } from "./workload.ts";

/** A directory after two lives, its files, and what it must remember. */
async function lived() {
  const disk = new SimulatedDisk({ random: seededRandom(3) });
  const journal = new Journal();
  await live(disk, journal);
  const names = await disk.list("store");
  const segments = names.filter((name) => name.endsWith(".log"));
  const snapshots = names.filter((name) => name.endsWith(".snapshot"));
  assert(segments.length > 2 && snapshots.length === 2, names.join());
  return { disk, journal, segments, snapshots, last: segments.at(-1)! };
}

/** Segments that a start reads: those with entries after the newest snapshot. */
function needed({ segments, snapshots }: { segments: string[]; snapshots: string[] }): string[] {
  const covered = Number(snapshots.at(-1)!.slice(0, 16));
  const first = segments.findLastIndex((name) => Number(name.slice(11, 27)) <= covered + 1);
  assert(first > 0, "no segment is kept for the older snapshot");
  return segments.slice(first);
}

/** Where batches and records begin, and the end. */
function boundaries(file: Uint8Array): { batches: number[]; all: number[] } {
  const batches: number[] = [];
  const all: number[] = [];
  let at = 0;
  for (let number = 0; at < file.length; number++) {
    const check = readBatch(file, at, number);
    assert(check.found === "batch");
    batches.push(at);
    all.push(at);
    const view = new DataView(file.buffer, file.byteOffset);
    for (let record = at + batchHeaderBytes; record < check.end;) {
      all.push(record);
      record += recordHeaderBytes + view.getUint32(record, true);
    }
    at = check.end;
  }
  return { batches: [...batches, at], all: [...all, at] };
}

Deno.test("openStorage opens a log that was cut anywhere in its last segment, with whole batches up to there", async () => {
  const { disk, journal, last } = await lived();
  const file = await disk.read(`store/${last}`);
  const { batches, all } = boundaries(file);
  const cuts = new Set(all.flatMap((at) => [at - 1, at, at + 1, at + 5, at + 15]).filter((at) => at <= file.length));
  for (const cut of [...cuts].filter((cut) => cut >= batches[1]!)) {
    const copy = disk.clone();
    copy.cut(`store/${last}`, cut);
    const storage = await openSmall(copy);
    const shorter = new Journal();
    shorter.proposed.push(...journal.proposed);
    const remembered = await shorter.remembered(storage);
    assertEquals(remembered === journal.proposed.length, cut === file.length, `cut at ${cut} of ${file.length}`);
    await storage.close();
  }
});

Deno.test("openStorage refuses a log that was cut where more must follow, and names the file", async () => {
  const { disk, segments, snapshots, last } = await lived();
  for (const name of needed({ segments, snapshots })) {
    const file = await disk.read(`store/${name}`);
    const { batches, all } = boundaries(file);
    for (const cut of all.flatMap((at) => [at, at + 3]).filter((at) => at < file.length)) {
      if (name === last && cut >= batches[1]!) continue; // A torn end.
      const copy = disk.clone();
      copy.cut(`store/${name}`, cut);
      const error = await assertRejects(() => openSmall(copy), StorageError, "Cannot read the log");
      assertEquals(error.code, "unavailable");
      assert(segments.some((segment) => error.message.includes(segment)), error.message);
    }
  }
});

Deno.test("openStorage refuses a log with a flipped bit and names file and offset", async () => {
  const { disk, journal, segments, snapshots, last } = await lived();
  let refused = 0;
  for (const name of needed({ segments, snapshots })) {
    const file = await disk.read(`store/${name}`);
    const { batches, all } = boundaries(file);
    const places = new Set([...all.flatMap((at) => [at, at + 4, at + 8, at + 12]), ...steps(file.length, 13)]);
    for (const at of [...places].filter((at) => at < file.length)) {
      const copy = disk.clone();
      copy.corrupt(`store/${name}`, at, 0x10);
      try {
        const storage = await openSmall(copy);
        // Only a last batch of which a whole sector reads as zeros is taken for unwritten.
        assert(name === last && at >= batches.at(-2)!, `a flipped bit at ${at} of ${name} went unnoticed`);
        const shorter = new Journal();
        shorter.proposed.push(...journal.proposed);
        await shorter.remembered(storage);
        await storage.close();
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        assert(error.message.includes(name) && /offset \d+/.test(error.message), error.message);
        refused++;
      }
    }
  }
  assert(refused > 100);
});

Deno.test("openStorage passes over a damaged snapshot: the one before and the log after it are still there", async () => {
  const { disk, journal, snapshots } = await lived();
  const newest = snapshots.at(-1)!;
  const file = await disk.read(`store/${newest}`);
  for (const at of steps(file.length, 17)) {
    const copy = disk.clone();
    copy.corrupt(`store/${newest}`, at);
    const storage = await openSmall(copy);
    assertEquals(await journal.remembered(storage), journal.proposed.length);
    assertEquals(storage.notes.length, 1);
    assert(storage.notes[0]!.includes(newest), storage.notes[0]);
    await storage.close();
  }
});

Deno.test("openStorage refuses to start when what it has removed is needed", async () => {
  const { disk, segments, snapshots } = await lived();
  const both = disk.clone();
  for (const name of snapshots) both.corrupt(`store/${name}`, 40);
  await assertRejects(() => openSmall(both), StorageError, "neither in the log nor in a snapshot");
  const gap = disk.clone();
  await gap.remove(`store/${segments[1]}`);
  await assertRejects(() => openSmall(gap), StorageError, segments[2]!);
  const none = disk.clone();
  for (const name of segments) await none.remove(`store/${name}`);
  await assertRejects(() => openSmall(none), StorageError, "it has snapshots but no log");
});

function steps(length: number, by: number): number[] {
  return Array.from({ length: Math.ceil(length / by) }, (_, i) => i * by);
}
