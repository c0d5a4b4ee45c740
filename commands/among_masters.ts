/** What makes a master one of several: put together for those that share a host. */
import { administerReplica } from "../actors/store/replica/administration.ts";
import type { ActorSystem } from "../actors/system.ts";
import type { AddressPlan } from "../machines/network/address_plan.ts";
import { apiServers, masterServers, ownAddress } from "../machines/network/master_places.ts";
import type { Reach } from "../machines/network/reach.ts";
import { readApiServerFlags } from "./api_server_flags.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { AmongMasters } from "./master.ts";
import { encryptionText } from "./encryption.ts";
import { memberRoutes } from "./member_routes.ts";
import { otherMastersNote } from "./other_masters.ts";
import { startPresence } from "./presence.ts";
import { openMemberStorage } from "./replicated_master.ts";
import { storeAuthority } from "./store_authority.ts";
import { takeIn } from "./take_in.ts";
import type { JoinTicket } from "../ports/store_membership.ts";
import { clusterKeys } from "../http/auth/certificates/pki.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";

export interface AmongMastersOptions {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  readonly plan: AddressPlan;
  readonly name: string;
  readonly number: number;
  readonly reach: Reach;
  /** Where pods, and the service `kubernetes`, reach it. */
  readonly address: string;
  /** Whether that is on this host. */
  readonly onHost: boolean;
  /** It has joined with a token. */
  readonly joined?: { readonly ticket: JoinTicket };
  report(problem: string): void;
}

export async function amongMasters(options: AmongMastersOptions): Promise<AmongMasters> {
  const { system, state, plan, name, number, reach, address, onHost, report } = options;
  const removed = Promise.withResolvers<string>();
  const storage = await openMemberStorage({
    system,
    state,
    name,
    number,
    index: plan.index,
    reach,
    ...(options.joined === undefined ? {} : { joined: options.joined }),
    report,
    removed: removed.resolve,
  });
  const port = plan.apiServerPort;
  const noteOthers = reach.advertiseAddress === undefined
    ? undefined
    : otherMastersNote(state.directory, reach.advertiseAddress);
  return {
    member: { storage, administered: administerReplica(storage) },
    removed: removed.promise,
    number,
    ownDisk: options.joined !== undefined,
    ownAddress: { host: ownAddress(plan, number, onHost), port },
    servers: () => Promise.resolve(apiServers(plan, storage.membership.records(), onHost)),
    others: () =>
      masterServers(plan, storage.membership.records(), { onHost, ownHost: reach.advertiseAddress })
        .filter((each) => each.name !== name),
    startPresence: (client) =>
      startPresence({
        ...{ system, name, client, address, port, report },
        // Of masters that share a state directory one writes it.
        ...(noteOthers === undefined || (number > 0 && options.joined === undefined)
          ? {}
          : { said: () => noteOthers(apiServers(plan, storage.membership.records(), onHost)) }),
      }),
    joinMaster: async (request) => {
      const files = keyFiles(state.path("pki"));
      const now = system.clock.wallTime();
      const keys = await clusterKeys(files, now);
      const { controlPlaneEndpoint } = reach;
      return await takeIn({
        storage,
        cluster: state.name,
        index: plan.index,
        controlPlaneEndpoint,
        keys,
        storeAuthority: () => storeAuthority(files, now),
        encryption: async () => await encryptionText(state, await readApiServerFlags(state)),
      }, request);
    },
    extend: (routes) => memberRoutes(routes, storage.membership),
  };
}
