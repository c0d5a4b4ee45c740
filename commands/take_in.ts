/** Taking masters in: their place in the store, and, for those with a disk of their own, the cluster's keys. */
import type { ReplicatedStorage } from "../actors/store/replica/open_replicated_storage.ts";
import type { KeyPair } from "../http/auth/certificates/issue.ts";
import type { ClusterKeys } from "../http/auth/certificates/pki.ts";
import { placeForMaster } from "../machines/network/master_places.ts";
import { ApiError } from "../machines/objects/status.ts";
import type { JoinTicket } from "../ports/store_membership.ts";
import type { MasterRequest } from "./join_routes.ts";

/** For a master that joins with a token. It is sent to nobody else, over TLS, and written nowhere but to its disk. */
export interface MasterBundle {
  readonly ticket: JoinTicket;
  readonly cluster: string;
  readonly index: number;
  readonly number: number;
  /** Of all masters, where somebody balances them. */
  readonly controlPlaneEndpoint?: string;
  readonly keys: ClusterKeys;
  /** Signs the certificates between members. */
  readonly storeAuthority: KeyPair;
  /** Of a cluster that encrypts what it stores: the configuration with its keys. */
  readonly encryption?: string;
}

export interface TakeInOptions {
  readonly storage: ReplicatedStorage;
  readonly cluster: string;
  readonly index: number;
  readonly controlPlaneEndpoint?: string | undefined;
  readonly keys: ClusterKeys;
  storeAuthority(): Promise<KeyPair>;
  encryption(): Promise<string | undefined>;
}

/** One that comes again under its name has lost its disk: what it was is not coming back. */
export async function takeIn(options: TakeInOptions, request: MasterRequest): Promise<JoinTicket | MasterBundle> {
  const { storage: { membership }, cluster, index, controlPlaneEndpoint, keys } = options;
  const { name, peerAddress: given, advertiseAddress } = request;
  const before = membership.records().find((member) => member.name === name);
  if (given === undefined && before !== undefined) {
    const { reachable } = (await membership.members()).find(({ id }) => id === before.id) ?? { reachable: false };
    if (reachable) throw new ApiError(409, "Conflict", `Cannot take master "${name}" in: one of that name runs`);
  }
  const place = given === undefined
    ? placeForMaster(index, { name, advertiseAddress }, membership.records())
    : { peerAddress: given };
  if ("refused" in place) {
    throw new ApiError(409, "Conflict", `Cannot take master "${name}" in: ${place.refused}`);
  }
  if (before !== undefined) await membership.remove(before.id);
  const ticket = await membership.addLearner({ name, peerAddresses: [place.peerAddress] });
  if (!("number" in place)) return ticket;
  const encryption = await options.encryption();
  return {
    ticket,
    cluster,
    index,
    number: place.number,
    ...(controlPlaneEndpoint === undefined ? {} : { controlPlaneEndpoint }),
    keys,
    storeAuthority: await options.storeAuthority(),
    ...(encryption === undefined ? {} : { encryption }),
  };
}
