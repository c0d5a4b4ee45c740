import { assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { LogWriter } from "../../../actors/store/log_writer.ts";
import { readLog } from "../../../actors/store/read_log.ts";
import { DiskError } from "../../../ports/disk.ts";

const segmentBytes = 400;
const identity = { member: "00000000000000a1", cluster: "00000000000000c1" };
const hardState = { term: 1, vote: identity.member, commit: 0 };

Deno.test("LogWriter makes durable what a killed process has appended before it begins another segment", async () => {
  // Of what waits for a sync, loss of power keeps nothing.
  const disk = new SimulatedDisk({ random: { next: () => 0 } });
  await disk.makeDirectory("store");
  await disk.syncDirectory("");
  const first = new LogWriter(disk, "store", identity, segmentBytes, {
    last: { index: 0, term: 0 },
    hardState,
    segments: [],
  });
  await first.open({ term: 1, configuration: new Uint8Array(8) });
  await first.begin(hardState);
  first.add(1, "command", (out) => out.raw(new Uint8Array(segmentBytes)));
  // Killed between the append and the sync of a batch that fills its segment.
  disk.failAt(disk.operations + 2, "io");
  await assertRejects(() => first.write(), DiskError);
  disk.abandon();

  const again = await readLog(disk, "store", new ManualClock());
  assertEquals(again.last.index, 2);
  const second = new LogWriter(disk, "store", identity, segmentBytes, again);
  await second.open({ term: 1, configuration: new Uint8Array(8) });
  await second.begin(hardState);
  second.add(2, "empty", () => {});
  await second.write();
  disk.crash();
  disk.restart();
  const after = await readLog(disk, "store", new ManualClock());
  assertEquals([after.last.index, after.torn], [3, null]);
});
