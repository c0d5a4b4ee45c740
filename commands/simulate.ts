/** `chartroom simulate`: whole clusters under one seed each, with faults; a failure is shrunk and can be run again. */
import { describeFault } from "./simulation/faults.ts";
import { describeOperation } from "./simulation/operations.ts";
import { drawSchedule, type FaultKind, faultKinds, type Schedule } from "./simulation/schedule.ts";
import { shrink } from "./simulation/shrink.ts";
import { traceHead, traceLine } from "./trace_file.ts";
import { simulate, type SimulationOptions, type SimulationResult } from "./simulation/simulate.ts";

export interface SimulateOptions {
  readonly seed: number;
  readonly seeds: number;
  readonly nodes: number;
  readonly masters?: number;
  readonly minutes: number;
  readonly faults: string;
  /** Part of the schedule: numbers of faults and of operations. */
  readonly only?: string;
  readonly idle?: boolean;
  /** A file, or "-". */
  readonly trace?: string;
  /** A file, or "-". */
  readonly record?: string;
  readonly shrink: boolean;
}

/** Unless it is said: a store of one member in two seeds of three, of three members in the third. */
const drawnMasters = (seed: number): number => seed % 3 === 0 ? 3 : 1;
const mostShrinkRuns = 300;

export async function simulateCommand(options: SimulateOptions): Promise<void> {
  // A trace on the standard output has that for itself.
  const say = options.trace === "-" || options.record === "-" ? console.error : console.log;
  Deno.exitCode = await runSimulations(options, say);
}

/** The process' exit code: 1 when a seed failed. */
export async function runSimulations(options: SimulateOptions, say: (line: string) => void): Promise<number> {
  const faults = faultsOf(options.faults);
  const startedAt = performance.now();
  let simulatedMs = 0;
  let failed = 0;
  for (let seed = options.seed; seed < options.seed + options.seeds; seed++) {
    const { nodes, minutes } = options;
    const masters = options.masters ?? drawnMasters(seed);
    const base = { seed, nodes, masters, minutes, faults, workload: options.idle !== true };
    const trace = options.trace === undefined ? undefined : openTrace(options.trace);
    const record = options.record === undefined ? undefined : openTrace(options.record);
    record?.write(traceHead);
    const began = performance.now();
    const result = await simulate({
      ...base,
      ...(options.only === undefined ? {} : { schedule: partOf(base, options.only) }),
      ...(trace === undefined ? {} : { trace: trace.write }),
      ...(record === undefined ? {} : { record: (process, each) => record.write(traceLine(process, each)) }),
    });
    trace?.close();
    record?.close();
    simulatedMs += result.simulatedMs;
    say(summary(result, performance.now() - began));
    if (result.violation === undefined) continue;
    failed++;
    await report(options, base, result, say);
  }
  const speed = simulatedMs / (performance.now() - startedAt);
  say(`${options.seeds - failed} of ${options.seeds} seeds clean, ${speed.toFixed(0)} simulated seconds per second`);
  return failed > 0 ? 1 : 0;
}

/** @throws Error when a name is none of a fault's. */
export function faultsOf(text: string): readonly FaultKind[] {
  if (text === "all") return faultKinds;
  if (text === "none") return [];
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !(faultKinds as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `Cannot simulate the faults ${unknown.join(", ")}: there are ${faultKinds.join(", ")}, all and none`,
    );
  }
  return names as FaultKind[];
}

function summary({ seed, simulatedMs, steps, transitions, schedule, digest, violation }: SimulationResult, ms: number) {
  const { faults, operations } = schedule;
  return `seed ${seed}: ${violation === undefined ? "clean" : "FAILED"}, ${(simulatedMs / 1000).toFixed(0)} s at ${
    (simulatedMs / ms).toFixed(0)
  } s/s, ${steps} moments, ${transitions} transitions, ${faults.length} faults, ${operations.length} operations, trace ${
    digest.slice(0, 16)
  }`;
}

async function report(
  options: SimulateOptions,
  base: SimulationOptions,
  failing: SimulationResult,
  say: (line: string) => void,
): Promise<void> {
  const told = ({ violation }: SimulationResult) => {
    if (violation === undefined) return;
    say(`  What should hold: ${violation.invariant}`);
    say(`  What is, after ${(violation.atMs / 1000).toFixed(3)} s: ${violation.message}`);
  };
  told(failing);
  if (!options.shrink) return say(`  Again: ${commandLine(options, base.seed)}`);
  say("  Leaving out what has no part in it ...");
  const { schedule, result, runs } = await shrink(base, failing, mostShrinkRuns);
  say(`  ${schedule.faults.length} faults and ${schedule.operations.length} operations are left after ${runs} runs:`);
  const items = [
    ...schedule.operations.map((each) => ({ at: each.atMs, text: describeOperation(each) })),
    ...schedule.faults.map((each) => ({ at: each.atMs, text: describeFault(each) })),
  ];
  for (const { at, text } of items.sort((a, b) => a.at - b.at)) say(`    ${(at / 1000).toFixed(3)} s  ${text}`);
  told(result);
  say(`  Again: ${commandLine(options, base.seed, schedule)}`);
}

/** What runs exactly this again. */
function commandLine(options: SimulateOptions, seed: number, schedule?: Schedule): string {
  const { nodes, masters, minutes, faults, idle } = options;
  const only = schedule === undefined ? "" : ` --only ${partName(schedule)}`;
  return `chartroom simulate --seed ${seed} --nodes ${nodes}${
    masters === undefined ? "" : ` --masters ${masters}`
  } --minutes ${minutes} --faults ${faults}${idle ? " --idle" : ""}${only}`;
}

function partName({ faults, operations }: Schedule): string {
  const list = (items: readonly { id: number }[]) => items.map(({ id }) => id).join(",");
  return `${list(faults)}/${list(operations)}`;
}

/** The part of a seed's schedule that `--only FAULTS/OPERATIONS` names. */
function partOf(base: SimulationOptions, only: string): Schedule {
  const { seed, nodes, minutes, faults, workload = true } = base;
  const whole = drawSchedule({ seed, nodes, forMs: minutes * 60_000, faults, workload });
  const [wantedFaults, wantedOperations] = only.split("/").map((list) =>
    new Set(list.split(",").filter((id) => id !== "").map(Number))
  );
  if (wantedFaults === undefined || wantedOperations === undefined) {
    throw new Error(`Cannot read --only ${only}: it is FAULTS/OPERATIONS, numbers with commas between them`);
  }
  return {
    faults: whole.faults.filter(({ id }) => wantedFaults.has(id)),
    operations: whole.operations.filter(({ id }) => wantedOperations.has(id)),
  };
}

function openTrace(path: string): { write(line: string): void; close(): void } {
  const encoder = new TextEncoder();
  const file = path === "-" ? undefined : openFile(path);
  let waiting = "";
  const flush = () => {
    const bytes = encoder.encode(waiting);
    waiting = "";
    const out = file ?? Deno.stdout;
    for (let done = 0; done < bytes.length;) done += out.writeSync(bytes.subarray(done));
  };
  return {
    write(line) {
      waiting += line;
      if (waiting.length > 1 << 20) flush();
    },
    close() {
      flush();
      file?.close();
    },
  };
}

function openFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, create: true, truncate: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new Error(
      `Cannot write to "${path}": this command may write no files; say - instead and redirect the standard output`,
    );
  }
}
