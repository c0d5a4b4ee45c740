/** A Deployment's status and conditions (Kubernetes docs, "Deployments": Deployment status). */
import type { Deployment } from "../../objects/object.ts";
import { formatTime, parseTime } from "../../objects/time.ts";
import { availableOf, replicasOf, type Rollout, total } from "./rollout.ts";

type Status = NonNullable<Deployment["status"]>;
type Condition = NonNullable<Status["conditions"]>[number];
/** What a condition says, without its times. */
type Said = Pick<Condition, "type" | "status" | "reason" | "message">;

/** `created`: the new ReplicaSet is being created by this very plan, under this name. */
export function statusOf(rollout: Rollout, created: string | undefined): Status {
  const { deployment, current, all } = rollout;
  const available = total(all, availableOf);
  const counts = {
    replicas: total(all, (set) => set.status?.replicas ?? 0),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: total(all, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, total(all, replicasOf) - available),
  };
  const next: Status = {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    terminatingReplicas: total(all, (set) => set.status?.terminatingReplicas ?? 0),
    ...(deployment.status?.collisionCount !== undefined && { collisionCount: deployment.status.collisionCount }),
  };
  const conditions = conditionsOf(rollout, next, created);
  return { ...next, ...(conditions.length > 0 && { conditions }) };
}

function conditionsOf(rollout: Rollout, next: Status, created: string | undefined): Condition[] {
  const { deployment, current, wanted, maxUnavailable, now } = rollout;
  const failure = current?.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
  const said: (Said | undefined)[] = [
    (next.availableReplicas ?? 0) >= wanted - maxUnavailable
      ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
      : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      },
    progress(rollout, next, created),
    failure && { type: "ReplicaFailure", status: failure.status, ...textOf(failure) },
  ];
  const before = deployment.status?.conditions ?? [];
  const stated = said.filter((each) => each !== undefined).map((each) => withTimes(each, before, rollout, next, now));
  const others = before.filter(({ type }) => !["Available", "Progressing", "ReplicaFailure"].includes(type));
  // An old condition keeps its place; new ones come after.
  const place = (type: string) => {
    const index = before.findIndex((each) => each.type === type);
    return index < 0 ? before.length : index;
  };
  return [...others, ...stated].sort((a, b) => place(a.type) - place(b.type));
}

function textOf({ reason, message }: { reason?: string; message?: string }) {
  return { ...(reason !== undefined && { reason }), ...(message !== undefined && { message }) };
}

function withTimes(said: Said, before: readonly Condition[], rollout: Rollout, next: Status, now: number): Condition {
  const old = before.find(({ type }) => type === said.type);
  const same = old !== undefined && old.status === said.status && old.reason === said.reason &&
    old.message === said.message;
  // "Is progressing" is said again at each step forward: its update time feeds the progress deadline.
  const repeated = said.reason === "ReplicaSetUpdated" && hasProgressed(rollout, next);
  if (same && !repeated) return old;
  const time = formatTime(now);
  const lastTransitionTime = old?.status === said.status ? old.lastTransitionTime ?? time : time;
  return { ...said, lastUpdateTime: time, lastTransitionTime };
}

function progress(rollout: Rollout, next: Status, created: string | undefined): Said | undefined {
  const { deployment, current } = rollout;
  const before = deployment.status?.conditions?.find(({ type }) => type === "Progressing");
  const kept = before && { type: before.type, status: before.status, ...textOf(before) };
  const say = (status: Said["status"], reason: string, message: string): Said => ({
    type: "Progressing",
    status,
    reason,
    message,
  });
  if (deployment.spec?.progressDeadlineSeconds === undefined) return undefined;
  if (deployment.spec.paused) {
    return kept?.reason === "ProgressDeadlineExceeded"
      ? kept
      : say("Unknown", "DeploymentPaused", "Deployment is paused");
  }
  if (created !== undefined) return say("True", "NewReplicaSetCreated", `Created new replica set "${created}"`);
  if (current === undefined) return kept;
  const { name } = current.metadata;
  if (isComplete(rollout, next)) {
    return say("True", "NewReplicaSetAvailable", `ReplicaSet "${name}" has successfully progressed.`);
  }
  if (before === undefined) return say("True", "FoundNewReplicaSet", `Found new replica set "${name}"`);
  if (before.reason === "DeploymentPaused") return say("Unknown", "DeploymentResumed", "Deployment is resumed");
  if (hasProgressed(rollout, next)) return say("True", "ReplicaSetUpdated", `ReplicaSet "${name}" is progressing.`);
  if (deadlineInMs(rollout) === 0) {
    return say("False", "ProgressDeadlineExceeded", `ReplicaSet "${name}" has timed out progressing.`);
  }
  return kept;
}

export function isComplete({ wanted }: Pick<Rollout, "wanted">, status: Status): boolean {
  return (status.updatedReplicas ?? 0) === wanted && (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted;
}

function hasProgressed({ deployment }: Rollout, next: Status): boolean {
  const before = deployment.status ?? {};
  const old = (status: Status) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (next.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) || old(next) < old(before) ||
    (next.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (before.availableReplicas ?? 0);
}

/** Until the progress deadline; 0 when it has passed, undefined where none runs. */
export function deadlineInMs({ deployment, now }: Pick<Rollout, "deployment" | "now">): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  const condition = deployment.status?.conditions?.find(({ type }) => type === "Progressing");
  const runs = condition !== undefined && condition.reason !== "NewReplicaSetAvailable" &&
    condition.reason !== "DeploymentPaused";
  // 2147483647 stands for "no deadline".
  if (seconds === undefined || seconds === 2_147_483_647 || !runs) return undefined;
  if (condition.reason === "ProgressDeadlineExceeded") return 0;
  return Math.max(0, (parseTime(condition.lastUpdateTime) ?? now) + seconds * 1000 - now);
}
