/**
 * Explores a composition of actors completely, breadth first, so that a broken rule comes with a shortest story.
 *
 * States are told apart by 64-bit fingerprints; `collisionChance` says how likely it is that one was missed. A search
 * that a limit ended says "incomplete", never "complete".
 */
import { AmpleSets, whyNotReduced } from "./ample_sets.ts";
import { Composition, type Sink } from "./composition.ts";
import { FingerprintSet } from "./fingerprints.ts";
import type { MachineCoverage } from "./machine_coverage.ts";
import { isPlain } from "./plain_actor.ts";
import { findLassos } from "./liveness.ts";
import { hasLiveness, LivenessGraph } from "./liveness_graph.ts";
import { Symmetry } from "./symmetry.ts";
import { movesAt, tellBroken, tellSystem } from "./system_story.ts";
import type { Move, SystemModel, SystemState } from "./system_model.ts";
import { DeclaredView, SystemView } from "./system_view.ts";
import { Trail } from "./trail.ts";

export { type Played, replaySystem, sayMove } from "./system_story.ts";
export * from "./system_model.ts";

/** A rule that does not hold. */
export interface Violation {
  readonly kind: "always" | "step" | "sometimes" | "dead end" | "thrown" | "in the end";
  readonly rule: string;
  /** The run that shows it, for `replaySystem`; none for something that never happens. */
  readonly moves: readonly Move[];
  /** What then goes on for ever; empty: nothing happens any more. */
  readonly cycle: readonly Move[];
  /** The run in words, numbered. */
  readonly story: string;
}

export interface SystemCheck {
  /** "complete": every reachable state was seen and every rule holds. */
  readonly verdict: "complete" | "incomplete" | "violated";
  /** Why it is incomplete. */
  readonly reason: string | undefined;
  readonly violations: readonly Violation[];
  /** Distinct states, up to symmetry. */
  readonly states: number;
  /** Steps tried that led within the model, also to known states. */
  readonly generated: number;
  /** Steps from the start to the farthest state. */
  readonly depth: number;
  /** States in which nothing but faults can happen. */
  readonly ends: number;
  readonly collisionChance: number;
  /** How many renamings were taken for one. */
  readonly renamings: number;
  /** Why independent moves were tried in every order; undefined: they were not, as the model's `reads` allow. */
  readonly unreduced: string | undefined;
  /** How many times a reduced search began: what it relies on it learns on the way. */
  readonly rounds: number;
  /** Rules that an incomplete search says nothing about. */
  readonly unchecked: readonly string[];
  /** Of charts: states never reached, edges never taken, guards with an outcome that never came; by machine. */
  readonly uncovered: readonly string[];
  /** Of every chart but those of plain actors. */
  readonly coverage: readonly MachineCoverage[];
  /** Where an event in reach is handled by no state. */
  readonly unhandled: readonly string[];
  /** Local states of all actors, messages, and how many times a machine was really run. */
  readonly locals: number;
  readonly messages: number;
  readonly steps: number;
  /** Of the checker's own tables. */
  readonly megabytes: number;
}

export function checkSystem<History>(model: SystemModel<History>): SystemCheck {
  const any = model as unknown as SystemModel<unknown>;
  const unreduced = whyNotReduced(any);
  const composition = new Composition(any);
  if (unreduced !== undefined) return { ...new SystemSearch(composition).run(), unreduced };
  const ample = new AmpleSets(composition);
  for (let rounds = 1;; rounds++) {
    ample.begin();
    const check = { ...new SystemSearch(composition, ample).run(), rounds };
    // What was found is real; that nothing was found is not, while somebody was put off who must not be.
    const isSure = !ample.mustRepeat || check.violations.some(({ moves }) => moves.length > 0);
    if (isSure || check.reason !== undefined) return check;
  }
}

/** Ends the search. */
class Stop extends Error {}

type Rule = readonly [string, (state: SystemState<unknown>) => boolean];

class SystemSearch implements Sink {
  readonly #set = new FingerprintSet();
  readonly #trail = new Trail();
  readonly #always: readonly Rule[];
  readonly #eachStep: readonly (readonly [string, NonNullable<SystemModel["eachStep"]>[string]])[];
  #unseen: Rule[];
  readonly #view: SystemView<unknown>;
  /** Sees everything, also where rules may not. */
  readonly #wholeView: SystemView<unknown>;
  readonly #beforeView: SystemView<unknown>;
  readonly #graph: LivenessGraph | undefined;
  readonly #symmetry: Symmetry | undefined;
  #violations: Violation[] = [];
  #reason: string | undefined;
  #generated = 0;
  #depth = 0;
  #ends = 0;
  #expanding = -1;
  #movesOn = false;
  /** A move led to a state that is not expanded yet. */
  #leadsOn = false;
  /** Every reachable state was seen. */
  #isComplete = false;

