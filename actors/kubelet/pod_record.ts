/**
 * What the kubelet knows of a pod beyond what its charts decide by: ids, addresses, texts and how runs ended. The
 * charts decide, the record remembers; it is rebuilt from the runtime when the kubelet starts.
 */
import type { ContainerInput } from "../../machines/container/container_machine.ts";
import type { Container, Pod } from "../../machines/objects/object.ts";
import type { Run } from "../../machines/pod/pod_view.ts";
import type { RuntimeImage } from "../../ports/container_runtime.ts";
import type { Address } from "../system.ts";

export interface RunRecord {
  readonly id: string;
  readonly attempt: number;
  facts: Run;
  /** The order to start it was answered; before that an exit is held back. */
  startAnswered: boolean;
  /** Settles once with the exit code; set when somebody first hears that it ended. */
  ending: Promise<number> | undefined;
  /** The container's actor has heard of the exit. */
  exitTold: boolean;
}

export interface ContainerRecord {
  readonly name: string;
  readonly role: ContainerInput["role"] | "ephemeral";
  readonly address: Address;
  spec: Container;
  /** Number of the next attempt: also how often it was restarted. */
  nextAttempt: number;
  run: RunRecord | undefined;
  last: Run | undefined;
  trouble: { reason: string; message: string } | undefined;
  image: RuntimeImage | undefined;
  /** Ephemeral ones are started once, when the pod runs. */
  asked: boolean;
  /** Why it is being stopped, for the event. */
  stopReason: string | undefined;
  found: ContainerInput["found"];
  /** Hash of the definition that what was found was made from. */
  foundHash: string | undefined;
  crashes: number;
}

export interface SandboxRecord {
  readonly id: string;
  readonly attempt: number;
  pid: number;
  removing: boolean;
}

export interface PodRecord {
  pod: Pod;
  readonly address: Address;
  readonly statusAddress: Address;
  readonly volumesAddress: Address;
  readonly containers: Map<string, ContainerRecord>;
  readonly startTime: string;
  sandbox: SandboxRecord | undefined;
  nextSandbox: number;
  podIPs: string[];
  /** One thing at a time is done to the sandbox; the next waits for this. */
  sandboxWork: Promise<unknown>;
  volumeWork: Promise<unknown>;
  statusWork: Promise<unknown>;
  because: { reason: string; message: string } | undefined;
  readonly orphan: boolean;
}

/** Runs `work` after whatever is queued there, also when that failed. */
export function inTurn<T>(queue: Promise<unknown>, work: () => Promise<T>): Promise<T> {
  return queue.then(work, work);
}
