/** A fault put into what ships, and how charts are changed for it. */
import type { AnyStateMachine } from "xstate";
import type { SystemModel } from "../../../machines/check/system_model.ts";

export interface Mutant {
  readonly fault: string;
  /** The model that must notice it, as `chartroom check` names it. */
  readonly model: string;
  system(): SystemModel;
}

/** A chart's configuration as data. */
// deno-lint-ignore no-explicit-any
export type Node = any;

/** The chart with another configuration: everything is copied down to functions, then changed. */
export function edited<M extends AnyStateMachine>(
  machine: M,
  setup: { createMachine(config: never): unknown },
  change: (root: Node) => void,
): M {
  const copy = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(copy)
      : value !== null && typeof value === "object"
      ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copy(each)]))
      : value;
  const config = copy(machine.config) as Node;
  change(config);
  return setup.createMachine(config as never) as M;
}

/** `active.preparing`: the state there. */
export function at(root: Node, path: string): Node {
  return path.split(".").reduce((node, name) => {
    const below = node.states?.[name];
    if (below === undefined) throw new Error(`Cannot change "${path}": the chart has no such state any more`);
    return below;
  }, root);
}

export function without(node: Node, part: "entry" | "after" | "on" | "always" | "exit", event?: string): void {
  const holder = event === undefined ? node : node[part];
  const key = event ?? part;
  if (holder?.[key] === undefined) throw new Error(`Cannot drop "${key}": it is not there any more`);
  delete holder[key];
}

export const yes = () => true;
export const no = () => false;
