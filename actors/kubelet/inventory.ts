/** What the runtime has of this node when the kubelet starts, sorted by pod. */
import { crashesFound } from "../../machines/container/back_off.ts";
import type { ContainerInput } from "../../machines/container/container_machine.ts";
import { attemptOf, labelNames, sandboxContainer } from "../../machines/pod/pod_names.ts";
import type { Run } from "../../machines/pod/pod_view.ts";
import type { RuntimeContainer } from "../../ports/container_runtime.ts";
import { factsOf } from "./runs.ts";

export interface FoundContainer {
  readonly current: RuntimeContainer;
  readonly attempt: number;
  readonly previous: RuntimeContainer | undefined;
}

export interface FoundPod {
  /** The latest, and whether it runs. */
  readonly sandbox: { readonly container: RuntimeContainer; readonly attempt: number } | undefined;
  readonly containers: ReadonlyMap<string, FoundContainer>;
}

export function sortByPod(found: readonly RuntimeContainer[]): Map<string, FoundPod> {
  const byPod = Map.groupBy(found, ({ labels }) => labels[labelNames.podUid] ?? "");
  byPod.delete("");
  return new Map([...byPod].map(([uid, containers]) => [uid, sortContainers(containers)]));
}

function sortContainers(found: readonly RuntimeContainer[]): FoundPod {
  const attempts = found.map((container) => ({ container, attempt: attemptOf(container.name) ?? 0 }))
    .sort((a, b) => b.attempt - a.attempt);
  const byName = Map.groupBy(attempts, ({ container }) => container.labels[labelNames.container] ?? "");
  const sandbox = byName.get(sandboxContainer)?.[0];
  byName.delete(sandboxContainer);
  const containers = [...byName].map(([name, [latest, before]]): [string, FoundContainer] => [name, {
    current: latest!.container,
    attempt: latest!.attempt,
    previous: before?.container,
  }]);
  return { sandbox, containers: new Map(containers) };
}

export interface Adopted {
  readonly found: ContainerInput["found"];
  readonly crashes: number;
  readonly nextAttempt: number;
  readonly facts: Run | undefined;
  readonly last: Run | undefined;
  /** Of the definition that it was made from. */
  readonly hash: string | undefined;
}

/** One that was made and never started counts as not there: its name brings it back when it is made again. */
export function adopt(container: FoundContainer | undefined, image: string): Adopted {
  if (container === undefined) {
    return { found: "nothing", crashes: 0, nextAttempt: 0, facts: undefined, last: undefined, hash: undefined };
  }
  const { current, attempt, previous } = container;
  const last = previous === undefined || previous.state !== "exited" ? undefined : factsOf(previous, image);
  if (current.state === "created") {
    return {
      found: "nothing",
      crashes: attempt === 0 ? 0 : 1,
      nextAttempt: attempt,
      facts: undefined,
      last,
      hash: undefined,
    };
  }
  const ranMs = Date.parse(current.finishedAt ?? "") - Date.parse(current.startedAt ?? "");
  return {
    found: current.state === "running" ? "running" : current.exitCode === 0 ? "completed" : "failed",
    crashes: crashesFound(attempt + (current.state === "running" ? 0 : 1), Number.isNaN(ranMs) ? 0 : ranMs),
    nextAttempt: attempt + 1,
    facts: factsOf(current, image),
    last,
    hash: current.labels[labelNames.hash],
  };
}
