/** `up --simulated-nodes`: nodes on which nothing runs, with one kubelet server for all of them. */
import { realRandom } from "../actors/real/real_random.ts";
import { SimulatedNodes } from "../actors/simulated_nodes/simulated_nodes.ts";
import type { ActorSystem } from "../actors/system.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { keptCertificate } from "../http/auth/certificates/pki.ts";
import { kubeletServingSubject } from "../http/auth/certificates/subjects.ts";
import { kubeletApp } from "../http/kubelet/kubelet_server.ts";
import { serve } from "../http/server.ts";
import type { SimulatedWorld } from "../machines/simulated_nodes/behaviours.ts";
import { ApiError } from "../machines/objects/status.ts";
import type { NodeStreams } from "../ports/node_streams.ts";
import type { ClusterState } from "./cluster_state.ts";
import { nodeUser } from "./control_plane.ts";
import type { Master } from "./master.ts";

export interface SimulatedNodesWish {
  readonly count: number;
  readonly world: SimulatedWorld;
  /** There are nodes beside them on which pods run. */
  readonly mixed: boolean;
}

export interface SimulatedNodesOptions extends SimulatedNodesWish {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  readonly master: Master;
  report(problem: string): void;
}

export interface RunningSimulatedNodes {
  has(node: string): boolean;
  stop(): Promise<void>;
}

const host = "127.0.0.1";

/** Resolves when all are Ready. */
export async function startSimulatedNodes(options: SimulatedNodesOptions): Promise<RunningSimulatedNodes> {
  const { system, state, master, count, world, mixed, report } = options;
  const { authority } = master.keys;
  const serving = await keptCertificate(
    keyFiles(state.path("pki", "simulated-nodes")),
    "kubelet",
    authority,
    kubeletServingSubject("simulated-nodes", [host]),
    system.clock.wallTime(),
  );
  let nodes = undefined as SimulatedNodes | undefined;
  const onError = (error: unknown) => report(`kubelet of simulated nodes: ${(error as Error).stack ?? error}`);
  const app = kubeletApp({ clock: system.clock, streams: streamsOf(() => nodes), onError });
  const server = await serve({
    addresses: [{ host, port: 0 }],
    certificate: serving.certificate,
    key: serving.key,
    clientCertificateAuthority: authority.certificate,
    fetch: (request, environment) => app.fetch(request, environment),
    onError,
  });
  nodes = new SimulatedNodes({
    system,
    node: "simulated-nodes",
    clusterName: state.name,
    count,
    world,
    tainted: mixed,
    client: master.client({ name: "chartroom:simulated-nodes", groups: ["system:masters"] }),
    clientOf: (node) => master.client(nodeUser(node)),
    random: realRandom,
    host,
    port: server.addresses[0]!.port,
  });
  await nodes.ready;
  const running = nodes;
  return {
    has: (node) => running.has(node),
    async stop() {
      await server.close(2_000);
      await running.stop();
    },
  };
}

/** A pod's streams are those of its node's kubelet. */
function streamsOf(nodes: () => SimulatedNodes | undefined): NodeStreams {
  const of = (pod: { readonly namespace: string; readonly pod: string }): NodeStreams => {
    const kubelet = nodes()?.kubeletOf(pod);
    if (kubelet === undefined) {
      throw new ApiError(404, "NotFound", "pod does not exist", { name: pod.pod, kind: "pods" });
    }
    return kubelet.streams;
  };
  return {
    logs: async (target, ...asked) => await of(target).logs(target, ...asked),
    exec: async (target, ...asked) => await of(target).exec(target, ...asked),
    attach: async (target, ...asked) => await of(target).attach(target, ...asked),
    portForward: async ({ pod }) => {
      await Promise.resolve();
      throw new ApiError(
        400,
        "BadRequest",
        `Cannot forward ports to pod ${pod}: its node is simulated, nothing listens`,
      );
    },
    pods: () => [],
  };
}
