/** What a master is started with, and what is known of one that runs. */
import type { ActorSystem } from "../actors/system.ts";
import type { createApp } from "../http/app.ts";
import type { ClusterKeys } from "../http/auth/certificates/pki.ts";
import type { UserInfo } from "../http/machinery/types.ts";
import type { ListenAddress } from "../http/server.ts";
import type { AddressPlan } from "../machines/network/address_plan.ts";
import type { Reach } from "../machines/network/reach.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { Storage } from "../ports/storage.ts";
import type { AdministeredStorage } from "../ports/store_administration.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { OtherMaster } from "./inspected_processes.ts";
import type { JoinMaster } from "./join_routes.ts";

export interface MasterOptions {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  /** "master-0": names its store member, its leases and its actors. */
  readonly name: string;
  readonly plan: AddressPlan;
  /** How other hosts come to it. */
  readonly reach: Reach;
  /** Where pods and nodes of this host reach it; loopback is added. */
  readonly controlPlaneAddress: string;
  /** Whether that address is on this host already; without it only loopback is listened on. */
  readonly listenForCluster: boolean;
  /** Where the cluster's name server answers; absent: there is none. */
  readonly dns?: { readonly address: string; readonly port: number };
  /** Nodes of this very process; the others' kubelets are asked for what their actors know. */
  ownNode?(node: string): boolean;
  /** Among several masters; absent: there is this one. */
  readonly among?: AmongMasters;
  report(problem: string): void;
}

/** What a master of several has that a single one does not. */
export interface AmongMasters {
  /** This master's member of the replicated store, and what writers use of it. Absent: it is somebody else's. */
  readonly member?: { readonly storage: OpenedStorage; readonly administered: AdministeredStorage };
  /** Resolves with what to say when the others have removed the member: nothing can be read or written here then. */
  readonly removed: Promise<string>;
  /** From 0. */
  readonly number: number;
  /** It has joined with a token: its state directory is not the others'. */
  readonly ownDisk: boolean;
  /** Where it listens besides the port that all masters of the host share. */
  readonly ownAddress: ListenAddress;
  /** Keeps the service `kubernetes` pointing to the masters that live. Absent: it points to this one. */
  startPresence?(client: ApiClient): { stop(): void };
  /** Where the masters that live are reached: `https://host:port`. */
  servers(): Promise<readonly string[]>;
  /** The members of the store beside this one. */
  others(): readonly OtherMaster[];
  /** Hands what they need to masters that join. */
  readonly joinMaster?: JoinMaster;
  /** Further routes, behind authentication and authorization. */
  extend?(routes: Routes): void;
}

type Routes = Parameters<NonNullable<Parameters<typeof createApp>[0]["extend"]>>[0];

export type OpenedStorage = Storage & { readonly notes: readonly string[] };

export interface Master {
  /** Where people reach it. */
  readonly server: string;
  readonly keys: ClusterKeys;
  /** The administrator's kubeconfig, also written to the state directory. */
  readonly kubeconfig: string;
  client(user: UserInfo): ApiClient;
  /** Resolves when every cluster's standing objects are there. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}
