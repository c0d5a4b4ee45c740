/**
 * The causality of the inspection stream as OpenTelemetry spans. A transition is a span: from the moment in which its
 * cause came about (the order was given, the sender took its step) until the actor has taken the step. A trace is one
 * chain of causes, such as everything that the change of an object brings about; what a timer sets off begins another.
 *
 * Names of events, states and orders only: params and contexts, where secrets could be, are not told.
 */
import type { Attributes, Context, SpanContext, Tracer } from "@opentelemetry/api";
import { type Address, type Incident, type Inspection, partsOf, type Transition } from "../system.ts";
import { statesOf } from "./actor_rows.ts";

export interface SpanRecorderOptions {
  readonly tracer: Tracer;
  /** The context of a span's child. */
  within(parent: SpanContext): Context;
}

/** Spans that may yet be somebody's parent. Chains that reach further back begin anew. */
const rememberedAtMost = 20_000;

interface Recorded {
  readonly context: SpanContext;
  readonly trace: number;
  readonly wallTime: number;
}

export class SpanRecorder {
  /** By actor and type of order, by actor, by trace; those used last at the end. */
  readonly #recorded = new Map<string | number, Recorded>();

  constructor(readonly options: SpanRecorderOptions) {}

  /** An observer of an actor system. */
  readonly hear = (inspection: Inspection): void => {
    if (inspection.type === "transition") this.#transition(inspection);
    else this.#incident(inspection);
  };

  #transition(transition: Transition): void {
    const { actor, cause, trace, sequence, wallTime, orders, event, snapshot, previous, edges } = transition;
    const parent = this.#causeOf(transition);
    const context = this.#span(nameOf(actor, event.type), parent, wallTime, {
      ...attributesOf(actor),
      "chartroom.cause": cause.by,
      "chartroom.event": event.type,
      "chartroom.handled": edges.length > 0 || previous === undefined,
      ...(previous === undefined ? {} : { "chartroom.state.before": statesOf(previous).join(" + ") }),
      "chartroom.state": statesOf(snapshot).join(" + "),
      ...(orders.length === 0 ? {} : { "chartroom.orders": orders.map(({ type }) => type) }),
    });
    const recorded = { context, trace, wallTime };
    if (trace === sequence) this.#remember(trace, recorded);
    this.#remember(actor, recorded);
    for (const { type } of orders) this.#remember(`${actor} ${type}`, recorded);
  }

  /** Errors may quote what a user wrote: that there was one is told, not what it said. */
  #incident({ type, actor, wallTime }: Incident): void {
    const parent = this.#recorded.get(actor);
    this.#span(nameOf(actor, type), parent && { ...parent, wallTime }, wallTime, attributesOf(actor), true);
  }

  #causeOf({ actor, cause, trace, sequence }: Transition): Recorded | undefined {
    const key = cause.by === "order" ? `${actor} ${cause.type}` : cause.by === "message" ? cause.from : trace;
    const found = this.#recorded.get(key);
    // The sender has taken another step since, in another chain.
    return found?.trace === trace ? found : trace === sequence ? undefined : this.#recorded.get(trace);
  }

  #span(name: string, parent: Recorded | undefined, end: number, attributes: Attributes, failed = false): SpanContext {
    const { tracer, within } = this.options;
    const startTime = parent?.wallTime ?? end;
    const span = parent === undefined
      ? tracer.startSpan(name, { startTime, attributes, root: true })
      : tracer.startSpan(name, { startTime, attributes }, within(parent.context));
    if (failed) span.setStatus({ code: errorStatus });
    span.end(end);
    return span.spanContext();
  }

  #remember(key: string | number, recorded: Recorded): void {
    this.#recorded.delete(key);
    this.#recorded.set(key, recorded);
    if (this.#recorded.size > rememberedAtMost) this.#recorded.delete(this.#recorded.keys().next().value!);
  }
}

/** `SpanStatusCode.ERROR`: the package itself is loaded only where spans are sent. */
const errorStatus = 2;

function nameOf(actor: Address, event: string): string {
  return `${partsOf(actor).kind} ${event}`;
}

function attributesOf(actor: Address): Attributes {
  const { node, kind, namespace, name, uid } = partsOf(actor);
  return {
    "chartroom.actor": actor,
    "chartroom.process": node,
    "chartroom.kind": kind,
    ...(namespace === undefined ? {} : { "k8s.namespace.name": namespace }),
    ...(name === undefined ? {} : { "chartroom.name": name }),
    ...(uid === undefined ? {} : { "chartroom.uid": uid }),
  };
}
