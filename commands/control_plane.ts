/** A master together with what runs once per host beside it: service proxy, name server, load balancer. */
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import type { ActorSystem } from "../actors/system.ts";
import type { UserInfo } from "../http/machinery/types.ts";
import { type AddressPlan, controlPlaneAddress } from "../machines/network/address_plan.ts";
import type { ClusterState } from "./cluster_state.ts";
import { setUpControlPlaneAddress } from "./host_network.ts";
import { dnsPort, type HostServices } from "./host_services.ts";
import { type Master, startMaster } from "./master.ts";
import { controllerAccount } from "./master_components.ts";
import type { RuntimeName } from "./runtime_choice.ts";

/** A kubelet, as the API knows it. */
export const nodeUser = (name: string): UserInfo => ({
  name: `system:node:${name}`,
  groups: ["system:nodes", "system:authenticated"],
});

export const masterName = "master-0";

export interface ControlPlaneOptions {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  readonly plan: AddressPlan;
  readonly runtime: RuntimeName;
  readonly nodes: number;
  /** Names of the nodes of this very process. */
  readonly ownNodes: readonly string[];
  /** Shows the steps, one after the other. */
  step<T>(title: string, body: () => Promise<T>): Promise<T>;
  report(problem: string): void;
}

export interface ControlPlane {
  readonly master: Master;
  /** Starts what runs once per host; nothing to do where pods have no network. */
  startHostServices(): Promise<void>;
  stop(): Promise<void>;
}

/** Resolves when the API server listens and the cluster's standing objects are there. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { system, state, plan, nodes, step } = options;
  const onHost = options.runtime === "docker";
  const own = controlPlaneAddress(plan, 0);
  if (onHost) await step("Network set up", () => setUpControlPlaneAddress(plan));
  const master = await step(
    `API server listening on https://127.0.0.1:${plan.apiServerPort}`,
    () =>
      startMaster({
        system,
        state,
        name: masterName,
        plan,
        controlPlaneAddress: own,
        listenForCluster: onHost,
        ownNodes: options.ownNodes,
        ...(onHost ? { dns: { address: own, port: dnsPort } } : {}),
        report: options.report,
      }),
  );
  await step("Cluster prepared", () => master.ready);
  let services: HostServices | undefined;
  return {
    master,
    async startHostServices() {
      if (!onHost) return;
      const { startHostServices } = await import("./host_services.ts");
      services = startHostServices({
        system,
        node: masterName,
        plan,
        nodes,
        packetFilter: new NftPacketFilter(),
        proxyClient: master.client({ name: "system:kube-proxy", groups: ["system:authenticated"] }),
        balancerClient: master.client(controllerAccount("service-controller")),
        nodeClient: (name) => master.client(nodeUser(name)),
      });
    },
    async stop() {
      await services?.stop();
      await master.stop();
    },
  };
}
