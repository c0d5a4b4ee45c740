/**
 * `checkSystem` in several workers. What it says is the same: the verdict, how many states and steps there are and how
 * deep, what is left uncovered. A run that breaks a rule is as short; of several that are, it may be another one.
 *
 * All states are in one table of shared memory (`SharedStates`); each worker expands those that it was the first to
 * find, and all wait for the last one of each level. Rules about what happens in the end need one place where all
 * states and steps are, so such a model is refused.
 */
import type { SystemCheck, Violation } from "../../machines/check/check_system.ts";
import { FingerprintSet } from "../../machines/check/fingerprints.ts";
import {
  type Beginning,
  compareBroken,
  type LevelReport,
  whyAlone,
  type WorkerReport,
} from "../../machines/check/level_search.ts";
import { MachineCoverage } from "../../machines/check/machine_coverage.ts";
import { isPlain } from "../../machines/check/plain_actor.ts";
import { SharedStates } from "../../machines/check/shared_states.ts";
import type { SystemModel } from "../../machines/check/system_model.ts";
import { CrewMember } from "./crew_member.ts";
import { modelOf, type ModelSource, type ToWorker } from "./worker_messages.ts";

export interface InWorkers {
  readonly workers: number;
  /** As in `SystemModel`; what is given here goes before what the model says. */
  readonly now?: SystemModel["now"];
  readonly onProgress?: SystemModel["onProgress"];
}

/** @throws Error for a model that one worker alone must search: `whyAlone` says so before. */
export async function checkInWorkers(source: ModelSource, options: InWorkers): Promise<SystemCheck> {
  const model = { ...await modelOf(source), ...options } as SystemModel;
  const why = whyAlone(model);
  if (why !== undefined) throw new Error(`Cannot search in several workers: ${why}`);
  const crew = Array.from({ length: options.workers }, () => new CrewMember());
  try {
    return await new WorkersSearch(model, source, crew).run();
  } finally {
    for (const member of crew) member.dismiss();
  }
}

class WorkersSearch {
  #states = SharedStates.empty();
  #generated = 0;
  #ends = 0;
  #depth = 0;
  #reason: string | undefined;
  #violation: Violation | undefined;
  #unseen: ReadonlySet<string>;
  readonly #bytes: number[];
  readonly #startedAt: number | undefined;

  constructor(
    readonly model: SystemModel,
    readonly source: ModelSource,
    readonly crew: readonly CrewMember[],
  ) {
    this.#unseen = new Set(Object.keys(model.sometimes ?? {}));
    this.#bytes = crew.map(() => 0);
    this.#startedAt = model.now?.();
  }

