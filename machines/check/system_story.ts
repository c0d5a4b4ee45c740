/** Moves and runs of a composition in words, and played again. */
import type { AnyMachineSnapshot, EventObject } from "xstate";
import { delayName, stateName } from "../chart_names.ts";
import { Composition, type Sink } from "./composition.ts";
import { stateKey } from "./state_key.ts";
import type { Happening, LocalState, Message, Move, SystemModel, SystemState } from "./system_model.ts";
import { SystemView } from "./system_view.ts";

/** A step of a run that was played again. */
export interface Played<History> {
  readonly happening: Happening;
  /** How things stand afterwards. */
  readonly state: SystemState<History>;
}

/**
 * Plays the moves of a counterexample again. They are plain data, so that they may come from a file.
 *
 * @throws Error when a move is not possible where its turn comes: the model has changed.
 */
export function replaySystem<History>(model: SystemModel<History>, moves: readonly Move[]): Played<History>[] {
  return play(new Composition(model as SystemModel<unknown>), moves) as Played<History>[];
}

export function play(composition: Composition, moves: readonly Move[]): Played<unknown>[] {
  const [start, ...rest] = moves;
  if (start === undefined) return [];
  const rows = composition.initialRows();
  const startKey = stateKey(start);
  const first = rows.findIndex((_, index) => stateKey(startMove(composition, index)) === startKey);
  if (first < 0) throw new Error(`Cannot replay: the model does not start with ${sayMove(start)}`);
  let row = rows[first]!;
  const viewOf = (of: Int32Array) => new SystemView<unknown>(composition).bind(of, 0, of.length);
  const played: Played<unknown>[] = [
    { happening: { move: start, orders: [], sent: viewOf(row).messages }, state: viewOf(row) },
  ];
  for (const [index, move] of rest.entries()) {
    const key = stateKey(move);
    let after: Int32Array | undefined;
    let happening: Happening | undefined;
    const sink: Sink = {
      found() {
        if (after !== undefined) return;
        const now = composition.happening();
        if (stateKey(now.move) !== key) return;
        happening = now;
        after = composition.next.slice(0, composition.nextLength);
      },
    };
    try {
      composition.expand(row, 0, row.length, sink);
    } catch (error) {
      if (after === undefined) throw error;
    }
    if (after === undefined) throw new Error(`Cannot replay step ${index + 2}: ${sayMove(move)} is not possible there`);
    row = after;
    played.push({ happening: happening!, state: viewOf(row) });
  }
  return played;
}

/** The moves at these places, each among those of its state; the first is an initial row's. */
export function movesAt(composition: Composition, [start, ...rest]: readonly number[]): Move[] {
  if (start === undefined) return [];
  let row = composition.initialRows()[start]!;
  const moves: Move[] = [startMove(composition, start)];
  for (const place of rest) {
    let after: Int32Array | undefined;
    const found = (index: number) => {
      if (index !== place) return;
      moves.push(composition.happening().move);
      after = composition.next.slice(0, composition.nextLength);
    };
    try {
      composition.expand(row, 0, row.length, { found });
    } catch (error) {
      if (after === undefined) throw error; // A later one throws: what this search is about.
    }
    row = after!;
  }
  return moves;
}

/** The first move of a run that starts with a row of `initialRows`. */
export function startMove(composition: Composition, index: number): Move {
  const inputs: [string, unknown][] = [];
  const { actors } = composition.model;
  let rest = index;
  for (let at = actors.length - 1; at >= 0; at--) {
    const { name, options } = actors[at]!;
    if (options.down) continue;
    const all: readonly unknown[] = options.inputs ?? [options.input];
    const input = all[rest % all.length];
    rest = Math.floor(rest / all.length);
    if (input !== undefined) inputs.unshift([name, input]);
  }
  return { do: "start", inputs: Object.fromEntries(inputs) };
}

