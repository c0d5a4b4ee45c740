/** `chartroom check`: goes through every state of the models of what ships, and tells what can go wrong as a story. */
import { checkInWorkers } from "../actors/check/check_in_workers.ts";
import { checkSystem, type Violation } from "../machines/check/check_system.ts";
import { whyAlone } from "../machines/check/level_search.ts";
import type { MachineCoverage } from "../machines/check/machine_coverage.ts";
import { mermaidOf, svgOf } from "../machines/check/sequence.ts";
import type { Move, Progress, SystemModel } from "../machines/check/system_model.ts";
import { allModels } from "../machines/models/all_models.ts";
import { checkModel, isSystem, type NamedModel } from "../machines/models/model.ts";
import { type CheckedModel, checkTogether } from "./check_together.ts";
import { counterexampleRecording } from "./counterexample_recording.ts";
import { readInput } from "./read_input.ts";

export type CheckFormat = "story" | "mermaid" | "svg" | "json" | "inspector";

export interface CheckOptions {
  readonly all?: boolean;
  readonly list?: boolean;
  readonly coverage?: boolean;
  readonly format: CheckFormat;
  readonly workers: number;
  readonly replay?: string;
  readonly trace?: string;
}

/** What `--format json` prints and `--replay` reads. */
export interface Counterexample {
  readonly model: string;
  readonly rule: string;
  readonly kind: Violation["kind"];
  readonly moves: readonly Move[];
  readonly cycle: readonly Move[];
}

const columns = "  states      steps  depth   time";

export async function check(name: string | undefined, options: CheckOptions): Promise<void> {
  if (options.trace !== undefined) return await (await import("./trace_file.ts")).sayTrace(options.trace);
  if (options.replay !== undefined) return await replay(options.replay, options.format);
  const chosen = chooseModels(name, options.all ?? false);
  const width = Math.max(...chosen.map((model) => model.name.length));
  if (options.list) {
    for (const model of chosen) console.log(`${model.name.padEnd(width)}  ${model.size}  ${model.about}`);
    return;
  }
  const coverage = new Map<string, MachineCoverage>();
  console.error(`${" ".repeat(width)}   ${columns}`);
  for await (const { model, found, ms } of checked(chosen, options.workers)) {
    for (const each of found.coverage) {
      const known = coverage.get(each.machine.id);
      if (known === undefined) coverage.set(each.machine.id, each);
      else known.add(each);
    }
    const { states, generated, depth, verdict } = found;
    const numbers = `${pad(states, 8)} ${pad(generated, 10)} ${pad(depth, 6)} ${pad(`${(ms / 1000).toFixed(1)} s`, 8)}`;
    console.error(`${model.name.padEnd(width)}   ${numbers}   ${verdict === "complete" ? "holds" : verdict}`);
    if (verdict === "incomplete") {
      console.error(`  ${found.reason}; it says nothing about: ${found.unchecked.join("; ") || "states not seen"}`);
      Deno.exitCode = 2;
    }
    // One that can be told is worth more than that something never happens.
    const violation = found.violations.find(({ moves }) => moves.length > 0) ?? found.violations[0];
    if (violation === undefined) continue;
    Deno.exitCode = 1;
    const { rule, kind, moves, cycle } = violation;
    const counterexample = { model: model.name, rule, kind, moves, cycle };
    const system = isSystem(model) ? model.system() : undefined;
    if (system === undefined && options.format !== "story") {
      throw new Error(`Cannot tell what breaks in "${model.name}" as ${options.format}: it is told as a story only`);
    }
    console.log(system === undefined ? violation.story : told(system, counterexample, violation.story, options.format));
    return;
  }
  sayCoverage([...coverage.values()], options.coverage ?? false);
  if (!options.coverage || name !== undefined) return;
  const { machines } = await import("./machine_table.ts");
  for (const id of Object.keys(machines)) if (!coverage.has(id)) console.log(`${id}: no model has this chart in it`);
}

