/** Actors that live and die together: what a crash and a new start of their process make of a row. */
import type { EventObject } from "xstate";
import type { Composition } from "./composition.ts";
import { stateKey } from "./state_key.ts";
import type { Move, ProcessModel, SystemModel } from "./system_model.ts";
import { SystemView } from "./system_view.ts";

/** One thing that may happen to a process. */
export interface ProcessStep {
  readonly move: Move;
  /** The actors that it takes along, by place. */
  readonly members: ReadonlySet<number>;
  /** What each of them does. */
  readonly transitions: readonly number[];
}

export class Processes {
  readonly #all: readonly { readonly model: ProcessModel; readonly members: ReadonlySet<number> }[];
  readonly #view: SystemView<unknown>;
  /** Crashes by local state, starts by actor, saved data and input. */
  readonly #crashes = new Map<number, number>();
  readonly #starts = new Map<string, number>();

  constructor(readonly composition: Composition, { processes = [], actors, symmetry }: SystemModel) {
    if (processes.length > 0 && symmetry !== undefined) throw new Error("Cannot use symmetry: it knows no processes");
    const placeOf = (name: string) => {
      const place = actors.findIndex((actor) => actor.name === name);
      if (place < 0) throw new Error(`Cannot compose a process: there is no actor "${name}"`);
      return place;
    };
    this.#all = processes.map((model) => ({ model, members: new Set(model.actors.map(placeOf)) }));
    this.#view = new SystemView(composition);
  }

  get size(): number {
    return this.#all.length;
  }

  *steps(row: Int32Array, at: number, length: number, crashes: number): Generator<ProcessStep> {
    const { locals } = this.composition;
    for (const { model, members } of this.#all) {
      const { name } = model;
      const up = [...members].filter((actor) => !locals.all[row[at + actor]!]!.down);
      if (up.length > 0) {
        if (crashes === 0) continue;
        const move: Move = { do: "crash", actor: name };
        yield { move, members, transitions: up.map((actor) => this.#crash(row[at + actor]!, move)) };
        continue;
      }
      for (const { inputs, tells = {} } of model.restarts(this.#view.bind(row, at, length))) {
        const move: Move = {
          do: "restart",
          actor: name,
          input: { ...inputs, ...(Object.keys(tells).length > 0 && { tells }) },
        };
        const transitions = [...members].flatMap((actor) => {
          const local = locals.all[row[at + actor]!]!;
          return local.name in inputs
            ? [this.#start(actor, local.saved, inputs[local.name], move, tells[local.name])]
            : [];
        });
        yield { move, members, transitions };
      }
    }
  }

  #crash(local: number, move: Move): number {
    let transition = this.#crashes.get(local);
    if (transition === undefined) this.#crashes.set(local, transition = this.composition.locals.crash(local, move));
    return transition;
  }

  #start(actor: number, saved: unknown, input: unknown, move: Move, told: EventObject | undefined): number {
    const key = `${actor}/${stateKey(saved)}/${stateKey(input)}/${stateKey(told)}`;
    let transition = this.#starts.get(key);
    if (transition === undefined) {
      this.#starts.set(key, transition = this.composition.locals.startAgain(actor, saved, input, move, told));
    }
    return transition;
  }
}

/** What was under way to a process or from it is lost with its connections. Answers the row's new length. */
export function dropMessages(
  row: Int32Array,
  header: number,
  length: number,
  members: ReadonlySet<number>,
  { sender, receiver }: { readonly sender: readonly number[]; readonly receiver: readonly number[] },
): number {
  let to = header;
  for (let from = header; from < length; from++) {
    const message = row[from]!;
    if (!members.has(sender[message]!) && !members.has(receiver[message]!)) row[to++] = message;
  }
  return to;
}
