/** A node: kubelet, its HTTPS server, its part of the network. */
import { type Kubelet, startKubelet } from "../actors/kubelet/kubelet.ts";
import type { ActorSystem } from "../actors/system.ts";
import type { KeyPair } from "../http/auth/certificates/issue.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { keptCertificate } from "../http/auth/certificates/pki.ts";
import { kubeletServingSubject } from "../http/auth/certificates/subjects.ts";
import { serveKubelet } from "../http/kubelet/kubelet_server.ts";
import type { Server } from "../http/server.ts";
import { type AddressPlan, nodePlan } from "../machines/network/address_plan.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { ContainerRuntime } from "../ports/container_runtime.ts";
import type { PodNetwork } from "../ports/pod_network.ts";
import type { ClusterState } from "./cluster_state.ts";

export interface NodeOptions {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  /** From 0; its address and pod range follow from it. */
  readonly number: number;
  readonly plan: AddressPlan;
  readonly client: ApiClient;
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork;
  /** Signs the kubelet's serving certificate and the API server's client certificate. */
  readonly authority: KeyPair;
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
  const name = nodeName(number);
  const { address, podCidr } = nodePlan(plan, number);
  const host = options.onNetwork ? address : "127.0.0.1";
  // On loopback, nodes of one host can only be told apart by their ports.
  const port = options.onNetwork ? kubeletPort : 0;
  const files = keyFiles(state.path("pki", "nodes", name));
  const serving = await keptCertificate(
    files,
    "kubelet",
    authority,
    kubeletServingSubject(name, [address, "127.0.0.1"]),
    system.clock.wallTime(),
  );
  let kubelet: Kubelet | undefined;
  const server: Server = await serveKubelet({
    addresses: [{ host, port }],
    certificate: serving.certificate,
    key: serving.key,
    clientCertificateAuthority: authority.certificate,
    clock: system.clock,
    streams: {
      logs: (...asked) => running(kubelet).streams.logs(...asked),
      exec: (...asked) => running(kubelet).streams.exec(...asked),
      attach: (...asked) => running(kubelet).streams.attach(...asked),
      portForward: (...asked) => running(kubelet).streams.portForward(...asked),
      pods: () => kubelet?.streams.pods() ?? [],
    },
    onError: (error) => options.report(`kubelet of ${name}: ${(error as Error).stack ?? error}`),
  });
  kubelet = await startKubelet({
    system,
    clusterName: state.name,
    nodeName: name,
    client: options.client,
    runtime: options.runtime,
    network: options.network,
    clusterDns: plan.dnsAddress,
    directory: state.path("nodes", name),
    addresses: [{ type: "InternalIP", address: host }, { type: "Hostname", address: name }],
    capacityShare: options.share,
    port: server.addresses[0]?.port ?? kubeletPort,
    podCIDR: podCidr,
  });
  return {
    name,
    kubelet,
    async stop() {
      await server.close(2_000);
      await kubelet?.stop({ leavePods: true });
    },
  };
}

function running(kubelet: Kubelet | undefined): Kubelet {
  if (kubelet === undefined) throw new Error("Cannot serve streams: the kubelet has not started yet");
  return kubelet;
}