/** `deliver lock -> a: lock.granted` */
export function sayMove(move: Move): string {
  switch (move.do) {
    case "start":
      return `start ${Object.keys(move.inputs).length === 0 ? "" : JSON.stringify(move.inputs)}`.trimEnd();
    case "deliver":
      return `${sayMessage(move.message)}`;
    case "lose":
      return `lost: ${sayMessage(move.message)}`;
    case "duplicate":
      return `doubled: ${sayMessage(move.message)}`;
    case "timer":
      return `${move.actor}: timer ${delayName(move.timer.id)}`;
    case "answer":
      return `${move.actor}: ${move.order.type} is answered ${sayEvent(move.event)}`;
    case "event":
      return `${move.actor}: ${sayEvent(move.event)}`;
    case "crash":
      return `${move.actor} crashes`;
    case "restart":
      return `${move.actor} starts again${move.input === undefined ? "" : ` with ${JSON.stringify(move.input)}`}`;
    case "cut":
      return `the network falls apart: ${move.groups.map((group) => group.join(" ")).join(" | ")}`;
    case "heal":
      return "the network is whole again";
  }
}

function sayMessage({ from, to, event }: Message): string {
  return `${from} -> ${to}: ${sayEvent(event)}`;
}

function sayEvent({ type, ...params }: EventObject): string {
  return Object.keys(params).length === 0 ? type : `${type} ${JSON.stringify(params)}`;
}

/** `holding, armed 500 ms` */
export function sayLocal({ down, snapshot, timers, outstanding }: LocalState): string {
  if (down || snapshot === undefined) return "down";
  const awaits = outstanding.length === 0 ? "" : `, awaits ${outstanding.map(({ type }) => type).join(", ")}`;
  const armed = timers.length === 0 ? "" : `, timer ${timers.map(({ id }) => delayName(id)).join(", ")}`;
  return stateName(snapshot as AnyMachineSnapshot) + awaits + armed;
}

/** The numbered story of a run; of a lasso, with the part that goes round and round. */
export function tellSystem(composition: Composition, moves: readonly Move[], cycle: readonly Move[] = []): string {
  const played = play(composition, [...moves, ...cycle]);
  const told = played.map(({ happening }) => sayMove(happening.move));
  const width = Math.min(64, Math.max(0, ...told.map((line) => line.length)));
  const digits = String(told.length).length;
  const lines: string[] = [];
  for (const [index, { happening, state }] of played.entries()) {
    if (cycle.length > 0 && index === moves.length) lines.push("  and from here on, again and again:");
    const line = `  ${String(index + 1).padStart(digits)} ${told[index]!.padEnd(width)}  ${
      sayOutcome(happening, state)
    }`;
    lines.push(line.trimEnd());
  }
  return lines.join("\n");
}

/** The moves and the story of a run to a broken rule; `last` is a move that may be the one that throws. */
export function tellBroken(
  composition: Composition,
  path: readonly number[],
  last?: Move,
): { readonly moves: readonly Move[]; readonly story: string } {
  const before = movesAt(composition, path);
  const moves = last === undefined ? before : [...before, last];
  try {
    return { moves, story: tellSystem(composition, moves) };
  } catch {
    return { moves, story: `${tellSystem(composition, before)}\n  ${moves.length} ${sayMove(moves.at(-1)!)}` };
  }
}

function sayOutcome({ move, sent }: Happening, state: SystemState<unknown>): string {
  if (move.do === "start") return state.locals.map((local) => `${local.name}: ${sayLocal(local)}`).join("; ");
  if (!("actor" in move) || move.do === "lose" || move.do === "duplicate") return "";
  const local = state.locals.find(({ name }) => name === move.actor);
  if (local === undefined) {
    return move.do === "restart"
      ? `-> ${state.locals.map((each) => `${each.name}: ${sayLocal(each)}`).join("; ")}`
      : "";
  }
  if (local.down && move.do === "deliver") return `in vain: ${local.name} is down`;
  const sends = sent.length === 0 ? "" : `; sends ${sent.map(({ to, event }) => `${to} ${event.type}`).join(", ")}`;
  return `-> ${local.name} ${sayLocal(local)}${sends}`;
}
