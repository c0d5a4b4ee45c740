/** Charts and states in XState's own words: what `createMachine` takes, and the value of a snapshot. */
import type { ChartDefinition, ChartState } from "./chart_definition.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** XState's state value of paths: `["a.b", "c"]` is `{ a: "b", c: {} }`. */
export function valueOf(states: readonly string[], root?: ChartState): Json {
  const tree: Record<string, unknown> = {};
  for (const path of states) {
    let at = tree;
    for (const name of path === "" ? [] : path.split(".")) at = (at[name] ??= {}) as Record<string, unknown>;
  }
  const folded = (node: Record<string, unknown>, state: ChartState | undefined): Json => {
    const names = Object.keys(node);
    const [only] = names;
    const isLeaf = (name: string) => Object.keys(node[name] as object).length === 0;
    // The only child of a compound state is its name; regions of a parallel state are fields.
    if (names.length === 1 && isLeaf(only!) && state?.type !== "parallel") return only!;
    const childOf = (name: string) => state?.states.find((child) => child.name === name);
    return Object.fromEntries(
      names.map((name) => [name, folded(node[name] as Record<string, unknown>, childOf(name))]),
    );
  };
  return folded(tree, root);
}

/** The chart as XState's `createMachine` takes it. */
export function configOf({ id, root }: ChartDefinition): Json {
  return { id, ...stateConfig(root, id) as Record<string, Json> };
}

function stateConfig(state: ChartState, id: string): Json {
  const on: Record<string, Json[]> = {};
  const after: Record<string, Json[]> = {};
  const always: Json[] = [];
  const onDone: Json[] = [];
  for (const transition of state.transitions) {
    const config: Json = {
      ...(transition.targets.length === 0 ? {} : { target: transition.targets.map((path) => `#${id}.${path}`) }),
      ...(transition.guard === undefined ? {} : { guard: transition.guard }),
      ...(transition.actions.length === 0 ? {} : { actions: transition.actions }),
      ...(transition.reenter ? { reenter: true } : {}),
      ...(transition.description === undefined ? {} : { description: transition.description }),
    };
    if (transition.kind === "always") always.push(config);
    else if (transition.kind === "done") onDone.push(config);
    else if (transition.kind === "after") (after[transition.delay ?? transition.on] ??= []).push(config);
    else (on[transition.on] ??= []).push(config);
  }
  const some = (name: string, value: Readonly<Record<string, Json>>) =>
    Object.keys(value).length === 0 ? {} : { [name]: value };
  return {
    ...(state.type === "atomic" || state.type === "compound" ? {} : { type: state.type }),
    ...(state.history === undefined ? {} : { history: state.history }),
    ...(state.description === undefined ? {} : { description: state.description }),
    ...(state.tags === undefined ? {} : { tags: state.tags }),
    ...(state.initial === undefined ? {} : { initial: state.initial.split(".").at(-1)! }),
    ...(state.entry === undefined ? {} : { entry: state.entry }),
    ...(state.exit === undefined ? {} : { exit: state.exit }),
    ...some("on", on),
    ...some("after", after),
    ...(always.length === 0 ? {} : { always }),
    ...(onDone.length === 0 ? {} : { onDone }),
    ...some("states", Object.fromEntries(state.states.map((child) => [child.name, stateConfig(child, id)]))),
  };
}
