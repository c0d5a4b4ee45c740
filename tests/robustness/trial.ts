/** A workload on a store that accidents befall, then peace, and a judgement of all that was seen. */
import { type History, root } from "./history.ts";
import { describe, judge, type Judgement } from "./judge/judge.ts";
import type { Accident } from "./nemesis.ts";
import { perform } from "./recorder.ts";
import type { Stage } from "./stage.ts";
import type { Workload } from "./workload.ts";

/** Whoever makes the store suffer. */
export interface Tormentor {
  readonly counts: ReadonlyMap<Accident, number>;
  /** Set when it is to come to an end. */
  isOver: boolean;
  run(): Promise<void>;
  /** Everything is well again from now on. */
  restore(): Promise<void>;
}

export interface Trial {
  readonly stage: Stage;
  readonly workload: Workload;
  readonly nemesis: Tormentor;
  /** Of trouble, at most: it may end by itself. */
  readonly seconds: number;
  /** Of what each member holds; those that have applied the same entries have the same. */
  hashes(): Promise<readonly { readonly appliedIndex: number; readonly hash: string }[]>;
  /** What a moment seen here and the same moment of a member may differ by. */
  readonly leaseSlackMs?: number;
}

export interface Verdict {
  readonly history: History;
  readonly endsAt: number;
  readonly judgement: Judgement;
  readonly accidents: ReadonlyMap<Accident, number>;
  /** In words; empty when all promises were kept. */
  readonly story: string;
}

/** Watches have so long to tell what is left. */
const drainMs = 20_000;

export async function hold({ stage, workload, nemesis, seconds, hashes, leaseSlackMs = 0 }: Trial): Promise<Verdict> {
  const problems: string[] = [];
  const noted = (error: unknown) => void problems.push(error instanceof Error ? error.message : String(error));
  workload.start();
  const trouble = nemesis.run().catch(noted);
  await Promise.race([stage.sleep(seconds * 1_000), trouble]);
  nemesis.isOver = true;
  await trouble;
  await nemesis.restore().catch(noted);
  await stage.sleep(2_000);
  await workload.stop();
  const endsAt = await lastRevision(stage).catch((error) => (noted(error), undefined));
  if (endsAt !== undefined) {
    await workload.drain(endsAt, drainMs);
    const all = await hashes();
    const differ = all.filter(({ appliedIndex, hash }) =>
      all.some((other) => other.appliedIndex === appliedIndex && other.hash !== hash)
    );
    if (differ.length > 0) problems.push(`members hold different things: ${JSON.stringify(all)}`);
  }
  const { history } = stage;
  const judgement = judge(history, { leaseSlackMs, ...(endsAt !== undefined && { endsAt }) });
  const found = judgement.violations.length > 0 ? [describe(history, judgement)] : [];
  const story = [...problems, ...found].join("\n\n");
  return { history, endsAt: endsAt ?? 0, judgement, accidents: nemesis.counts, story };
}

/** In peace the store serves: a linearizable list at each member; the highest revision of them. */
async function lastRevision(stage: Stage): Promise<number> {
  const missing = [...stage.names].filter((name) => !stage.running().includes(name));
  if (missing.length > 0) throw new Error(`Cannot find ${missing.join(", ")} in peace: their processes have ended`);
  let last = 0;
  for (const door of stage.doors()) {
    for (let tries = 0;; tries++) {
      const { answer } = await perform(stage.history, "last", door, { do: "list", prefix: root, stale: false });
      if (answer?.came === "read") {
        last = Math.max(last, answer.revision);
        break;
      }
      if (tries === 3) throw new Error(`Cannot read from ${door.member} in peace: ${JSON.stringify(answer)}`);
      await stage.sleep(500);
    }
  }
  return last;
}
