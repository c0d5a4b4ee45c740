/**
 * What surrounds the shipped machines in a model, written as plainly as possible: some data, and what each event makes
 * of it. An API object, a container runtime, a person with kubectl. It is a machine like any other to the checker.
 */
import { type AnyStateMachine, assign, type EventObject, setup } from "xstate";
import { effect } from "../effect.ts";
import {
  type ActorOptions,
  type Envelope,
  type LocalState,
  type PossibleEvent,
  type SystemActor,
  systemActor,
} from "./system_model.ts";

/** A message, whatever it carries. */
export type PlainEnvelope = Omit<Envelope, "event"> & { readonly event: PlainEvent };

/** What an event makes of the data; absent: it means nothing here and is dropped. */
export interface Reaction<Data> {
  readonly data: Data;
  readonly sends?: readonly PlainEnvelope[];
}

/** An event of a plain actor; what it carries is read by the one reaction that knows its type. */
// deno-lint-ignore no-explicit-any
export type PlainEvent = EventObject & Record<string, any>;

export type Reactions<Data> = Readonly<Record<string, (data: Data, event: PlainEvent) => Reaction<Data> | undefined>>;

interface PlainContext<Data> {
  data: Data;
  outbox: readonly Envelope[];
}

export interface PlainOptions<Data> {
  /** Facts that may come by themselves. */
  readonly events?: (data: Data) => readonly PossibleEvent<EventObject>[];
}

// deno-lint-ignore no-explicit-any
export type PlainActor<Data> = SystemActor<any, Data, Data>;

const plain = new WeakSet<AnyStateMachine>();

/** Whether a machine is that of a plain actor, whose chart says nothing. */
export function isPlain(machine: AnyStateMachine): boolean {
  return plain.has(machine);
}

export function plainActor<Data>(
  name: string,
  data: Data,
  reactions: Reactions<Data>,
  { events }: PlainOptions<Data> = {},
): PlainActor<Data> {
  const react = (context: PlainContext<Data>, event: EventObject) => reactions[event.type]?.(context.data, event);
  const machine = setup({
    types: { context: {} as PlainContext<Data>, events: {} as EventObject },
    actions: {
      send: effect<{ envelopes: readonly Envelope[] }>(),
      react: assign(({ context, event }) => {
        const reaction = react(context, event)!;
        return { data: reaction.data, outbox: reaction.sends ?? [] };
      }),
      sent: assign({ outbox: [] }),
    },
    guards: { means: ({ context, event }) => react(context, event) !== undefined },
  }).createMachine({
    id: name,
    options: { maxIterations: 100 },
    context: { data, outbox: [] },
    initial: "here",
    states: {
      here: {
        description: "Reacts to what it is told.",
        on: Object.fromEntries(
          Object.keys(reactions).map((type) => [type, {
            guard: "means" as const,
            actions: [
              "react" as const,
              {
                type: "send" as const,
                params: ({ context }: { context: PlainContext<Data> }) => ({ envelopes: context.outbox }),
              },
              "sent" as const,
            ],
          }]),
        ),
      },
    },
  });
  plain.add(machine);
  // While it is down: what it starts with.
  const dataOf = ({ snapshot }: LocalState) =>
    snapshot === undefined ? data : (snapshot as unknown as { context: PlainContext<Data> }).context.data;
  const options = {
    sends: { send: ({ envelopes }: { envelopes: readonly Envelope[] }) => envelopes },
    view: (local: LocalState) => dataOf(local),
    ...(events !== undefined && { events: (local: LocalState) => events(dataOf(local)) }),
  };
  return systemActor(name, machine, options as unknown as ActorOptions<typeof machine, Data, Data>) as PlainActor<Data>;
}
