/** Everything that a history has to keep to. */
import type { History } from "../history.ts";
import { tell, type Violation } from "../story.ts";
import { judgeKeys } from "./keys.ts";
import { judgeLeases } from "./leases.ts";
import { judgeRevisions } from "./revisions.ts";
import { Timeline } from "./timeline.ts";
import { judgeWatches } from "./watches.ts";

export interface JudgeOptions {
  /** Watches that were not over had to tell everything up to this revision. */
  readonly endsAt?: number;
  readonly leaseSlackMs?: number;
  /** Of the search for an order, for each key. */
  readonly maxSteps?: number;
}

export interface Judgement {
  readonly violations: readonly Violation[];
  /** Keys of which the search for an order came to no end: neither proved nor refuted. */
  readonly unknown: readonly string[];
  readonly counts: {
    readonly operations: number;
    readonly answered: number;
    readonly writes: number;
    readonly unknown: number;
    readonly events: number;
    readonly watches: number;
    readonly revisions: number;
    readonly keys: number;
  };
}

export function judge(history: History, { endsAt, leaseSlackMs = 0, maxSteps }: JudgeOptions = {}): Judgement {
  const timeline = new Timeline(history);
  const keys = judgeKeys(history, maxSteps);
  const violations = [
    ...timeline.violations,
    ...judgeRevisions(history, timeline),
    ...keys.violations,
    ...judgeWatches(history, timeline, endsAt),
    ...judgeLeases(history, timeline, leaseSlackMs),
  ];
  const { operations, watches } = history;
  const count = (came: string) => operations.filter(({ answer }) => (answer?.came ?? "unknown") === came).length;
  const counts = {
    operations: operations.length,
    answered: operations.length - count("unknown") - count("refused"),
    writes: count("done"),
    unknown: count("unknown"),
    events: watches.reduce(
      (sum, { said }) => sum + said.reduce((of, part) => of + (part.type === "events" ? part.events.length : 0), 0),
      0,
    ),
    watches: watches.length,
    revisions: timeline.last,
    keys: keys.looked,
  };
  return { violations, unknown: keys.unknown, counts };
}

/** The first of each broken rule, in words. */
export function describe(history: History, { violations }: Judgement): string {
  const rules = new Map<string, Violation>();
  for (const violation of violations) if (!rules.has(violation.rule)) rules.set(violation.rule, violation);
  return [...rules.values()].map((violation) => tell(history, violation)).join("\n\n");
}