/** By name, or all whose name begins so: `pod`, `pod/crash`. */
export function chooseModels(name: string | undefined, all: boolean): readonly NamedModel[] {
  const found = name === undefined
    ? allModels.filter(({ size }) => all || size === "small")
    : allModels.filter((model) =>
      model.name === name || (model.name.startsWith(`${name}/`) && (all || model.size === "small"))
    );
  if (found.length > 0) return found;
  const kinds = [...new Set(allModels.map((model) => model.name.split("/")[0]))].join(", ");
  throw new Error(`Cannot check "${name}": there is no such model (there are ${kinds}; --list names them all)`);
}

/** One model in several workers where its rules allow it; several models each in one. */
async function* checked(chosen: readonly NamedModel[], workers: number): AsyncGenerator<CheckedModel> {
  if (workers > 1 && chosen.length > 1) return yield* checkTogether(chosen, workers);
  for (const model of chosen) yield await run(model, workers);
}

async function run(model: NamedModel, workers: number): Promise<CheckedModel> {
  const started = performance.now();
  if (!isSystem(model)) return { model, found: checkModel(model), ms: performance.now() - started };
  const { name } = model;
  const live = Deno.stderr.isTerminal();
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  const onProgress = ({ states, depth, megabytes }: Progress) => {
    if (live) write(`\r${name}: ${states} states, ${depth} deep, ${megabytes} MB`);
  };
  const hooks = { now: () => performance.now(), onProgress };
  const system = { ...model.system(), ...hooks };
  const found = workers > 1 && whyAlone(system) === undefined
    ? await checkInWorkers(
      { module: import.meta.resolve("../machines/models/all_models.ts"), make: "modelNamed", args: [name] },
      { workers, ...hooks },
    )
    : checkSystem(system);
  if (live) write("\r\x1b[K");
  return { model, found, ms: performance.now() - started };
}

function told(system: SystemModel, counterexample: Counterexample, story: string, format: CheckFormat): string {
  switch (format) {
    case "story": {
      const { rule, kind, moves } = counterexample;
      return `Broken rule "${rule}" (${kind}, ${moves.length} steps):\n${story}`;
    }
    case "mermaid":
      return mermaidOf(system, counterexample);
    case "svg":
      return svgOf(system, counterexample);
    case "inspector":
      return counterexampleRecording(system, counterexample);
    case "json":
      return JSON.stringify(counterexample, null, 2);
  }
}

async function replay(file: string, format: CheckFormat): Promise<void> {
  const counterexample = JSON.parse(await readInput(file)) as Counterexample;
  const [model] = chooseModels(counterexample.model, true);
  if (!isSystem(model!)) throw new Error(`Cannot replay "${model!.name}": its runs are told as stories only`);
  const system = model.system();
  if (format !== "story") return console.log(told(system, counterexample, "", format));
  const { replayLive } = await import("./replay_live.ts");
  const { lines, parted } = replayLive(system, [...counterexample.moves, ...counterexample.cycle]);
  for (const line of lines) console.log(line);
  if (parted === undefined) return console.log("The live actors went where the model says.");
  console.log(`The live actors went another way ${parted}`);
  Deno.exitCode = 1;
}

function sayCoverage(all: readonly MachineCoverage[], isLong: boolean): void {
  for (const coverage of all) {
    const { states, reached, edges, taken } = coverage.counts;
    console.error(`${coverage.machine.id}: ${reached} of ${states} states, ${taken} of ${edges} edges`);
    if (!isLong) continue;
    for (const name of coverage.unreachedStates()) console.log(`  state never reached: ${name}`);
    for (const name of coverage.unreachedEdges()) console.log(`  edge never taken: ${name}`);
    for (const name of coverage.untriedGuards()) console.log(`  guard ${name}`);
  }
}

const pad = (value: number | string, width: number) => String(value).padStart(width);
