/** Leases: nothing goes before its time, which counts from when the lease was last asked to live on. */
import type { History, Operation } from "../history.ts";
import type { Violation } from "../story.ts";
import type { Timeline } from "./timeline.ts";

/** @param slackMs what the clock of the test and that of the store may differ by. */
export function judgeLeases(history: History, timeline: Timeline, slackMs: number): Violation[] {
  const violations: Violation[] = [];
  const uses = Map.groupBy(
    history.operations.filter(({ call }) => call.do === "grant" || call.do === "keep"),
    ({ call }) => (call as { id: number }).id,
  );
  const deletes = new Set(
    history.operations.filter(({ call }) => call.do === "delete").map(({ call }) =>
      `${(call as { key: string }).key} ${(call as { expected: number }).expected}`
    ),
  );
  const firstTold = firstSightings(history);
  for (let revision = 2; revision <= timeline.last; revision++) {
    for (const { type, record } of timeline.eventsAt(revision)) {
      const before = timeline.at(record.key, revision - 1);
      if (type !== "delete" || before === undefined || before.lease === 0) continue;
      if (deletes.has(`${record.key} ${before.mod}`)) continue; // Somebody may have deleted it.
      const seenMs = firstTold.get(revision)!;
      const due = dueMs(uses.get(before.lease) ?? [], seenMs);
      if (seenMs >= due - slackMs) continue;
      violations.push({
        rule: "leases live out their time",
        what: `${record.key} went at ${(seenMs / 1_000).toFixed(3)} s, its lease was to last until ${due / 1_000} s`,
        keys: [record.key],
        revision,
      });
    }
  }
  return violations;
}

/** The earliest moment at which the lease may end, as of what had been answered by then. */
function dueMs(uses: readonly Operation[], byMs: number): number {
  const seconds = uses.flatMap(({ call }) => call.do === "grant" ? [call.seconds] : [])[0] ?? 0;
  const renewed = uses.filter(({ answer, answered }) => answer?.came === "done" && answered!.ms <= byMs);
  return Math.max(0, ...renewed.map(({ called }) => called.ms)) + seconds * 1_000;
}

/** When each revision was first told by any watch. */
function firstSightings(history: History): Map<number, number> {
  const first = new Map<number, number>();
  for (const { said } of history.watches) {
    for (const part of said) {
      if (part.type !== "events") continue;
      for (const { record: { mod } } of part.events) {
        first.set(mod, Math.min(first.get(mod) ?? Infinity, part.at.ms));
      }
    }
  }
  return first;
}
