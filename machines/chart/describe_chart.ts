/** A machine as plain data: what can be drawn, printed and sent. */
import type { AnyStateMachine } from "xstate";
import { delayName, eventName } from "../chart_names.ts";
import { effectsOf } from "../effect.ts";
import { type Edge, edgesOf } from "../step.ts";
import type { ChartDefinition, ChartOrder, ChartState, ChartTransition } from "./chart_definition.ts";

type Action = string | { readonly type: string } | ((...args: never[]) => unknown);

/** The part of XState's state node that is read here. */
interface Node {
  readonly id: string;
  readonly key: string;
  readonly path: readonly string[];
  readonly type: ChartState["type"];
  readonly history?: "shallow" | "deep" | false;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly initial?: { readonly target?: readonly Node[] };
  readonly entry: readonly Action[];
  readonly exit: readonly Action[];
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[];
  readonly states: Readonly<Record<string, Node>>;
}

interface Transition {
  readonly target?: readonly Node[];
  readonly eventType: string;
  readonly actions: readonly Action[];
  readonly description?: string;
  readonly reenter: boolean;
}

const charts = new WeakMap<AnyStateMachine, ChartDefinition>();

/** The machine's chart, made once. */
export function chartOf(machine: AnyStateMachine): ChartDefinition {
  let chart = charts.get(machine);
  if (chart === undefined) charts.set(machine, chart = describe(machine));
  return chart;
}

/** What names a machine among others, also such as bear the same id: `pod.3f2a91c0`. */
export function machineKey({ id, hash }: ChartDefinition): string {
  return `${id}.${hash}`;
}

const edgeIds = new WeakMap<AnyStateMachine, ReadonlyMap<Edge, number>>();

/** The chart's number of a transition that `step` has reported. */
export function edgeId(machine: AnyStateMachine, edge: Edge): number {
  let ids = edgeIds.get(machine);
  if (ids === undefined) edgeIds.set(machine, ids = new Map(edgesOf(machine).map((each, index) => [each, index])));
  return ids.get(edge) ?? -1;
}

function describe(machine: AnyStateMachine): ChartDefinition {
  const edges = edgesOf(machine);
  const events = new Set<string>();
  let next = 0;
  const transitionOf = ({ eventType, actions, description, reenter, target = [] }: Transition): ChartTransition => {
    // `edgesOf` goes through the chart in the same order.
    const id = next++;
    const edge = edges[id]!;
    const kind = kindOf(eventType);
    if (kind === "event") events.add(eventType);
    return {
      id,
      kind,
      on: eventType,
      label: kind === "done" ? "done" : eventName(eventType),
      ...(kind === "after" ? { delay: delayName(eventType) } : {}),
      targets: target.map(pathOf),
      ...(edge.guard === undefined ? {} : { guard: edge.guard }),
      actions: actions.map(actionName),
      ...(description === undefined ? {} : { description }),
      ...(reenter && target.length > 0 ? { reenter } : {}),
    };
  };
  const stateOf = (node: Node): ChartState => ({
    path: pathOf(node),
    name: node.key,
    type: node.type,
    ...(node.history ? { history: node.history } : {}),
    ...(node.description === undefined ? {} : { description: node.description }),
    ...(node.tags.length === 0 ? {} : { tags: node.tags }),
    ...(node.type === "compound" && node.initial?.target?.[0] ? { initial: pathOf(node.initial.target[0]) } : {}),
    ...(node.entry.some(isNamed) ? { entry: node.entry.filter(isNamed).map(actionName) } : {}),
    ...(node.exit.some(isNamed) ? { exit: node.exit.filter(isNamed).map(actionName) } : {}),
    transitions: [...[...node.transitions.values()].flat(), ...node.always ?? []].map(transitionOf),
    states: Object.values(node.states).map(stateOf),
  });
  const root = stateOf(machine.root as unknown as Node);
  const orders = Object.fromEntries(
    [...effectsOf(machine)].map(([name, { answers, cancels }]): [string, ChartOrder] => [name, {
      answers,
      ...(cancels === undefined ? {} : { cancels }),
    }]),
  );
  const said = { id: machine.id, root, events: [...events].sort(), orders };
  return { ...said, hash: hashOf(JSON.stringify(said)) };
}

function pathOf({ path }: Node): string {
  return path.join(".");
}

function kindOf(eventType: string): ChartTransition["kind"] {
  if (eventType === "") return "always";
  if (eventType.startsWith("xstate.after.")) return "after";
  return eventType.startsWith("xstate.done.state.") ? "done" : "event";
}

/** What XState adds itself to arm and disarm delays is no action of the chart. */
function isNamed(action: Action): boolean {
  const name = actionName(action);
  return name !== "xstate.raise" && name !== "xstate.cancel";
}

function actionName(action: Action): string {
  if (typeof action === "string") return action;
  if (typeof action === "function") return (action as { type?: string }).type ?? (action.name || "(unnamed)");
  return action.type;
}

/** FNV-1a, twice with different beginnings: 64 bits as text. It tells charts apart, and guards against nobody. */
export function hashOf(text: string): string {
  let one = 0x811c9dc5;
  let two = 0x01000193;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    one = Math.imul(one ^ code, 0x01000193);
    two = Math.imul(two ^ code, 0x85ebca6b);
  }
  return [one, two].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
}
