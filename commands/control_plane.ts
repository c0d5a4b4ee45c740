/** A master together with what runs once per host beside it: service proxy, name server, load balancer. */
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import type { ActorSystem } from "../actors/system.ts";
import type { UserInfo } from "../http/machinery/types.ts";
import { type AddressPlan, controlPlaneAddress } from "../machines/network/address_plan.ts";
import type { Reach } from "../machines/network/reach.ts";
import type { JoinTicket } from "../ports/store_membership.ts";
import type { ClusterState } from "./cluster_state.ts";
import { readExternalStore } from "./external_store_note.ts";
import { setUpControlPlaneAddresses, setUpJoinedAddress } from "./host_network.ts";
import { takeTurn } from "./host_turn.ts";
import { dnsPort, type HostServices } from "./host_services.ts";
import { type Master, startMaster } from "./master.ts";
import { controllerAccount } from "./master_components.ts";
import type { AmongMasters } from "./master_options.ts";
import { readReach } from "./reach.ts";
import type { RuntimeName } from "./runtime_choice.ts";

/** A kubelet, as the API knows it. */
export const nodeUser = (name: string): UserInfo => ({
  name: `system:node:${name}`,
  groups: ["system:nodes", "system:authenticated"],
});

export const masterName = (number: number): string => `master-${number}`;

export interface ControlPlaneOptions {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  readonly plan: AddressPlan;
  readonly runtime: RuntimeName;
  readonly nodes: number;
  /** Whether a node is one of this very process; absent: none is. */
  ownNode?(node: string): boolean;
  /** One of several masters, which share this host: its number among them. */
  readonly replicated?: {
    readonly number: number;
    readonly masters: number;
    /** It was not started with the cluster, but came with a token. */
    readonly joined?: { readonly name: string; readonly ticket: JoinTicket };
  };
  /** Shows the steps, one after the other. */
  step<T>(title: string, body: () => Promise<T>): Promise<T>;
  report(problem: string): void;
}

export interface ControlPlane {
  readonly master: Master;
  /** Starts what runs once per host; nothing to do where pods have no network. */
  startHostServices(): Promise<void>;
  /** Resolves with what to say when the other masters have removed this one: what is left is to stop. */
  readonly removed: Promise<string>;
  stop(): Promise<void>;
}

/** Resolves when the API server listens and the cluster's standing objects are there. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { system, state, plan, nodes, step } = options;
  const onHost = options.runtime === "docker";
  const { number, masters } = options.replicated ?? { number: 0, masters: 1 };
  const joined = options.replicated?.joined;
  const name = joined?.name ?? masterName(number);
  const own = controlPlaneAddress(plan, number);
  const reach = await readReach(state.directory);
  if (onHost) {
    await step(
      "Network set up",
      () => joined === undefined ? setUpControlPlaneAddresses(plan, masters) : setUpJoinedAddress(plan, number),
    );
  }
  const among = options.replicated === undefined ? undefined : await amongOthers(options, reach, name, own);
  const removed = among?.removed ?? new Promise<string>(() => {});
  const master = await step(
    `API server listening on https://127.0.0.1:${plan.apiServerPort}`,
    () =>
      startMaster({
        system,
        state,
        name,
        plan,
        reach,
        controlPlaneAddress: own,
        listenForCluster: onHost,
        ...(options.ownNode === undefined ? {} : { ownNode: options.ownNode }),
        ...(among === undefined ? {} : { among }),
        ...(onHost ? { dns: { address: controlPlaneAddress(plan, 0), port: dnsPort } } : {}),
        report: options.report,
      }),
  );
  await Promise.race([
    step("Cluster prepared", () => master.ready),
    removed.then((message) => Promise.reject(new Error(message))),
  ]);
  let services: HostServices | undefined;
  let turn: { stop(): void } | undefined;
  return {
    master,
    removed,
    async startHostServices() {
      if (!onHost) return;
      const { startHostServices } = await import("./host_services.ts");
      const start = () => {
        services = startHostServices({
          system,
          node: name,
          plan,
          nodes,
          packetFilter: new NftPacketFilter(),
          proxyClient: master.client({ name: "system:kube-proxy", groups: ["system:authenticated"] }),
          balancerClient: master.client(controllerAccount("service-controller")),
          nodeClient: (each) => master.client(nodeUser(each)),
        });
        return Promise.resolve();
      };
      if (options.replicated === undefined) return await start();
      turn = takeTurn(state.path("host.lock"), start);
    },
    async stop() {
      turn?.stop();
      await services?.stop();
      await master.stop();
    },
  };
}

/** What it has in common with the others: a replicated store of which each has a member, or somebody else's. */
async function amongOthers(
  options: ControlPlaneOptions,
  reach: Reach,
  name: string,
  own: string,
): Promise<AmongMasters> {
  const { number, masters, joined } = options.replicated!;
  const shared = {
    ...options,
    ...{ name, number, reach },
    address: reach.advertiseAddress ?? own,
    onHost: options.runtime === "docker",
  };
  if (await readExternalStore(options.state) !== undefined) {
    return await (await import("./among_external.ts")).amongExternal({ ...shared, masters, masterName });
  }
  return await options.step(
    "Member of the store opened",
    async () =>
      (await import("./among_masters.ts")).amongMasters({ ...shared, ...(joined === undefined ? {} : { joined }) }),
  );
}
