/** The kubelet of one simulated node: the kubelet of every node, with declared behaviours in the place of an engine. */
import {
  behaviourOf,
  type DeclaredBehaviour,
  isReadyAfter,
  type SimulatedWorld,
} from "../../machines/simulated_nodes/behaviours.ts";
import { drawn, type Duration } from "../../machines/simulated_nodes/fields.ts";
import type { Pod } from "../../machines/objects/object.ts";
import { labelNames, sandboxContainer } from "../../machines/pod/pod_names.ts";
import type { LabelSelector } from "../../ports/container_runtime.ts";
import type { PodStandIn } from "../../ports/pod_stand_in.ts";
import type { Random } from "../../ports/random.ts";
import { type Kubelet, type KubeletOptions, startKubelet } from "../kubelet/kubelet.ts";
import type { Behaviour } from "../simulated/container_behaviour.ts";
import { SimulatedRuntime } from "../simulated/container_runtime.ts";
import { everyImage } from "../simulated/every_image.ts";
import { SimulatedPodNetwork } from "../simulated/pod_network.ts";
import { noFiles } from "./no_files.ts";
import type { NodePods } from "./node_pods.ts";

export interface SimulatedKubeletOptions
  extends Pick<KubeletOptions, "system" | "clusterName" | "nodeName" | "client" | "addresses" | "port" | "labels"> {
  readonly world: SimulatedWorld;
  readonly random: Random;
  readonly capacity: NonNullable<KubeletOptions["capacity"]>;
  readonly taints: NonNullable<KubeletOptions["taints"]>;
  readonly podCIDR: string;
  readonly share: NonNullable<KubeletOptions["share"]> & { readonly pods: NodePods };
}

export function startSimulatedKubelet(options: SimulatedKubeletOptions): Promise<Kubelet> {
  const { world, random, share, ...rest } = options;
  const { clock } = options.system;
  const ms = (of: Duration) => drawn(of, random.next());
  const declared = (labels: LabelSelector): DeclaredBehaviour | undefined => {
    const container = labels[labelNames.container];
    const pod = share.pods.get(labels[labelNames.podUid] ?? "");
    return pod === undefined || container === undefined || container === sandboxContainer
      ? undefined
      : behaviourOf(world, pod, container);
  };
  /** When the containers whose readiness is declared were started, and what was drawn for it. */
  const started = new Map<string, { at: number; draw: number }>();
  const keyOf = (uid: string, container: string) => `${uid}/${container}`;
  const runtime = new SimulatedRuntime({
    clock,
    random,
    images: everyImage(),
    behave(draft) {
      const behaviour = declared(draft.labels);
      return behaviour === undefined ? {} : runtimeBehaviour(behaviour, ms, options.nodeName);
    },
    pull(_, labels) {
      const pull = declared(labels)?.pull;
      if (pull === undefined) return undefined;
      return { delayMs: pull.delay === undefined ? 0 : ms(pull.delay), ...(pull.error && { error: pull.error }) };
    },
    observe({ type, labels }) {
      const uid = labels[labelNames.podUid] ?? "";
      const key = keyOf(uid, labels[labelNames.container] ?? "");
      if (type === "removed") started.delete(key);
      else if (type === "started" && declared(labels)?.ready) {
        started.set(key, { at: clock.now(), draw: random.next() });
      }
    },
  });
  const standIn: PodStandIn = {
    probe(pod: Pod, container, probe) {
      if (probe !== "readiness") return Promise.resolve();
      const { at, draw } = started.get(keyOf(pod.metadata.uid, container)) ?? { at: clock.now(), draw: 0 };
      const ready = isReadyAfter(behaviourOf(world, pod, container), clock.now() - at, (of) => drawn(of, draw));
      return ready ? Promise.resolve() : Promise.reject(new Error("it is declared not to be ready"));
    },
  };
  return startKubelet({
    ...rest,
    random,
    runtime,
    network: new SimulatedPodNetwork(options.podCIDR),
    files: noFiles,
    directory: "/",
    share,
    standIn,
  });
}

function runtimeBehaviour(
  { startDelay, startError, exit, ignoresStop, log }: DeclaredBehaviour,
  ms: (of: Duration) => number,
  node: string,
): Behaviour {
  const nothing = `Nothing runs in this container: node ${node} is simulated.\n`;
  return {
    stdout: log ?? nothing,
    exec: () => ({ exitCode: 126, stderr: nothing }),
    ...(startDelay === undefined ? {} : { startDelayMs: ms(startDelay) }),
    ...(startError === undefined ? {} : { startError }),
    ...(exit === undefined || exit === "never"
      ? {}
      : { endsAfterMs: exit.after === undefined ? 0 : ms(exit.after), exitCode: exit.code ?? 0 }),
    ...(ignoresStop === undefined ? {} : { ignoresStopSignal: ignoresStop }),
  };
}
