/**
 * A worker's part of a search that several do together, level by level: each expands the states that it was the first
 * to find. Fingerprints are the same in all of them (`Composition` by content) and so is the table of states; rows
 * and the numbers in them never leave the worker.
 *
 * 1. `begin`: everybody goes through the first levels alone and alike, until there are enough states to share out.
 * 2. `go`: expands the worker's states of a level. It ends early when the shared table must grow; `go` goes on then.
 * 3. `turn`: the next level, when everybody has ended theirs.
 *
 * So every state is found at its least depth, and how many there are does not depend on who is faster. Which of the
 * shortest runs leads to a state does.
 */
import type { Violation } from "./check_system.ts";
import { Composition, type Sink } from "./composition.ts";
import { FingerprintSet } from "./fingerprints.ts";
import { hasLiveness } from "./liveness_graph.ts";
import type { SavedCoverage } from "./machine_coverage.ts";
import { SharedStates } from "./shared_states.ts";
import { Symmetry } from "./symmetry.ts";
import { tellBroken } from "./system_story.ts";
import type { Move, SystemModel, SystemState } from "./system_model.ts";
import { SystemView } from "./system_view.ts";
import { Trail } from "./trail.ts";

/** Why only one worker can search a model; undefined: several can. */
export function whyAlone(model: SystemModel): string | undefined {
  return hasLiveness(model) ? "rules about what happens in the end need all states at one place" : undefined;
}

type Kind = Exclude<Violation["kind"], "in the end" | "sometimes">;

/** A broken rule, before it is told; of several, the one that comes first in this order is. */
interface Broken {
  /** Moves on the way to it. */
  readonly length: number;
  readonly kind: Kind;
  /** Its place among the rules of its kind. */
  readonly place: number;
  readonly low: number;
  readonly high: number;
  readonly rule: string;
  readonly state: number;
  readonly last: Move | undefined;
}

const kinds: readonly Kind[] = ["always", "step", "thrown", "dead end"];

export type Told = Omit<Broken, "state" | "last"> & Pick<Violation, "moves" | "story">;

/** The one to be told, the same whoever found it. */
export function compareBroken(a: Omit<Broken, "state" | "last">, b: Omit<Broken, "state" | "last">): number {
  return a.length - b.length || kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.place - b.place || a.low - b.low ||
    a.high - b.high;
}

/** What a worker did in a level. */
export interface LevelReport {
  /** "over": all of the level is expanded. "full": the table must grow first. "paused": it can go on at once. */
  readonly standing: "over" | "full" | "paused";
  /** States that it was the first to find. */
  readonly found: number;
  readonly generated: number;
  readonly ends: number;
  /** Of its own tables. */
  readonly bytes: number;
  /** Wanted states that nobody has seen yet, as far as it knows. */
  readonly unseen: readonly string[];
  readonly broken: Told | undefined;
}

/** How it stands when everybody has gone alone. */
export interface Beginning extends LevelReport {
  readonly depth: number;
  /** States that are to be shared out. */
  readonly waiting: number;
}

/** What a worker knows at the end. */
export interface WorkerReport {
  /** Fingerprints of local states and messages, low and high by turns. */
  readonly locals: Int32Array;
  readonly messages: Int32Array;
  readonly steps: number;
  readonly renamings: number;
  readonly unhandled: readonly string[];
  /** In the order of the model's machines. */
  readonly coverage: readonly SavedCoverage[];
}

/** Enough to share out: so many states for each worker. */
const enough = 64;
/** So many states are expanded before it says how far it is. */
const batch = 50_000;

export class LevelSearch implements Sink {
  readonly #composition: Composition;
  readonly #symmetry: Symmetry | undefined;
  readonly #trail = new Trail();
  readonly #always;
  readonly #eachStep;
  readonly #view: SystemView<unknown>;
  readonly #beforeView: SystemView<unknown>;
  #unseen: [string, (state: SystemState<unknown>) => boolean][];
  #broken: Broken | undefined;
  /** While everybody goes alone: what was seen. */
  #alone: FingerprintSet | undefined = new FingerprintSet();
  #shared: SharedStates;
  #expanding = -1;
  #low = 0;
  #high = 0;
  #movesOn = false;
  /** Where in the level it is, and which state that is. */
  #at = 0;
  #state = 0;
  #depth = 0;
  /** Which of the states of this level are its own: every n-th, from one on. */
  #stride = 1;
  #first = 0;
  #found = 0;
  #generated = 0;
  #ends = 0;

