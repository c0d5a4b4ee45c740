/**
 * Runs that break a rule about the end: a way into states that the rule wants left, and a round there that is fair, or
 * a stop where nothing that is fair can happen.
 *
 * 1. Only states that keep the rule broken are looked at, and their strongly connected components.
 * 2. A component is fair if some run that goes through all of it is: for each weakly fair class there is a state where
 *    it is impossible or a step of it, for each strongly fair one a step or no state where it is possible.
 * 3. Where only a strongly fair class is in the way, the states that allow it are taken out, and what is left is looked
 *    at again: a smaller round may be fair where the whole is not.
 * 4. What is told is one round through what makes it fair, checked once more, never the component.
 */
import { type LivenessGraph, type LivenessRule } from "./liveness_graph.ts";

export interface Lasso {
  readonly rule: string;
  readonly reason: string;
  /** The state from which `stem` leads to the round. */
  readonly from: number;
  /** Edges. */
  readonly stem: readonly number[];
  /** Edges; empty: everything stops there. */
  readonly cycle: readonly number[];
}

/** One run for each rule that does not hold. */
export function findLassos(graph: LivenessGraph): Lasso[] {
  return graph.rules.flatMap((rule) => new LassoSearch(graph, rule).find() ?? []);
}

/** The order of a state whose component is known. */
const closed = -1;

class LassoSearch {
  /** For each state: the tag of the part that it is in; 0: not looked at. */
  readonly #part: Int32Array;
  #lastPart = 1;
  /** For each state reached within the region: the edge that led there; -1: none needed. */
  readonly #via: Int32Array;
  readonly #source: Int32Array;
  /** For Tarjan's algorithm: when a state was entered (0: not yet), and the earliest state it leads back to. */
  readonly #order: Int32Array;
  readonly #low: Int32Array;

  constructor(readonly graph: LivenessGraph, readonly rule: LivenessRule) {
    this.#part = new Int32Array(graph.size);
    this.#via = new Int32Array(graph.size).fill(-1);
    this.#source = new Int32Array(graph.size).fill(-1);
    this.#order = new Int32Array(graph.size);
    this.#low = new Int32Array(graph.size);
  }

