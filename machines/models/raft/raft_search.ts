/** Every state of a modelled cluster, breadth first. */
import { BrokenRule, TooManyStates } from "../../check/explore.ts";
import type { MachineCoverage } from "../../check/machine_coverage.ts";
import { Cluster, type ClusterModel, Thrown } from "./raft_cluster.ts";

export interface ClusterExploration {
  readonly states: number;
  readonly generated: number;
  readonly depth: number;
  /** Different states of single members, and steps of their machines. */
  readonly locals: number;
  readonly steps: number;
  readonly coverage: MachineCoverage;
  readonly neverSeen: readonly string[];
}

/** @throws BrokenRule with the shortest story, or an Error when there are more states than `maxStates`. */
export function exploreCluster(model: ClusterModel): ClusterExploration {
  const cluster = new Cluster(model);
  const known = new Map<string, number>();
  const rows: string[] = [];
  const parents: number[] = [];
  const unseen = new Map(Object.entries(model.sometimes));
  let [generated, depth, levelEnd] = [0, 0, 1];
  const broken = (why: string, last: string, from: number): BrokenRule => {
    const path: number[] = [];
    for (let at = from; at !== -1; at = parents[at]!) path.unshift(at);
    const story = path.slice(1).map((at, step) => {
      let said = "";
      cluster.expand(rows[path[step]!]!, (next, _, name) => {
        if (said === "" && next === rows[at]) said = name();
      });
      return said;
    });
    const lines = [...story, ...(last === "" ? [] : [last])].map((line, at) => `  ${at + 1} ${line}`);
    return new BrokenRule(why, path, `Broken: ${why}, shortest path, ${lines.length} steps:\n${lines.join("\n")}`);
  };
  const add = (row: string, parent: number) => {
    if (known.has(row)) return;
    if (rows.length >= model.maxStates) {
      throw new TooManyStates(`Cannot explore: more than maxStates (${model.maxStates}) states`);
    }
    const id = rows.push(row) - 1;
    known.set(row, id);
    parents.push(parent);
    try {
      cluster.check(row);
    } catch (error) {
      throw broken((error as Error).message, "", id);
    }
    if (unseen.size === 0) return;
    const { locals, ghost } = cluster.look(row);
    for (const [name, holds] of unseen) if (holds(locals, ghost)) unseen.delete(name);
  };
  try {
    add(cluster.first(), -1);
  } catch (error) {
    throw error instanceof Thrown ? new BrokenRule(error.message, [], error.message) : error;
  }
  for (let at = 0; at < rows.length; at++) {
    if (at === levelEnd) {
      depth++;
      levelEnd = rows.length;
    }
    try {
      cluster.expand(rows[at]!, (next) => {
        generated++;
        add(next, at);
      });
    } catch (error) {
      if (error instanceof Thrown) throw broken(error.message, error.move, at);
      throw error;
    }
  }
  const { locals: { all, made, coverage } } = cluster;
  return {
    states: rows.length,
    generated,
    depth,
    locals: all.length,
    steps: made,
    coverage,
    neverSeen: [...unseen.keys()],
  };
}
