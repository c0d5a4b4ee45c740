/** A node without a world: pods go through their charts, nothing runs. All of it is gone when the process ends. */
import { realRandom } from "../actors/real/real_random.ts";
import { SimulatedRuntime } from "../actors/simulated/container_runtime.ts";
import { everyImage } from "../actors/simulated/every_image.ts";
import { SimulatedNodeFiles } from "../actors/simulated/node_files.ts";
import { SimulatedPodNetwork } from "../actors/simulated/pod_network.ts";
import type { Clock } from "../ports/clock.ts";
import type { NodeWorld } from "./runtime_choice.ts";

export function simulatedNode(clock: Clock, podCidr: string): NodeWorld {
  return {
    runtime: new SimulatedRuntime({ clock, random: realRandom, images: everyImage(), latencyMs: 10 }),
    network: new SimulatedPodNetwork(podCidr),
    files: new SimulatedNodeFiles(),
  };
}
