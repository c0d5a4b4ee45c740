/** Answers for the processes of pods where there are none: on simulated nodes. */
import type { ProbeName } from "../machines/container/container_machine.ts";
import type { Pod } from "../machines/objects/object.ts";

export interface PodStandIn {
  /** Resolves when the probe passes. @throws Error with what it is told otherwise. */
  probe(pod: Pod, container: string, probe: ProbeName): Promise<void>;
}
