/**
 * A master of a simulated cluster: the real store over a simulated disk and the real API above it, in one process that
 * can be killed at any moment. Requests enter below authentication; tokens are not signed, since a signature differs in
 * each run.
 */
import type { SimulatedDisk } from "../../actors/simulated/disk.ts";
import type { SimulatedProcess } from "../../actors/simulated/simulated_process.ts";
import { openStorage } from "../../actors/store/open_storage.ts";
import { openReplicatedStorage } from "../../actors/store/replica/open_replicated_storage.ts";
import { type ActorHandle, type ActorSystem, address } from "../../actors/system.ts";
import { admission } from "../../http/admission/plugins.ts";
import { nodeAuthorizer, podsOfNode } from "../../http/auth/node_authorizer.ts";
import { RbacPolicy } from "../../http/auth/rbac/policy.ts";
import { anyOf, mastersAuthorizer, rbacAuthorizer } from "../../http/auth/rbac/rbac_authorizer.ts";
import { type Api, createApi } from "../../http/machinery/api.ts";
import type { Authorizer, SubresourceRequest } from "../../http/machinery/types.ts";
import { createResources } from "../../http/resources/built_in.ts";
import { loadSchema } from "../../http/schema/schema.ts";
import type { AddressPlan } from "../../machines/network/address_plan.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Random } from "../../ports/random.ts";
import type { Storage } from "../../ports/storage.ts";
import type { Transport } from "../../ports/transport.ts";
import { prepareCluster } from "../bootstrap_objects.ts";

export interface SimulatedMasterOptions {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly system: ActorSystem;
  readonly disk: SimulatedDisk;
  readonly random: Random;
  readonly plan: AddressPlan;
  readonly controlPlaneAddress: string;
  /** Between the members of a store of several; absent: this one is alone. */
  readonly transport?: Transport;
  /** Names of all members. */
  readonly members: readonly string[];
  /** Of the store of several members. */
  readonly heartbeatMs: number;
}

/** A store of one member or of several. */
export interface MasterStorage extends Storage {
  /** Its life; `failed` is a state of both. */
  readonly actor: ActorHandle;
  hash(): Promise<{ readonly appliedIndex: number; readonly hash: string }>;
}

export interface RunningMaster {
  readonly api: Api;
  readonly storage: MasterStorage;
}

/** Cheap to use, not to make. */
const schema = loadSchema();

/** Opens the store and begins to serve. @throws Error when the store cannot be opened. */
export async function startSimulatedMaster(options: SimulatedMasterOptions): Promise<RunningMaster> {
  const { process, random, plan } = options;
  const storage = await openStore(options);
  const policy = new RbacPolicy();
  let authorizer: Authorizer = mastersAuthorizer;
  let follow = async () => {};
  const api = createApi({
    storage,
    clock: process,
    random,
    schema,
    resources: createResources({ token: (request) => unsignedToken(request, process.wallTime()) }),
    authorizer: (own) => {
      authorizer = anyOf(mastersAuthorizer, nodeAuthorizer(policy, podsOfNode(own)), rbacAuthorizer(policy));
      return authorizer;
    },
    admission: (own, registry) => {
      const asked = { authorize: (request: Parameters<Authorizer["authorize"]>[0]) => authorizer.authorize(request) };
      const plugins = admission({
        client: own,
        registry,
        schema,
        clock: process,
        random,
        authorizer: asked,
        policy,
        serviceCidr: plan.serviceCidr,
      });
      follow = async () => {
        await Promise.all([plugins.follow().ready, policy.follow(own, process).ready]);
      };
      return [...plugins.early, ...plugins.late];
    },
  });
  await api.start();
  await follow();
  return { api, storage };
}

const snapshots = { snapshotEvery: { entries: 1_000, bytes: 1 << 20 }, segmentBytes: 1 << 18 };

async function openStore(options: SimulatedMasterOptions): Promise<MasterStorage> {
  const { name, process, system, random, disk, transport, members, heartbeatMs } = options;
  // Code of a process that was killed may be in the middle of something: none of it reaches the disk any more.
  const shared = {
    disk: process.gate<Disk>(disk),
    clock: process,
    random,
    system,
    address: address({ node: name, kind: "store", name }),
  };
  if (transport === undefined) return await openStorage({ ...shared, ...snapshots }) as unknown as MasterStorage;
  const peers = (member: string) => [`https://${member}.simulated:2380`];
  return await openReplicatedStorage({
    ...shared,
    ...snapshots,
    name,
    transport,
    peerAddresses: peers(name),
    raft: { heartbeatMs, electionTimeoutMs: 10 * heartbeatMs },
    begin: {
      found: {
        cluster: "00000000000000c1",
        members: members.map((member) => ({ name: member, peerAddresses: peers(member) })),
      },
    },
  }) as unknown as MasterStorage;
}

/** What every cluster has. */
export function prepareSimulatedCluster({ api }: RunningMaster, options: SimulatedMasterOptions): Promise<void> {
  const { plan } = options;
  return prepareCluster({
    client: api.client({ name: "system:apiserver", groups: ["system:masters"] }),
    serviceCidr: plan.serviceCidr,
    apiServiceAddress: plan.apiServiceAddress,
    apiServerAddresses: [options.controlPlaneAddress],
    apiServerPort: plan.apiServerPort,
    clientAuthority: "authority",
    frontProxyAuthority: "front proxy authority",
    now: options.process.wallTime(),
    dns: { address: plan.dnsAddress, endpoints: [options.controlPlaneAddress], port: 53 },
  });
}

/** Same shape and times as a real token's answer. */
function unsignedToken({ name, namespace, body }: SubresourceRequest, now: number): Promise<KubeObject> {
  const spec = (body?.["spec"] ?? {}) as { expirationSeconds?: number; boundObjectRef?: { uid?: string } };
  const seconds = spec.expirationSeconds ?? 3_600;
  const time = (ms: number) => new Date(ms).toISOString().replace(/\.\d+/, "");
  return Promise.resolve({
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name, namespace, creationTimestamp: time(now) } as KubeObject["metadata"],
    spec: { audiences: [], expirationSeconds: seconds, boundObjectRef: null },
    status: {
      token: `unsigned.${namespace}.${name}.${spec.boundObjectRef?.uid ?? ""}.${Math.floor(now / 1000)}`,
      expirationTimestamp: time(now + seconds * 1000),
    },
  });
}
