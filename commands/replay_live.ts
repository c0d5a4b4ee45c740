/** A counterexample of `chartroom check`, played on live actors: the actor system that production runs on. */
import type { AnyStateMachine, EventObject } from "xstate";
import { type ActorKind, actorKind, ActorSystem, type Address, address, type OrderContext } from "../actors/system.ts";
import { ManualClock } from "../actors/simulated/manual_clock.ts";
import { stateName } from "../machines/chart_names.ts";
import { stateKey } from "../machines/check/state_key.ts";
import type { AnySystemActor, Envelope, Move, SystemModel } from "../machines/check/system_model.ts";
import { replaySystem, sayMove } from "../machines/check/system_story.ts";
import { effectsOf } from "../machines/effect.ts";

export interface LiveReplay {
  /** One line for each step: what happened, and where the live actors are. */
  readonly lines: readonly string[];
  /** Where live actors and the model part; undefined: nowhere. */
  readonly parted: string | undefined;
}

interface Given {
  readonly type: string;
  readonly params: unknown;
  readonly order: OrderContext;
}

/** Each actor in a system of its own, so that its timers can be told apart from those of others. */
class LiveActor {
  readonly #clock = new ManualClock();
  readonly #system = new ActorSystem({ clock: this.#clock });
  readonly #at: Address;
  readonly #kind: ActorKind<AnyStateMachine>;
  #given: Given[] = [];
  /** Messages it sent and nobody has taken yet. */
  sent: Envelope[] = [];

  constructor(readonly model: AnySystemActor) {
    const { name, machine, options } = model;
    this.#at = address({ node: "replay", kind: name, name });
    const perform = (type: string, answers: readonly string[]) => (params: unknown, order: OrderContext) => {
      if (answers.length > 0) this.#given.push({ type, params, order });
      const send = options.sends?.[type] as ((params: unknown, self: string) => Envelope | Envelope[]) | undefined;
      if (send !== undefined) this.sent.push(...[send(params, name)].flat());
    };
    const performers = Object.fromEntries(
      [...effectsOf(machine)].map(([type, { answers }]) => [type, perform(type, answers)]),
    );
    this.#kind = actorKind(name, machine, performers as never) as unknown as ActorKind<AnyStateMachine>;
  }

  get isUp(): boolean {
    return this.#system.get(this.#at) !== undefined;
  }

  start(input: unknown): void {
    this.#system.spawn(this.#kind, { address: this.#at, input } as never);
    this.#clock.run();
  }

  stop(): void {
    this.#system.stop(this.#at);
    this.#given = [];
  }

  tell(event: EventObject): void {
    if (!this.isUp) return;
    this.#system.tell(this.#at, event);
    this.#clock.run();
  }

  /** Answers an order that is outstanding; one that is not gets no answer. */
  answer(event: EventObject, type: string, params?: unknown): void {
    const key = params === undefined ? undefined : stateKey(params);
    const found = this.#given.find((given) =>
      given.type === type && given.order.outstanding && (key === undefined || stateKey(given.params) === key)
    );
    if (found === undefined) return;
    this.#given = this.#given.filter((given) => given !== found);
    found.order.answer(event);
    this.#clock.run();
  }

  /** Lets time pass until the timer is due; one that others are due before is told as a fact. */
  fire(id: string, event: EventObject): void {
    const timers = this.#system.report(this.#at)?.timers ?? [];
    const due = timers.find((timer) => timer.id === id)?.inMs;
    if (due === undefined) throw new Error(`Cannot fire ${id}: ${this.model.name} has not armed it`);
    if (timers.some(({ inMs }) => inMs < due)) this.tell(event);
    else this.#clock.advance(due);
  }

  get snapshot() {
    return this.#system.get(this.#at)?.getSnapshot();
  }
}

export function replayLive(model: SystemModel, moves: readonly Move[]): LiveReplay {
  const played = replaySystem(model, moves);
  const actors = new Map(model.actors.map((actor) => [actor.name, new LiveActor(actor)]));
  const lines: string[] = [];
  for (const [index, move] of moves.entries()) {
    make(model, actors, move);
    const wrong = played[index]!.state.locals.flatMap(({ name, down, snapshot }) => {
      const live = actors.get(name)!.snapshot;
      if (down || snapshot === undefined) return live === undefined ? [] : [`${name} lives`];
      // An actor that has come to its end is gone from the system.
      if (live === undefined) return snapshot.status === "active" ? [`${name} is gone`] : [];
      const same = stateKey(live.value) === stateKey(snapshot.value) &&
        stateKey(live.context) === stateKey(snapshot.context);
      return same ? [] : [`${name} is in ${stateName(live)}, the model says ${stateName(snapshot)}`];
    });
    const where = "actor" in move ? actors.get(move.actor)?.snapshot : undefined;
    const then = where === undefined ? "" : `  -> ${move.do === "start" ? "" : stateName(where)}`;
    lines.push(`${String(index + 1).padStart(4)} ${sayMove(move)}${then}`);
    if (wrong.length > 0) return { lines, parted: `after step ${index + 1}: ${wrong.join("; ")}` };
  }
  return { lines, parted: undefined };
}

function make(model: SystemModel, actors: ReadonlyMap<string, LiveActor>, move: Move): void {
  switch (move.do) {
    case "start":
      for (const { name, options } of model.actors) {
        if (options.down !== true) actors.get(name)!.start(move.inputs[name] ?? options.input ?? options.inputs?.[0]);
      }
      return;
    case "deliver": {
      const { event, answers, answersParams } = move.message;
      const actor = actors.get(move.actor)!;
      if (answers === undefined) actor.tell(event);
      else actor.answer(event, answers, answersParams);
      return;
    }
    case "answer":
      actors.get(move.actor)!.answer(move.event, move.order.type, move.order.params);
      return;
    case "event":
      actors.get(move.actor)!.tell(move.event);
      return;
    case "timer":
      actors.get(move.actor)!.fire(move.timer.id, move.timer.event);
      return;
    case "crash":
      for (const name of membersOf(model, move.actor)) actors.get(name)!.stop();
      return;
    case "restart":
      restart(model, actors, move.actor, move.input);
      return;
    case "lose":
    case "duplicate":
    case "cut":
    case "heal":
      return; // The network's affair: what arrives is in the moves.
  }
}

function membersOf({ processes = [] }: SystemModel, name: string): readonly string[] {
  return processes.find((each) => each.name === name)?.actors ?? [name];
}

function restart(model: SystemModel, actors: ReadonlyMap<string, LiveActor>, name: string, input: unknown): void {
  const process = model.processes?.find((each) => each.name === name);
  if (process === undefined) return actors.get(name)!.start(input);
  const { tells = {}, ...inputs } = input as { tells?: Record<string, EventObject> } & Record<string, unknown>;
  const members = process.actors.filter((member) => member in inputs);
  for (const member of process.actors) actors.get(member)!.sent = [];
  for (const member of members) {
    actors.get(member)!.start(inputs[member]);
    if (tells[member] !== undefined) actors.get(member)!.tell(tells[member]);
  }
  // What they tell each other comes before anything else.
  for (let going = true; going;) {
    going = false;
    for (const member of members) {
      const actor = actors.get(member)!;
      const inside = actor.sent.filter(({ to }) => members.includes(to));
      actor.sent = [];
      for (const { to, event } of inside) {
        going = true;
        actors.get(to)!.tell(event);
      }
    }
  }
}
