/** Rules of the counters in the status of workload kinds. */
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, has, int } from "../fields.ts";
import { invalid, nonnegative, path } from "./field.ts";

const atMostReplicas = [
  "fullyLabeledReplicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "currentReplicas",
];

/** Not negative; the parts not more than all; the available not more than the ready. */
export function validateReplicaCounts(status: Fields, counts: readonly string[]): FieldError[] {
  const errors = counts.flatMap((name) => nonnegative(status[name], path("status", name)));
  if (!counts.includes("replicas")) return errors;
  for (const name of atMostReplicas) {
    if (counts.includes(name) && int(status[name]) > int(status["replicas"])) {
      errors.push(invalid(path("status", name), int(status[name]), "cannot be greater than status.replicas"));
    }
  }
  if (has(status["availableReplicas"]) && int(status["availableReplicas"]) > int(status["readyReplicas"])) {
    errors.push(
      invalid(path("status", "availableReplicas"), status["availableReplicas"], "cannot be greater than readyReplicas"),
    );
  }
  return errors;
}
