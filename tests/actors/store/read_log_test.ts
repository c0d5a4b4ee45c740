import { assertEquals, assertRejects } from "@std/assert";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { segmentName } from "../../../actors/store/file_names.ts";
import { readLog } from "../../../actors/store/read_log.ts";
import type { Configuration, Entry } from "../../../machines/raft/entry.ts";
import { BatchWriter, encodeConfiguration } from "../../../machines/raft/log_format.ts";
import { encodeCommand } from "../../../machines/store/command_codec.ts";
import { StorageError } from "../../../ports/storage.ts";
import { HandClock, seededRandom } from "../../contracts/test_world.ts";
import { bytes, openSmall } from "./workload.ts";

const member = "00000000000000aa";
const cluster = "00000000000000cc";
const alone: Configuration = { voters: [member], learners: [] };

const configuration = (index: number, members: Configuration): Entry => ({
  index,
  term: 1,
  type: "configuration",
  payload: encodeConfiguration(members),
});
const putEntry = (index: number, term: number, value: string): Entry => ({
  index,
  term,
  type: "command",
  payload: encodeCommand({
    type: "txn",
    compare: [],
    success: [{ type: "put", key: "k", value: bytes(value) }],
    failure: [],
  }),
});

/** A directory with these segments, each with these batches of entries. */
async function directory(
  ...segments: { before: { index: number; term: number }; member?: string; batches: Entry[][] }[]
) {
  const disk = new SimulatedDisk({ random: seededRandom(1) });
  await disk.makeDirectory("store");
  for (const [at, segment] of segments.entries()) {
    const file = await disk.open(`store/${segmentName(at + 1, segment.before.index + 1)}`, { create: true });
    const writer = new BatchWriter();
    const hardState = { term: segment.before.term, vote: "", commit: 0 };
    for (const [number, entries] of [[], ...segment.batches].entries()) {
      writer.begin(number);
      if (number === 0) {
        writer.segment({
          member: segment.member ?? member,
          cluster,
          segment: at + 1,
          before: segment.before,
          hardState,
        });
      } else writer.hardState({ ...hardState, term: entries.at(-1)!.term, commit: entries[0]!.index - 1 });
      for (const { index, term, type, payload } of entries) writer.entry(index, term, type, (out) => out.raw(payload));
      await file.append(writer.finish());
    }
    await file.close();
  }
  return disk;
}

const start = { index: 0, term: 0 };

Deno.test("readLog replaces entries that a later leader has overwritten, across segments too", async () => {
  const disk = await directory(
    {
      before: start,
      batches: [[configuration(1, alone)], [putEntry(2, 1, "a"), putEntry(3, 1, "b"), putEntry(4, 1, "c")]],
    },
    { before: { index: 4, term: 1 }, batches: [[putEntry(3, 2, "B")], [putEntry(4, 2, "C"), putEntry(5, 2, "D")]] },
  );
  const stored = await readLog(disk, "store", new HandClock());
  assertEquals(stored.entries.map(({ index, term }) => [index, term]), [[1, 1], [2, 1], [3, 2], [4, 2], [5, 2]]);
  assertEquals([stored.last, stored.hardState], [{ index: 5, term: 2 }, { term: 2, vote: "", commit: 3 }]);
  assertEquals([stored.identity, stored.configuration], [{ member, cluster }, alone]);
  const storage = await openSmall(disk);
  const { kvs } = await storage.range({ key: "k" });
  assertEquals([new TextDecoder().decode(kvs[0]?.value), kvs[0]?.version], ["D", 4]);
  assertEquals((await storage.status()).term, 3);
  await storage.close();
});

const refusals: { name: string; segments: Parameters<typeof directory>; message: string }[] = [
  {
    name: "entries that do not follow each other",
    segments: [{ before: start, batches: [[configuration(1, alone)], [putEntry(3, 1, "a")]] }],
    message: "entry 3 follows entry 1",
  },
  {
    name: "a segment that does not follow the one before",
    segments: [{ before: start, batches: [[configuration(1, alone)]] }, { before: { index: 4, term: 1 }, batches: [] }],
    message: "it follows entry 4, but the log ends at 1",
  },
  {
    name: "a segment of another member",
    segments: [
      { before: start, batches: [[configuration(1, alone)]] },
      { before: { index: 1, term: 1 }, member: "00000000000000bb", batches: [] },
    ],
    message: "it belongs to member 00000000000000bb",
  },
  {
    name: "a log that begins late",
    segments: [{ before: { index: 9, term: 1 }, batches: [] }],
    message: "entries 1 to 9 are neither in the log nor in a snapshot",
  },
  {
    name: "a member of three that is opened alone",
    segments: [{ before: start, batches: [[configuration(1, { voters: [member, "b", "c"], learners: [] })]] }],
    message: "has the voters [00000000000000aa, b, c]",
  },
  {
    name: "a member that has yet to hear of the others",
    segments: [{ before: start, batches: [] }],
    message: "has the voters []",
  },
];
for (const { name, segments, message } of refusals) {
  Deno.test(`openStorage refuses ${name}`, async () => {
    const disk = await directory(...segments);
    const error = await assertRejects(() => openSmall(disk), StorageError, message);
    assertEquals(error.code, "unavailable");
  });
}
