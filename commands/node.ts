/** A node: kubelet, its HTTPS server, its part of the network. */
import { tracedRuntime } from "../actors/inspection/traced_runtime.ts";
import { type Kubelet, startKubelet } from "../actors/kubelet/kubelet.ts";
import type { ActorSystem } from "../actors/system.ts";
import type { KeyPair } from "../http/auth/certificates/issue.ts";
import { kubeletApp } from "../http/kubelet/kubelet_server.ts";
import { serve, type Server } from "../http/server.ts";
import { type AddressPlan, nodePlan } from "../machines/network/address_plan.ts";
import { type KubeletPlace, kubeletPlace, type Reach } from "../machines/network/reach.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { ContainerRuntime } from "../ports/container_runtime.ts";
import type { NodeFiles } from "../ports/node_files.ts";
import type { PodNetwork } from "../ports/pod_network.ts";
import type { ClusterState } from "./cluster_state.ts";
import { explainRoutes } from "./explain_routes.ts";
import { nodeInspectionRoutes } from "./inspected_processes.ts";
import { namingPortOwner } from "./port_owner.ts";

export interface NodeOptions {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  /** From 0; its address and pod range follow from it. */
  readonly number: number;
  /** Where it has one of its own. */
  readonly name?: string;
  /** Where it is reached, if not at the address that follows from its number. */
  readonly address?: string;
  /** How other hosts come to this one. */
  readonly reach?: Reach;
  readonly plan: AddressPlan;
  readonly client: ApiClient;
  readonly runtime: ContainerRuntime;
  /** `dockerStarted`: called each time the container runtime has been connected to. */
  readonly network: PodNetwork & { dockerStarted?(): void };
  /** Absent: the host's. */
  readonly files?: NodeFiles;
  /** PEM: signs the API server's client certificate. */
  readonly authority: string;
  /** The kubelet's own. */
  readonly serving: KeyPair;
  /** Whether the node's address is on this host; without it the kubelet's server listens on loopback alone. */
  readonly onNetwork: boolean;
  /** Part of the host's capacity that is this node's. */
  readonly share: number;
  report(problem: string): void;
}

export interface RunningNode {
  readonly name: string;
  readonly kubelet: Kubelet;
  /** Ends the kubelet; its pods keep running and are adopted by the next one. */
  stop(): Promise<void>;
}

export function nodeName(number: number): string {
  return `worker-${number}`;
}

/** kubelet's port on its node's own address. */
const kubeletPort = 10_250;

export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { system, state, number, plan, authority } = options;
  const name = options.name ?? nodeName(number);
  const { podCidr } = nodePlan(plan, number);
  const { hosts, port, addresses } = placeOf(options);
  let kubelet = undefined as Kubelet | undefined;
  const onError = (error: unknown) => options.report(`kubelet of ${name}: ${(error as Error).stack ?? error}`);
  const app = kubeletApp({
    clock: system.clock,
    streams: {
      logs: (...asked) => running(kubelet).streams.logs(...asked),
      exec: (...asked) => running(kubelet).streams.exec(...asked),
      attach: (...asked) => running(kubelet).streams.attach(...asked),
      portForward: (...asked) => running(kubelet).streams.portForward(...asked),
      pods: () => kubelet?.streams.pods() ?? [],
    },
    onError,
  });
  explainRoutes(app, system);
  const inspection = nodeInspectionRoutes(app, system, name);
  const server: Server = await namingPortOwner(port, `the kubelet of ${name} on ${hosts.join(" and ")}`, () =>
    serve({
      addresses: hosts.map((host) => ({ host, port })),
      certificate: options.serving.certificate,
      key: options.serving.key,
      clientCertificateAuthority: authority,
      fetch: (request, environment) => app.fetch(request, environment),
      onError,
    }));
  kubelet = await startKubelet({
    system,
    clusterName: state.name,
    nodeName: name,
    client: options.client,
    runtime: tracedRuntime(options.runtime, system.steps),
    network: options.network,
    ...(options.files === undefined ? {} : { files: options.files }),
    clusterDns: plan.dnsAddress,
    directory: state.path("nodes", name),
    addresses: [...addresses, { type: "Hostname", address: name }],
    capacityShare: options.share,
    port: server.addresses[0]?.port ?? kubeletPort,
    podCIDR: podCidr,
    runtimeConnected: () => options.network.dockerStarted?.(),
  });
  return {
    name,
    kubelet,
    async stop() {
      inspection.stop();
      await server.close(2_000);
      await kubelet?.stop({ leavePods: true });
    },
  };
}

/** Who joins from another host has its host's address to itself. */
function placeOf({ address, onNetwork, plan, number, reach = {} }: NodeOptions): KubeletPlace {
  if (address === undefined) {
    return kubeletPlace(reach, {
      index: plan.index,
      number,
      own: onNetwork ? nodePlan(plan, number).address : undefined,
    });
  }
  return { hosts: [address], port: onNetwork ? kubeletPort : 0, addresses: [{ type: "InternalIP", address }] };
}

function running(kubelet: Kubelet | undefined): Kubelet {
  if (kubelet === undefined) throw new Error("Cannot serve streams: the kubelet has not started yet");
  return kubelet;
}
