/**
 * Why an actor is where it is, in plain words: what `chartroom explain` prints and the inspector's side panel shows.
 *
 * All of it is read from the machine itself: descriptions of states, declared answers, named guards and delays, and the
 * last transitions that every actor keeps. Nobody writes explanations beside the chart.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from "xstate";
import { activeLeaves, type ChartNode, delayName, eventName, nodeName, rootOf } from "./chart_names.ts";
import { effectsOf } from "./effect.ts";
import { duration, shortEvent } from "./explain_words.ts";
import { type Edge, edgesOf, type GuardOutcome } from "./step.ts";

/** How an actor stands; the actor system's `report` is one. */
export interface ActorStanding {
  readonly address: string;
  readonly machine: AnyStateMachine;
  /** Undefined while it waits to be started again. */
  readonly snapshot: AnyMachineSnapshot | undefined;
  /** Counts its starts. */
  readonly incarnation: number;
  /** How long it has been in its state. */
  readonly stateForMs: number;
  readonly fault: string | undefined;
  readonly timers: readonly { readonly id: string; readonly inMs: number }[];
  readonly orders: readonly { readonly id: number; readonly type: string; readonly forMs: number }[];
  /** Its last transitions, oldest first. */
  readonly recent: readonly PastTransition[];
}

/** What is read of a transition record. */
export interface PastTransition {
  readonly event: EventObject;
  readonly cause:
    | { readonly by: "order"; readonly type: string }
    | { readonly by: "message"; readonly from: string }
    | { readonly by: "timer"; readonly id: string }
    | { readonly by: "world" }
    | { readonly by: "start" };
  readonly edges: readonly Edge[];
  readonly guards: readonly GuardOutcome[];
}

/**
 * Fields of a machine's context that are words for people: why it is where it is, as far as it was told. By convention
 * of this project a text in one of them is never a secret.
 */
const spoken = ["message", "problem", "waitsFor"] as const;

export interface Explanation {
  /** What the machine was told about its situation, in the words of whoever told it. */
  readonly says: readonly string[];
  /** The innermost active states, one per region, with what they say about themselves. */
  readonly where: readonly { readonly state: string; readonly description: string }[];
  /** What brought it there, and what has come since without leading on. */
  readonly why: readonly string[];
  readonly since: string;
  /** Orders that await their answer, and timers. */
  readonly waitsFor: readonly string[];
  /** What would lead to another state. */
  readonly movesOn: readonly string[];
}

export function explain(actor: ActorStanding): Explanation {
  const { snapshot, fault, incarnation } = actor;
  if (snapshot === undefined) {
    return {
      says: [],
      where: [{ state: "(down)", description: "It failed and is started again after a back-off" }],
      why: [`It threw during ${fault ?? "its start"}`.split("\n")[0]!, `It was started ${times(incarnation)}`],
      since: duration(actor.stateForMs),
      waitsFor: ["its next start, from what it finds in the world"],
      movesOn: [],
    };
  }
  const leaves = activeLeaves(snapshot);
  return {
    says: saysOf(snapshot.context),
    where: leaves.map((leaf) => ({ state: nodeName(leaf), description: descriptionOf(leaf) })),
    why: whyOf(actor),
    since: duration(actor.stateForMs),
    waitsFor: [...orderLines(actor), ...timerLines(actor)],
    movesOn: snapshot.status === "active" ? movesOf(actor, leaves) : [],
  };
}

/** The explanation as lines for a terminal. */
export function explainInWords(actor: ActorStanding): string[] {
  const { where, says, why, since, waitsFor, movesOn } = explain(actor);
  const list = (title: string, items: readonly string[], none: string) =>
    items.length === 0 ? [`${title}: ${none}`] : [`${title}:`, ...items.map((item) => `  ${item}`)];
  return [
    `${actor.address} has been here for ${since}:`,
    ...where.map(({ state, description }) => `  ${state}${description === "" ? "" : `: ${description}`}`),
    ...(says.length === 0 ? [] : list("It was told", says, "")),
    ...list("Why", why, "nothing is known of how it came here"),
    ...list("Waits for", waitsFor, "nothing of its own doing"),
    ...list("Would move on", movesOn, "nothing, this is the end"),
  ];
}

function saysOf(context: unknown): string[] {
  const fields = context as Readonly<Record<string, unknown>> | undefined;
  return spoken.map((field) => fields?.[field]).filter((text) => typeof text === "string" && text !== "") as string[];
}

