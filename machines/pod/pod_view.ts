/** A pod as its status is computed from: what the charts and the runtime say, without how they came to it. */
import type { ContainerSnapshot } from "../container/container_view.ts";
import type { Pod } from "../objects/object.ts";

/** One run of a container, from its start to its end. */
export interface Run {
  /** `docker://...`. */
  readonly containerId: string;
  readonly imageId: string;
  readonly image: string;
  /** Whole seconds, RFC 3339. Absent: never started. */
  readonly startedAt?: string;
  /** Present: it has ended. */
  readonly finishedAt?: string;
  readonly exitCode?: number;
  readonly signal?: number;
  /** Completed, Error, OOMKilled, ContainerCannotRun. */
  readonly reason?: string;
  /** From the termination message file or the log. */
  readonly message?: string;
}

export interface ContainerView {
  readonly name: string;
  readonly image: string;
  /** Ephemeral ones (kubectl debug) decide nothing about the pod. */
  readonly role: "init" | "sidecar" | "app" | "ephemeral";
  readonly chart: ContainerSnapshot;
  /** Why it could not be made or started, as far as the chart's state asks for it. */
  readonly trouble?: { readonly reason: string; readonly message: string };
  readonly run?: Run;
  readonly last?: Run;
  readonly restartCount: number;
}

export interface PodView {
  readonly pod: Pod;
  readonly now: string;
  readonly startTime: string;
  readonly hostIPs: readonly string[];
  readonly podIPs: readonly string[];
  /** The sandbox runs and has its address. */
  readonly sandboxReady: boolean;
  /** The chart has ended the pod. */
  readonly ended?: "Succeeded" | "Failed";
  /** Why, where it is not for the containers: DeadlineExceeded, OutOfcpu ... */
  readonly because?: { readonly reason: string; readonly message: string };
  readonly containers: readonly ContainerView[];
}
