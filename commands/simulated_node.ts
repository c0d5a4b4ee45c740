/** A node without a world: pods go through their charts, nothing runs. */
import { SimulatedPodNetwork } from "../actors/simulated/pod_network.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContainerRuntime } from "../ports/container_runtime.ts";
import type { PodNetwork } from "../ports/pod_network.ts";

export function simulatedNode(_clock: Clock): { runtime: ContainerRuntime; network: PodNetwork } {
  throw new Error(
    "Cannot run the simulated runtime yet: it is not part of this version; install Docker Engine instead",
  );
}

export { SimulatedPodNetwork };