/** The nearest state outwards that describes itself, itself first. */
function descriptionOf(leaf: ChartNode): string {
  for (let node: ChartNode | undefined = leaf; node !== undefined; node = node.parent) {
    if (node.description) return node.description;
  }
  return "";
}

function whyOf({ recent, incarnation, fault }: ActorStanding): string[] {
  const entered = recent.findLastIndex(({ edges, cause }) => cause.by === "start" || edges.some(leads));
  const lines = recent.slice(Math.max(0, entered)).map((past, index) => {
    const refused = [...new Set(past.guards.filter(({ passed }) => !passed).map(({ guard }) => `"${guard}"`))];
    const guards = refused.length === 0 ? "" : ` (${refused.join(", ")} refused)`;
    const outcome = index === 0 && entered >= 0
      ? "led here"
      : past.edges.length > 0
      ? "changed no state"
      : "is not handled here";
    return `${shortEvent(past.event)}, ${causeOf(past)}, ${outcome}${guards}`;
  });
  if (incarnation > 1) {
    lines.push(`It was started ${times(incarnation)}${fault === undefined ? "" : `, last after ${fault}`}`);
  }
  return lines;
}

function leads({ targets }: Edge): boolean {
  return targets.length > 0;
}

function causeOf({ cause }: PastTransition): string {
  switch (cause.by) {
    case "order":
      return `the answer to ${cause.type}`;
    case "message":
      return `from ${cause.from}`;
    case "timer":
      return `when the time of "${delayName(cause.id)}" was up`;
    case "world":
      return "reported from outside";
    case "start":
      return "when it started";
  }
}

function orderLines({ machine, orders }: ActorStanding): string[] {
  return orders.map(({ type, forMs }) => {
    const answers = effectsOf(machine).get(type)?.answers ?? [];
    return `${type}, ordered ${duration(forMs)} ago, to be answered by ${answers.join(" or ")}`;
  });
}

function timerLines({ timers }: ActorStanding): string[] {
  return [...timers].sort((a, b) => a.inMs - b.inMs).map(({ id, inMs }) => `"${delayName(id)}", in ${duration(inMs)}`);
}

/** Transitions of the active states, innermost first, as far as an inner one does not take the event in any case. */
function movesOf({ machine, orders, timers }: ActorStanding, leaves: readonly ChartNode[]): string[] {
  const bySource = Map.groupBy(edgesOf(machine), ({ source }) => source);
  const nodes = new Map<string, ChartNode>();
  const remember = (node: ChartNode) => {
    nodes.set(node.id, node);
    Object.values(node.states).forEach(remember);
  };
  remember(rootOf(machine));
  const effects = effectsOf(machine);
  const answering = new Map(orders.flatMap(({ type }) => effects.get(type)!.answers.map((answer) => [answer, type])));
  const isAnswer = new Set([...effects.values()].flatMap(({ answers }) => answers));
  const comes = (on: string, inMs: number | undefined) => {
    if (inMs !== undefined) return `, in ${duration(inMs)}`;
    const order = answering.get(on);
    if (order !== undefined) return `, an answer to ${order}`;
    return isAnswer.has(on) ? ", though no order awaits it" : "";
  };
  const lines = new Set<string>();
  for (const leaf of leaves) {
    const taken = new Set<string>();
    for (let node: ChartNode | undefined = leaf; node !== undefined; node = node.parent) {
      const here = bySource.get(node.id) ?? [];
      for (const edge of here) {
        if (taken.has(edge.on) || edge.on === "" || edge.targets.length === 0) continue;
        const timer = timers.find(({ id }) => id === edge.on);
        if (edge.on.startsWith("xstate.after.") && timer === undefined) continue;
        const to = edge.targets.map((id) => nodeName(nodes.get(id)!)).join(", ");
        const guarded = here.some(({ on, guard }) => on === edge.on && guard !== undefined);
        const condition = edge.guard !== undefined ? ` if "${edge.guard}"` : guarded ? " otherwise" : "";
        lines.add(`${eventName(edge.on)}${condition}${comes(edge.on, timer?.inMs)}: to ${to}`);
      }
      for (const { on, guard } of here) if (guard === undefined) taken.add(on);
    }
  }
  return [...lines];
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