  find(): Lasso | undefined {
    const region = this.#region();
    const stop = region.find((state) => this.#wants(state) && this.#enabled(state).size === 0);
    if (stop !== undefined) {
      const reason = this.graph.classes.all.length === 0
        ? "Nothing is declared fair: it may stop here for ever."
        : "Nothing that is fair can happen here: it may stop for ever.";
      return { rule: this.rule.name, reason, ...this.#stem(stop), cycle: [] };
    }
    return this.#search(region, 1);
  }

  /** States that a run may stay in, in the order in which they are reached. */
  #region(): number[] {
    const { graph, rule } = this;
    const queue: number[] = [];
    const stays = (state: number) => rule.avoids < 0 || !graph.holds(rule.avoids, state);
    const reach = (state: number, via: number, source: number) => {
      if (this.#part[state] !== 0 || !stays(state)) return;
      this.#part[state] = 1;
      this.#via[state] = via;
      this.#source[state] = source;
      queue.push(state);
    };
    const starts = rule.from === "start" ? graph.initials : graph.size;
    for (let state = 0; state < starts; state++) {
      if (typeof rule.from !== "number" || graph.holds(rule.from, state)) reach(state, -1, state);
    }
    for (let at = 0; at < queue.length; at++) {
      const state = queue[at]!;
      const end = graph.first.values[state + 1]!;
      for (let edge = graph.first.values[state]!; edge < end; edge++) {
        reach(graph.target.values[edge]!, edge, this.#source[state]!);
      }
    }
    return queue;
  }

  #wants(state: number): boolean {
    return this.rule.leaves < 0 || !this.graph.holds(this.rule.leaves, state);
  }

  #enabled(state: number): Set<number> {
    const { first, classSet, classes } = this.graph;
    const enabled = new Set<number>();
    for (let edge = first.values[state]!; edge < first.values[state + 1]!; edge++) {
      for (const fair of classes.sets[classSet.values[edge]!]!) enabled.add(fair);
    }
    return enabled;
  }

  #search(states: readonly number[], part: number): Lasso | undefined {
    for (const component of this.#components(states, part)) {
      if (component.length < 2 || !component.some((state) => this.#wants(state))) continue;
      const own = ++this.#lastPart;
      for (const state of component) this.#part[state] = own;
      const { enabled, taken } = this.#fairnessOf(component, own);
      const { all } = this.graph.classes;
      const isStarved = (fair: number) =>
        !taken.has(fair) && (all[fair]!.strong ? enabled.has(fair) : enabled.get(fair) === component.length);
      const starved = [...enabled.keys()].filter(isStarved);
      if (starved.length === 0) return this.#lasso(component, own, enabled, taken);
      if (starved.some((fair) => !all[fair]!.strong)) continue;
      const rest = component.filter((state) => !starved.some((fair) => this.#enabled(state).has(fair)));
      const smaller = ++this.#lastPart;
      for (const state of rest) this.#part[state] = smaller;
      const found = this.#search(rest, smaller);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** In how many states of a component each class is possible, and which are taken within. */
  #fairnessOf(component: readonly number[], part: number) {
    const { first, target, classSet, classes } = this.graph;
    const enabled = new Map<number, number>();
    const taken = new Set<number>();
    for (const state of component) {
      for (const fair of this.#enabled(state)) enabled.set(fair, (enabled.get(fair) ?? 0) + 1);
      for (let edge = first.values[state]!; edge < first.values[state + 1]!; edge++) {
        if (this.#part[target.values[edge]!] !== part) continue;
        for (const fair of classes.sets[classSet.values[edge]!]!) taken.add(fair);
      }
    }
    return { enabled, taken };
  }

  /** Tarjan's strongly connected components of a part, without recursion. */
  #components(states: readonly number[], part: number): number[][] {
    const { first, target } = this.graph;
    const found: number[][] = [];
    const order = this.#order;
    const low = this.#low;
    for (const state of states) order[state] = 0;
    let entered = 0;
    const open: number[] = [];
    const path: number[] = [];
    const at: number[] = [];
    for (const root of states) {
      if (order[root] !== 0) continue;
      const enter = (state: number) => {
        order[state] = ++entered;
        low[state] = entered;
        open.push(state);
        path.push(state);
        at.push(first.values[state]!);
      };
      enter(root);
      while (path.length > 0) {
        const state = path.at(-1)!;
        const edge = at[at.length - 1]!++;
        if (edge < first.values[state + 1]!) {
          const next = target.values[edge]!;
          if (this.#part[next] !== part || order[next] === closed) continue;
          if (order[next] !== 0) low[state] = Math.min(low[state]!, order[next]!);
          else enter(next);
          continue;
        }
        path.pop();
        at.pop();
        const parent = path.at(-1);
        if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[state]!);
        if (low[state] !== order[state]) continue;
        const component = open.splice(open.lastIndexOf(state));
        for (const each of component) order[each] = closed;
        found.push(component);
      }
    }
    return found;
  }

  #lasso(
    component: readonly number[],
    part: number,
    enabled: ReadonlyMap<number, number>,
    taken: ReadonlySet<number>,
  ): Lasso {
    const entry = component[0]!;
    const cycle: number[] = [];
    let here = entry;
    const go = (toState: (state: number) => boolean, overEdge?: (edge: number) => boolean) => {
      const way = this.#way(here, part, toState, overEdge);
      cycle.push(...way);
      if (way.length > 0) here = this.graph.target.values[way.at(-1)!]!;
    };
    if (!this.#wants(entry)) go((state) => this.#wants(state));
    for (const [fair, count] of enabled) {
      const { strong } = this.graph.classes.all[fair]!;
      const isOf = (edge: number) => this.#classesOf(edge).includes(fair);
      // What makes a round fair must still do so when it gets longer.
      if (cycle.some(isOf) || !strong && this.#isFair(fair, strong, cycle)) continue;
      if (!strong && count < component.length) {
        go((state) => !this.#enabled(state).has(fair), taken.has(fair) ? isOf : undefined);
      } else go(() => false, isOf);
    }
    if (cycle.length === 0) go(() => false, () => true);
    if (here !== entry) go((state) => state === entry);
    for (const fair of enabled.keys()) {
      const { strong, name } = this.graph.classes.all[fair]!;
      if (!this.#isFair(fair, strong, cycle)) throw new Error(`Cannot tell a run: its round is not fair to "${name}"`);
    }
    const reason = this.rule.leaves < 0
      ? "The rule is never met in this round, which is fair."
      : "The rule does not stay met in this round, which is fair.";
    return { rule: this.rule.name, reason, ...this.#stem(entry), cycle };
  }

  #classesOf(edge: number): readonly number[] {
    return this.graph.classes.sets[this.graph.classSet.values[edge]!]!;
  }

  /** Whether going round is fair to a class. */
  #isFair(fair: number, strong: boolean, cycle: readonly number[]): boolean {
    if (cycle.length === 0) return false;
    if (cycle.some((edge) => this.#classesOf(edge).includes(fair))) return true;
    const has = (edge: number) => this.#enabled(this.graph.target.values[edge]!).has(fair);
    return strong ? !cycle.some(has) : !cycle.every(has);
  }

  /** The shortest way within a part to a wanted state, or over a wanted edge. */
  #way(
    from: number,
    part: number,
    toState: (state: number) => boolean,
    overEdge: (edge: number) => boolean = () => false,
  ): number[] {
    const { first, target } = this.graph;
    if (toState(from)) return [];
    const via = new Map<number, { edge: number; from: number }>([[from, { edge: -1, from: -1 }]]);
    const queue = [from];
    const back = (state: number, last: number[]) => {
      for (let at = state; via.get(at)!.edge >= 0; at = via.get(at)!.from) last.unshift(via.get(at)!.edge);
      return last;
    };
    for (let at = 0; at < queue.length; at++) {
      const state = queue[at]!;
      for (let edge = first.values[state]!; edge < first.values[state + 1]!; edge++) {
        const next = target.values[edge]!;
        if (this.#part[next] !== part) continue;
        if (overEdge(edge)) return back(state, [edge]);
        if (via.has(next)) continue;
        via.set(next, { edge, from: state });
        if (toState(next)) return back(next, []);
        queue.push(next);
      }
    }
    throw new Error("Cannot tell a run: its round does not close");
  }

  #stem(state: number): { from: number; stem: number[] } {
    const stem: number[] = [];
    const sources = this.#edgeSources();
    let at = state;
    while (this.#via[at]! >= 0) {
      stem.unshift(this.#via[at]!);
      at = sources(this.#via[at]!);
    }
    return { from: this.#source[state]!, stem };
  }

  /** The state that an edge leaves from. */
  #edgeSources(): (edge: number) => number {
    const { first } = this.graph;
    return (edge) => {
      let low = 0;
      let high = this.graph.size - 1;
      while (low < high) {
        const middle = low + high + 1 >> 1;
        if (first.values[middle]! <= edge) low = middle;
        else high = middle - 1;
      }
      return low;
    };
  }
}
