/** Runs of live actors in a file: one line of JSON for each record, with the process that it is of. */
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { TraceCheck } from "../machines/check/trace_check.ts";
import {
  sayFault,
  type TracedSnapshot,
  type TracedTransition,
  type TraceFault,
  type TraceRecord,
} from "../machines/check/trace_record.ts";
import { spontaneousFacts, traceRules } from "../machines/models/trace_rules.ts";
import { machines } from "./machine_table.ts";
import { readInput } from "./read_input.ts";

/** The first line of such a file. */
const head = { trace: "chartroom", version: 1 } as const;
export const traceHead = `${JSON.stringify(head)}\n`;

interface Line {
  readonly process: string;
  readonly record: TraceRecord;
}

/** What a file says of a snapshot, beside value, context and status: which chart it is of. */
interface FiledSnapshot extends TracedSnapshot {
  readonly machine: string;
}

export function traceLine(process: string, record: TraceRecord): string {
  return `${JSON.stringify({ process, record: record.type === "transition" ? filed(record) : record })}\n`;
}

function filed(transition: TracedTransition): TracedTransition {
  const { type, sequence, at, actor, incarnation, event, cause, input, orders, firstOrder, timers } = transition;
  const { value, context, status, machine } = transition.snapshot as AnyMachineSnapshot;
  const snapshot: FiledSnapshot = { machine: machine.id, value, context, status };
  return { type, sequence, at, actor, incarnation, event, cause, input, snapshot, orders, firstOrder, timers };
}

export interface CheckedTrace {
  readonly processes: number;
  readonly events: number;
  readonly fault: (TraceFault & { readonly process: string; readonly line: number }) | undefined;
}

/**
 * @param text of a file
 * @throws Error when it is no trace.
 */
export async function checkTrace(text: string): Promise<CheckedTrace> {
  const lines = text.split("\n").filter((line) => line !== "");
  const first = lines.length === 0 ? undefined : parsed(lines[0]!, 1) as Partial<typeof head>;
  if (first?.trace !== head.trace || first.version !== head.version) {
    throw new Error(
      "Cannot check trace: its first line is no head of version 1; make one with `chartroom simulate --record FILE`",
    );
  }
  const charts = new Map<string, AnyStateMachine>();
  for (const [id, load] of Object.entries(machines)) charts.set(id, await load());
  const machineOf = ({ snapshot }: TracedTransition) => charts.get((snapshot as FiledSnapshot).machine);
  const checks = new Map<string, TraceCheck>();
  const events = () => [...checks.values()].reduce((sum, check) => sum + check.events, 0);
  for (const [index, text] of lines.entries()) {
    if (index === 0) continue;
    const { process, record } = parsed(text, index + 1) as Line;
    let check = checks.get(process);
    if (check === undefined) {
      checks.set(process, check = new TraceCheck({ machineOf, facts: spontaneousFacts, rules: traceRules }));
    }
    const fault = check.take(record);
    if (fault !== undefined) {
      return { processes: checks.size, events: events(), fault: { ...fault, process, line: index + 1 } };
    }
  }
  return { processes: checks.size, events: events(), fault: undefined };
}

/** `chartroom check --trace FILE` */
export async function sayTrace(file: string): Promise<void> {
  const { processes, events, fault } = await checkTrace(await readInput(file));
  if (fault === undefined) {
    console.log(`${events} events of ${processes} processes, each one that the charts allow.`);
    return;
  }
  console.log(`${events} events were allowed; line ${fault.line}, ${fault.process}, is not.\n${sayFault(fault)}`);
  Deno.exitCode = 1;
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Error(`Cannot check trace: line ${number} is no JSON: ${(error as Error).message}`);
  }
}