  readonly model: SystemModel<unknown>;
  readonly #composition: Composition;

  constructor(composition: Composition, readonly ample?: AmpleSets) {
    const { model } = composition;
    this.model = model;
    this.#composition = composition;
    this.#always = Object.entries(model.always ?? {});
    this.#eachStep = Object.entries(model.eachStep ?? {});
    this.#unseen = Object.entries(model.sometimes ?? {});
    this.#wholeView = new SystemView(this.#composition);
    this.#view = ample === undefined ? this.#wholeView : new DeclaredView(this.#composition);
    this.#beforeView = new SystemView(this.#composition);
    this.#graph = hasLiveness(model) ? new LivenessGraph(model) : undefined;
    if (this.#graph === undefined && model.symmetry !== undefined) this.#symmetry = new Symmetry(this.#composition);
  }

  run(): SystemCheck {
    try {
      this.#search();
      this.#isComplete = true;
      this.#look();
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    const { locals } = this.#composition;
    const uncovered = [...locals.coverage.values()].flatMap((coverage) => coverage.uncovered());
    const unhandled = [...locals.unhandled];
    if (this.#violations.length === 0) this.#symmetry?.verifySteps();
    return {
      verdict: this.#violations.length > 0 ? "violated" : this.#reason === undefined ? "complete" : "incomplete",
      reason: this.#reason,
      violations: this.#violations,
      states: this.#set.size,
      generated: this.#generated,
      depth: this.#depth,
      ends: this.#ends,
      collisionChance: this.#set.collisionChance,
      renamings: this.#symmetry?.renamings ?? 1,
      unreduced: undefined,
      rounds: 1,
      unchecked: this.#isComplete ? [] : this.#uncheckedRules(),
      uncovered,
      coverage: [...locals.coverage.values()].filter(({ machine }) => !isPlain(machine)),
      unhandled,
      locals: locals.all.length,
      messages: locals.messages.all.length,
      steps: locals.steps,
      megabytes: this.#megabytes,
    };
  }

  #search(): void {
    const composition = this.#composition;
    composition.lazy = false;
    const starts = composition.initialRows();
    this.#symmetry?.verify(starts);
    for (const [index, row] of starts.entries()) {
      composition.next.set(row);
      composition.nextLength = row.length;
      this.#reach(index);
    }
    if (this.#graph !== undefined) this.#graph.initials = this.#set.size;
    composition.lazy = composition.addsUp && this.#symmetry === undefined && this.#eachStep.length === 0 &&
      this.model.within === undefined;
    this.#trail.turn();
    let at = 0;
    for (let state = 0; state < this.#set.size; state++) {
      if (at === this.#trail.current.length) {
        if (this.#depth === this.model.limits.depth) this.#giveUp(`deeper than ${this.#depth} steps`);
        this.#depth++;
        this.#trail.turn();
        at = 0;
      }
      if (state % 1024 === 1023) this.#pause(state);
      const length = this.#trail.current.values[at]!;
      this.#expand(state, at + 1, length);
      at += length + 1;
    }
  }

  #expand(state: number, at: number, length: number): void {
    const row = this.#trail.current.values;
    this.#expanding = state;
    this.#movesOn = false;
    this.#graph?.begin();
    if (this.#eachStep.length > 0) this.#beforeView.bind(row, at, length);
    try {
      if (this.ample === undefined) this.#composition.expand(row, at, length, this);
      else this.#expandAmple(this.ample, row, at, length);
    } catch (error) {
      if (error instanceof Stop) throw error;
      this.#broken("thrown", said(error), this.#trail.pathTo(state), this.#composition.tried());
    }
    if (this.#movesOn) return;
    this.#ends++;
    const { mayEnd } = this.model;
    if (mayEnd !== undefined && !mayEnd(this.#wholeView.bind(row, at, length))) {
      this.#broken("dead end", "Nothing can happen any more", this.#trail.pathTo(state));
    }
  }

  /** One actor after the other goes first, until one of them leads on; if none does, everybody moves. */
  #expandAmple(ample: AmpleSets, row: Int32Array, at: number, length: number): void {
    const composition = this.#composition;
    let expanded = 0;
    this.#leadsOn = false;
    for (const actor of ample.firsts(row, at, length)) {
      composition.only = 1 << actor;
      expanded |= 1 << actor;
      composition.expand(row, at, length, this);
      if (!this.#leadsOn) continue;
      for (let first = 0; first < 31; first++) if ((expanded >>> first & 1) === 1) ample.rely(first, row, at);
      return;
    }
    composition.only = ample.others(expanded);
    composition.expand(row, at, length, this);
  }

  found(index: number, fault: boolean): void {
    const state = this.#reach(index);
    if (state < 0) return;
    this.#generated++;
    if (!fault && state !== this.#expanding) this.#movesOn = true;
    if (!fault && state > this.#expanding) this.#leadsOn = true;
    this.#graph?.edge(this.#expanding, state, index, this.#composition);
    if (this.#eachStep.length > 0) this.#checkStep();
  }

  /** The index of the state in the composition's next row; -1: beyond the model. */
  #reach(move: number): number {
    const composition = this.#composition;
    const { next, nextLength } = composition;
    const { within } = this.model;
    if (within !== undefined && !within(this.#view.bind(next, 0, nextLength))) return -1;
    if (this.#symmetry !== undefined) this.#symmetry.fingerprint(next, nextLength);
    else if (!composition.lazy) composition.fingerprint(next, 0, nextLength);
    const state = this.#set.add(composition.low, composition.high);
    if (!this.#set.added) return state;
    if (composition.lazy) composition.make();
    this.#trail.keep(composition, this.#expanding, move);
    this.#checkState(state);
    if (this.#set.size >= this.model.limits.states) this.#giveUp(`more than ${this.model.limits.states} states`);
    return state;
  }

  #checkState(state: number): void {
    const { next, nextLength } = this.#composition;
    if (this.#always.length === 0 && this.#unseen.length === 0 && this.#graph === undefined) return;
    const view = this.#view.bind(next, 0, nextLength);
    for (const [name, holds] of this.#always) {
      if (!holds(view)) this.#broken("always", name, this.#trail.pathTo(state));
    }
    if (this.#unseen.length > 0 && this.#unseen.some(([, holds]) => holds(view))) {
      this.#unseen = this.#unseen.filter(([, holds]) => !holds(view));
    }
    this.#graph?.mark(view);
  }

  #checkStep(): void {
    const { next, nextLength } = this.#composition;
    const happening = this.#composition.happening();
    const view = this.#view.bind(next, 0, nextLength);
    for (const [name, holds] of this.#eachStep) {
      if (!holds(this.#beforeView, happening, view)) {
        this.#broken("step", name, this.#trail.pathTo(this.#expanding), happening.move);
      }
    }
  }

  /** What only a complete search can tell. */
  #look(): void {
    this.#composition.lazy = false;
    this.#composition.only = -1;
    for (const [rule] of this.#unseen) {
      const story = "It is true in no state.";
      this.#violations.push({ kind: "sometimes", rule, moves: [], cycle: [], story });
    }
    if (this.#graph === undefined) return;
    this.#graph.begin();
    const { move } = this.#graph;
    for (const { rule, reason, from, stem, cycle } of findLassos(this.#graph)) {
      const path = [...this.#trail.pathTo(from), ...stem.map((edge) => move.values[edge]!)];
      const all = movesAt(this.#composition, [...path, ...cycle.map((edge) => move.values[edge]!)]);
      const moves = all.slice(0, path.length);
      const round = all.slice(path.length);
      const story = `${tellSystem(this.#composition, moves, round)}\n  ${reason}`;
      this.#violations.push({ kind: "in the end", rule, moves, cycle: round, story });
    }
  }

  #uncheckedRules(): string[] {
    const { eventually = {}, leadsTo = {}, alwaysEventually = {}, eventuallyAlways = {} } = this.model;
    const liveness = [eventually, leadsTo, alwaysEventually, eventuallyAlways].flatMap((rules) => Object.keys(rules));
    return [...this.#unseen.map(([name]) => name), ...liveness];
  }

  #pause(state: number): void {
    const { limits, now, onProgress } = this.model;
    const megabytes = this.#megabytes;
    if (limits.megabytes !== undefined && megabytes > limits.megabytes) {
      this.#giveUp(`more than ${limits.megabytes} MB`);
    }
    if (now !== undefined && limits.milliseconds !== undefined) {
      this.#startedAt ??= now();
      if (now() - this.#startedAt > limits.milliseconds) this.#giveUp(`longer than ${limits.milliseconds} ms`);
    }
    if ((state + 1) % 65536 !== 0) return;
    const waiting = this.#set.size - state;
    const progress = { states: this.#set.size, generated: this.#generated, depth: this.#depth, waiting, megabytes };
    if (onProgress?.(progress)) this.#giveUp("stopped from outside");
  }
  #startedAt: number | undefined;

  get #megabytes(): number {
    return Math.ceil((this.#set.bytes + this.#trail.bytes + (this.#graph?.bytes ?? 0)) / 2 ** 20);
  }

  #giveUp(reason: string): never {
    this.#reason = reason;
    throw new Stop();
  }

  #broken(kind: Violation["kind"], rule: string, path: readonly number[], last?: Move): never {
    this.#composition.lazy = false;
    this.#composition.only = -1;
    const { moves, story } = tellBroken(this.#composition, path, last);
    this.#violations.push({ kind, rule, moves, cycle: [], story });
    throw new Stop();
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
