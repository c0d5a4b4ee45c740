/** Taking masters in: their place in the store, and, for those with a disk of their own, the cluster's keys. */
import type { ReplicatedStorage } from "../actors/store/replica/open_replicated_storage.ts";
import type { KeyPair } from "../http/auth/certificates/issue.ts";
import type { ClusterKeys } from "../http/auth/certificates/pki.ts";
import { ApiError } from "../machines/objects/status.ts";
import type { JoinTicket } from "../ports/store_membership.ts";
import type { MasterRequest } from "./join_routes.ts";
import { numberAt, peerAddress } from "./replicated_master.ts";

/** For a master that joins with a token. It is sent to nobody else, over TLS, and written nowhere but to its disk. */
export interface MasterBundle {
  readonly ticket: JoinTicket;
  readonly cluster: string;
  readonly index: number;
  readonly number: number;
  readonly keys: ClusterKeys;
  /** Signs the certificates between members. */
  readonly storeAuthority: KeyPair;
}

export interface TakeInOptions {
  readonly storage: ReplicatedStorage;
  readonly cluster: string;
  readonly index: number;
  readonly keys: ClusterKeys;
  storeAuthority(): Promise<KeyPair>;
}

/** Numbers below are for the masters that `up` starts itself. */
const firstJoinedNumber = 8;
const endOfNumbers = 64;

/** One that comes again under its name has lost its disk: what it was is not coming back. */
export async function takeIn(options: TakeInOptions, request: MasterRequest): Promise<JoinTicket | MasterBundle> {
  const { storage: { membership }, cluster, index, keys } = options;
  const { name, peerAddress: given } = request;
  const before = membership.records().find((member) => member.name === name);
  if (given === undefined && before !== undefined) {
    const { reachable } = (await membership.members()).find(({ id }) => id === before.id) ?? { reachable: false };
    if (reachable) throw new ApiError(409, "Conflict", `Cannot take master "${name}" in: one of that name runs`);
  }
  if (before !== undefined) await membership.remove(before.id);
  if (given !== undefined) return await membership.addLearner({ name, peerAddresses: [given] });
  const taken = membership.records().map(({ peerAddresses: [address] }) => numberAt(index, address));
  let number = firstJoinedNumber;
  while (taken.includes(number)) number++;
  if (number >= endOfNumbers) throw new ApiError(409, "Conflict", `Cannot take master "${name}" in: there is no room`);
  const ticket = await membership.addLearner({ name, peerAddresses: [peerAddress(index, number)] });
  return { ticket, cluster, index, number, keys, storeAuthority: await options.storeAuthority() };
}