  async run(): Promise<SystemCheck> {
    const begun = await Promise.all(this.crew.map((member, worker) =>
      member.ask<Beginning>({
        type: "begin",
        model: this.source,
        worker,
        workers: this.crew.length,
        memory: this.#states.memory,
      })
    ));
    const [{ depth, waiting, generated, ends }] = begun as [Beginning];
    this.#depth = depth;
    this.#generated = generated;
    this.#ends = ends;
    for (const [worker, report] of begun.entries()) this.#note(worker, report);
    this.#judge(begun);
    let found = waiting;
    for (
      let isFirst = true;
      found > 0 && this.#violation === undefined && this.#reason === undefined;
      isFirst = false
    ) {
      if (!isFirst) this.#depth++;
      const before = this.#states.size;
      const reports = await this.#level(isFirst);
      found = this.#states.size - before;
      this.#judge(reports);
      if (this.#violation !== undefined || this.#reason !== undefined) break;
      if (found > 0 && this.#depth === this.model.limits.depth) this.#reason = `deeper than ${this.#depth} steps`;
    }
    return this.#check(await Promise.all(this.crew.map((member) => member.ask<WorkerReport>({ type: "end" }))));
  }

  /** Lets everybody expand their states of a level; whoever is over waits for the others. */
  async #level(isFirst: boolean): Promise<LevelReport[]> {
    const reports: LevelReport[] = [];
    let told: ToWorker = isFirst ? { type: "go" } : { type: "turn" };
    let asked = [...this.crew.keys()];
    while (asked.length > 0) {
      const answers = await Promise.all(asked.map((worker) => this.#expand(worker, told)));
      for (const [index, report] of answers.entries()) reports[asked[index]!] = report;
      if (this.#reason !== undefined) break;
      asked = asked.filter((worker) => reports[worker]!.standing !== "over");
      if (asked.length === 0) break;
      // All stand still: the table may be changed. Those who are over get it with their next level.
      this.#states = this.#states.grown();
      told = { type: "go", memory: this.#states.memory };
      const over = [...this.crew.keys()].filter((worker) => !asked.includes(worker));
      await Promise.all(over.map((worker) => this.crew[worker]!.ask(told)));
    }
    return reports;
  }

  async #expand(worker: number, first: ToWorker): Promise<LevelReport> {
    let told = first;
    for (;;) {
      const report = await this.crew[worker]!.ask<LevelReport>(told);
      this.#generated += report.generated;
      this.#ends += report.ends;
      this.#note(worker, report);
      this.#limit();
      if (report.standing !== "paused" || this.#reason !== undefined) return report;
      told = { type: "go" };
    }
  }

  #note(worker: number, { bytes, unseen }: LevelReport): void {
    this.#bytes[worker] = bytes;
    this.#unseen = this.#unseen.intersection(new Set(unseen));
  }

  /** What the level showed, once all of it is expanded: the same whoever found it. */
  #judge(reports: readonly LevelReport[]): void {
    const [first] = reports.flatMap(({ broken }) => broken ?? []).sort(compareBroken);
    if (first === undefined) return;
    const { kind, rule, moves, story } = first;
    this.#violation = { kind, rule, moves, cycle: [], story };
  }

  #limit(): void {
    const { limits, now, onProgress } = this.model;
    const { megabytes } = this;
    const states = this.#states.size;
    const stop = onProgress?.({ states, generated: this.#generated, depth: this.#depth, waiting: 0, megabytes });
    if (states >= limits.states) this.#reason = `more than ${limits.states} states`;
    else if (limits.megabytes !== undefined && megabytes > limits.megabytes) {
      this.#reason = `more than ${limits.megabytes} MB`;
    } else if (
      limits.milliseconds !== undefined && now !== undefined && now() - this.#startedAt! > limits.milliseconds
    ) {
      this.#reason = `longer than ${limits.milliseconds} ms`;
    } else if (stop) this.#reason = "stopped from outside";
  }

  get megabytes(): number {
    return Math.ceil((this.#states.bytes + this.#bytes.reduce((sum, bytes) => sum + bytes, 0)) / 2 ** 20);
  }

  #check(reports: readonly WorkerReport[]): SystemCheck {
    const machines = [...new Set(this.model.actors.map(({ machine }) => machine))];
    const coverage = machines.map((machine, index) => {
      const added = new MachineCoverage(machine);
      for (const report of reports) added.addSaved(report.coverage[index]!);
      return added;
    });
    const isComplete = this.#violation === undefined && this.#reason === undefined;
    const never = [...this.#unseen].map((rule): Violation => ({
      kind: "sometimes",
      rule,
      moves: [],
      cycle: [],
      story: "It is true in no state.",
    }));
    const violations = this.#violation === undefined ? (isComplete ? never : []) : [this.#violation];
    const size = this.#states.size;
    return {
      verdict: violations.length > 0 ? "violated" : this.#reason === undefined ? "complete" : "incomplete",
      reason: this.#violation === undefined ? this.#reason : undefined,
      violations,
      states: size,
      generated: this.#generated,
      depth: this.#depth,
      ends: this.#ends,
      collisionChance: -Math.expm1(-(size * (size - 1)) / 2 ** 65),
      renamings: reports[0]!.renamings,
      unreduced: "several workers",
      rounds: 1,
      unchecked: isComplete ? [] : [...this.#unseen],
      uncovered: coverage.flatMap((each) => each.uncovered()),
      coverage: coverage.filter(({ machine }) => !isPlain(machine)),
      unhandled: [...new Set(reports.flatMap(({ unhandled }) => unhandled))],
      locals: different(reports.map(({ locals }) => locals)),
      messages: different(reports.map(({ messages }) => messages)),
      steps: reports.reduce((sum, { steps }) => sum + steps, 0),
      megabytes: this.megabytes,
    };
  }
}

function different(all: readonly Int32Array[]): number {
  const known = new FingerprintSet();
  for (const lanes of all) for (let at = 0; at < lanes.length; at += 2) known.add(lanes[at]!, lanes[at + 1]!);
  return known.size;
}