  constructor(readonly model: SystemModel<unknown>, memory: SharedArrayBuffer) {
    this.#composition = new Composition(model, true);
    this.#shared = new SharedStates(memory);
    this.#always = Object.entries(model.always ?? {});
    this.#eachStep = Object.entries(model.eachStep ?? {});
    this.#unseen = Object.entries(model.sometimes ?? {});
    this.#view = new SystemView(this.#composition);
    this.#beforeView = new SystemView(this.#composition);
    if (model.symmetry !== undefined) this.#symmetry = new Symmetry(this.#composition);
  }

  /** The first levels. What all of them generate there is to be counted once. */
  begin(worker: number, workers: number): Beginning {
    const composition = this.#composition;
    const starts = composition.initialRows();
    this.#symmetry?.verify(starts);
    for (const [index, row] of starts.entries()) {
      composition.next.set(row);
      composition.nextLength = row.length;
      this.#reach(index);
    }
    composition.lazy = composition.addsUp && this.#symmetry === undefined && this.#eachStep.length === 0 &&
      this.model.within === undefined;
    const { depth = Infinity } = this.model.limits;
    const waiting = () => this.#trail.size - this.#state;
    this.#trail.turn();
    while (waiting() > 0 && waiting() < enough * workers && this.#broken === undefined && this.#depth < depth) {
      this.go();
      this.turn();
    }
    this.#alone = undefined;
    this.#stride = workers;
    this.#first = (this.#state + worker) % workers;
    const deepest = waiting() > 0 ? this.#depth : this.#depth - 1;
    return { ...this.#report("over"), depth: deepest, waiting: waiting() };
  }

  /** Goes on with its states of this level; with another table, if that had to grow. */
  go(memory?: SharedArrayBuffer): LevelReport {
    if (memory !== undefined) this.#shared = new SharedStates(memory);
    const { current } = this.#trail;
    const end = this.#state + batch;
    while (this.#at < current.length) {
      if (this.#alone === undefined) {
        if (this.#shared.isFull) return this.#report("full");
        if (this.#state >= end || this.#shared.size >= this.model.limits.states) return this.#report("paused");
      }
      const length = current.values[this.#at]!;
      if (this.#state % this.#stride === this.#first) this.#expand(this.#state, this.#at + 1, length);
      this.#at += length + 1;
      this.#state++;
    }
    return this.#report("over");
  }

  turn(): void {
    if (this.#alone === undefined) [this.#stride, this.#first] = [1, 0];
    this.#trail.turn();
    this.#at = 0;
    this.#depth++;
  }

  end(): WorkerReport {
    if (this.#broken === undefined) this.#symmetry?.verifySteps();
    const { locals } = this.#composition;
    const lanes = ({ low, high }: { readonly low: readonly number[]; readonly high: readonly number[] }) =>
      Int32Array.from({ length: low.length * 2 }, (_, at) => (at % 2 === 0 ? low : high)[at >> 1]!);
    return {
      locals: lanes(locals),
      messages: lanes(locals.messages),
      steps: locals.steps,
      renamings: this.#symmetry?.renamings ?? 1,
      unhandled: [...locals.unhandled],
      coverage: [...locals.coverage.values()].map((coverage) => coverage.save()),
    };
  }

  #report(standing: LevelReport["standing"]): LevelReport {
    const report = {
      standing,
      found: this.#found,
      generated: this.#generated,
      ends: this.#ends,
      bytes: this.#trail.bytes,
      unseen: this.#unseen.map(([name]) => name),
      broken: standing === "over" ? this.#tell() : undefined,
    };
    if (this.#alone === undefined) [this.#found, this.#generated, this.#ends] = [0, 0, 0];
    return report;
  }

  #tell(): Told | undefined {
    if (this.#broken === undefined || this.#alone !== undefined) return undefined;
    const composition = this.#composition;
    const { lazy } = composition;
    composition.lazy = false;
    const { state, last, ...broken } = this.#broken;
    const told = tellBroken(composition, this.#trail.pathTo(state), last);
    composition.lazy = lazy;
    return { ...broken, ...told };
  }

  #expand(state: number, at: number, length: number): void {
    const composition = this.#composition;
    const row = this.#trail.current.values;
    this.#expanding = state;
    this.#movesOn = false;
    if (this.#symmetry !== undefined) this.#symmetry.fingerprint(row.subarray(at, at + length), length);
    else composition.fingerprint(row, at, length);
    this.#low = composition.low;
    this.#high = composition.high;
    if (this.#eachStep.length > 0) this.#beforeView.bind(row, at, length);
    try {
      composition.expand(row, at, length, this);
    } catch (error) {
      const rule = error instanceof Error ? error.message : String(error);
      this.#note("thrown", 0, rule, state, this.#depth + 2, composition.tried());
      return;
    }
    if (this.#movesOn) return;
    this.#ends++;
    const { mayEnd } = this.model;
    if (mayEnd !== undefined && !mayEnd(this.#view.bind(row, at, length))) {
      this.#note("dead end", 0, "Nothing can happen any more", state, this.#depth + 1);
    }
  }

  found(index: number, fault: boolean): void {
    if (!this.#reach(index)) return;
    this.#generated++;
    const composition = this.#composition;
    if (!fault && (composition.low !== this.#low || composition.high !== this.#high)) this.#movesOn = true;
    if (this.#eachStep.length === 0) return;
    const happening = composition.happening();
    const view = this.#view.bind(composition.next, 0, composition.nextLength);
    for (const [place, [name, holds]] of this.#eachStep.entries()) {
      if (holds(this.#beforeView, happening, view)) continue;
      this.#note("step", place, name, this.#expanding, this.#depth + 2, happening.move);
    }
  }

  /** Whether the composition's next row is within the model. */
  #reach(move: number): boolean {
    const composition = this.#composition;
    const { next, nextLength } = composition;
    const { within } = this.model;
    if (within !== undefined && !within(this.#view.bind(next, 0, nextLength))) return false;
    if (this.#symmetry !== undefined) this.#symmetry.fingerprint(next, nextLength);
    else if (!composition.lazy) composition.fingerprint(next, 0, nextLength);
    const { low, high } = composition;
    if (this.#alone !== undefined) {
      this.#alone.add(low, high);
      if (!this.#alone.added) return true;
      // Whoever comes first: all of them keep it, and it counts once.
      if (this.#shared.add(low, high)) this.#found++;
    } else {
      if (!this.#shared.add(low, high)) return true;
      this.#found++;
    }
    if (composition.lazy) composition.make();
    const state = this.#trail.size;
    this.#trail.keep(composition, this.#expanding, move);
    this.#checkState(state, low, high);
    return true;
  }

  #checkState(state: number, low: number, high: number): void {
    if (this.#always.length === 0 && this.#unseen.length === 0) return;
    const { next, nextLength } = this.#composition;
    const view = this.#view.bind(next, 0, nextLength);
    for (const [place, [name, holds]] of this.#always.entries()) {
      if (!holds(view)) {
        this.#note("always", place, name, state, this.#expanding < 0 ? 1 : this.#depth + 2, undefined, low, high);
      }
    }
    if (this.#unseen.some(([, holds]) => holds(view))) this.#unseen = this.#unseen.filter(([, holds]) => !holds(view));
  }

  /** Of all that is broken in a level one is told. */
  #note(
    kind: Kind,
    place: number,
    rule: string,
    state: number,
    length: number,
    last?: Move,
    low = this.#low,
    high = this.#high,
  ): void {
    const broken: Broken = { kind, place, rule, state, length, last, low, high };
    if (this.#broken === undefined || compareBroken(broken, this.#broken) < 0) this.#broken = broken;
  }
}
