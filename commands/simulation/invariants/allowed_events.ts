/** Every process's run is one that the charts of its actors allow. */
import { TraceCheck, type TraceCheckOptions } from "../../../machines/check/trace_check.ts";
import { sayFault, type TracedTransition, type TraceRecord } from "../../../machines/check/trace_record.ts";
import { spontaneousFacts, traceRules } from "../../../machines/models/trace_rules.ts";
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";

/** For records of this process, whose snapshots know their machine. */
export const liveTrace: TraceCheckOptions = {
  machineOf: ({ snapshot }: TracedTransition) => (snapshot as AnyMachineSnapshot).machine as AnyStateMachine,
  facts: spontaneousFacts,
  rules: traceRules,
};

export interface AllowedEvents {
  take(record: TraceRecord, process: string): void;
}

export function allowedEvents(failed: (invariant: string, message: string) => void): AllowedEvents {
  const checks = new Map<string, TraceCheck>();
  return {
    take(record, process) {
      let check = checks.get(process);
      if (check === undefined) checks.set(process, check = new TraceCheck(liveTrace));
      const fault = check.take(record);
      if (fault !== undefined) failed("every event is one that the charts allow", `${process}: ${sayFault(fault)}`);
    },
  };
}
