/** What of a machine's context is worth a column in the list of actors. */
import type { AnyMachineSnapshot } from "xstate";
import { redact } from "./redaction.ts";

type Fields = Readonly<Record<string, unknown>>;

/** By convention of the project these fields are words for people. */
const spoken = ["problem", "message", "waitsFor"] as const;

export function sayingOf(context: unknown): string | undefined {
  const fields = (context ?? {}) as Fields;
  for (const field of spoken) {
    const text = fields[field];
    if (typeof text === "string" && text !== "") return redact(text) as string;
  }
  return undefined;
}

/** Machine id to the fields that are told; a path of two goes into an object. */
const told: Readonly<Record<string, readonly (readonly [as: string, ...path: string[]])[]>> = {
  raft: [["term", "term"], ["commit", "commit"], ["applied", "applied"], ["leader", "leader"], ["vote", "vote"]],
  storeMember: [["term", "term"], ["entriesSinceSnapshot", "since", "entries"]],
  container: [["pullFailures", "pullFailures"], ["restarts", "restarts"], ["ready", "ready"]],
  scheduling: [["attempts", "attempts"], ["node", "node"]],
  workItem: [["failures", "failures"]],
  pod: [["sandboxFailures", "sandboxFailures"], ["mountFailures", "mountFailures"]],
  probe: [["failures", "failures"], ["successes", "successes"]],
  leaderElection: [["holder", "holder"]],
};

export function factsOf(
  machine: string,
  snapshot: AnyMachineSnapshot,
): Readonly<Record<string, string | number | boolean>> | undefined {
  const fields = told[machine];
  if (fields === undefined) return undefined;
  const facts: Record<string, string | number | boolean> = {};
  for (const [as, ...path] of fields) {
    const value = path.reduce<unknown>((at, field) => (at as Fields | undefined)?.[field], snapshot.context);
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") facts[as] = value;
  }
  if (machine === "raft") facts["role"] = roleOf(snapshot);
  return facts;
}

function roleOf(snapshot: AnyMachineSnapshot): string {
  const roles = ["leader", "candidate", "preCandidate", "follower", "learner"] as const;
  return roles.find((role) => snapshot.matches({ member: role })) ?? String(Object.keys(snapshot.value)[0] ?? "");
}
