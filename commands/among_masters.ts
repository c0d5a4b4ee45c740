/** What makes a master one of several: put together for those that share a host. */
import { administerReplica } from "../actors/store/replica/administration.ts";
import type { ActorSystem } from "../actors/system.ts";
import { type AddressPlan, controlPlaneAddress } from "../machines/network/address_plan.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { AmongMasters } from "./master.ts";
import { memberRoutes } from "./member_routes.ts";
import { startPresence } from "./presence.ts";
import { numberAt, openMemberStorage } from "./replicated_master.ts";
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
  /** Its control plane's address. */
  readonly own: string;
  /** Whether that is on this host. */
  readonly onHost: boolean;
  /** It has joined with a token. */
  readonly joined?: { readonly ticket: JoinTicket };
  report(problem: string): void;
}

export async function amongMasters(options: AmongMastersOptions): Promise<AmongMasters> {
  const { system, state, plan, name, number, own, onHost, report } = options;
  const removed = Promise.withResolvers<string>();
  const storage = await openMemberStorage({
    system,
    state,
    name,
    number,
    index: plan.index,
    ...(options.joined === undefined ? {} : { joined: options.joined }),
    report,
    removed: removed.resolve,
  });
  const port = plan.apiServerPort;
  // Without a network each has an address of loopback to itself.
  const place = (member: number) =>
    onHost ? controlPlaneAddress(plan, member) : `127.0.${plan.index + 1}.${member + 1}`;
  const masters = () =>
    storage.membership.records().flatMap(({ name, peerAddresses: [at] }) => {
      const member = numberAt(plan.index, at);
      return member === undefined ? [] : [{ name, server: `https://${place(member)}:${port}` }];
    });
  return {
    storage,
    removed: removed.promise,
    administered: administerReplica(storage),
    number,
    ownDisk: options.joined !== undefined,
    ownAddress: { host: place(number), port },
    servers: () => Promise.resolve(masters().map(({ server }) => server)),
    others: () => masters().filter((each) => each.name !== name),
    startPresence: (client) => startPresence({ system, name, client, address: own, port, report }),
    joinMaster: async (request) => {
      const files = keyFiles(state.path("pki"));
      const now = system.clock.wallTime();
      const keys = await clusterKeys(files, now);
      const { name: cluster } = state;
      return await takeIn(
        { storage, cluster, index: plan.index, keys, storeAuthority: () => storeAuthority(files, now) },
        request,
      );
    },
    extend: (routes) => memberRoutes(routes, storage.membership),
  };
}
