/** The store under a master's API server: its own member's, alone or among several, or somebody else's etcd. */
import { realDisk } from "../actors/disk/real_disk.ts";
import { realRandom } from "../actors/real/real_random.ts";
import { openStorage } from "../actors/store/open_storage.ts";
import { type ActorSystem, address } from "../actors/system.ts";
import type { AddressPlan } from "../machines/network/address_plan.ts";
import type { Storage } from "../ports/storage.ts";
import type { StoreAdministration } from "../ports/store_administration.ts";
import type { ClusterState } from "./cluster_state.ts";
import { administered, serveEtcd } from "./etcd_endpoint.ts";
import { readExternalStore } from "./external_store_note.ts";
import type { AmongMasters } from "./master.ts";

export interface MasterStore {
  readonly storage: Storage;
  /** What was found at opening and could be made good. */
  readonly notes: readonly string[];
  /** Absent: it is somebody else's. */
  readonly administration?: StoreAdministration;
  /** Serves etcd's API on it. Absent: it is an etcd itself. @throws Error when the port is taken. */
  serveEtcd?(): Promise<{ close(): Promise<void> }>;
}

export interface MasterStoreOptions {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  readonly name: string;
  readonly plan: AddressPlan;
  readonly among?: AmongMasters;
  report(problem: string): void;
}

export async function openMasterStore(options: MasterStoreOptions): Promise<MasterStore> {
  const { system, state, name, plan, among } = options;
  const served = (storage: Storage, administration: StoreAdministration, number: number) => () =>
    serveEtcd({
      ...{ state, name, index: plan.index, number, storage, administration },
      makesClient: number === 0 || among?.ownDisk === true,
      clock: system.clock,
      report: options.report,
    });
  if (among?.member !== undefined) {
    const { storage, administration } = among.member.administered;
    const { notes } = among.member.storage;
    return { storage, administration, notes, serveEtcd: served(storage, administration, among.number) };
  }
  const external = await readExternalStore(state);
  if (external !== undefined) {
    const { openExternalStore } = await import("./external_store.ts");
    return { storage: await openExternalStore(external, { cluster: state.name, clock: system.clock }), notes: [] };
  }
  const opened = await openStorage({
    disk: realDisk(state.directory),
    clock: system.clock,
    random: realRandom,
    system,
    address: address({ node: name, kind: "store", name }),
  });
  const { storage, administration } = administered(opened, name, plan.index);
  return { storage, administration, notes: opened.notes, serveEtcd: served(storage, administration, 0) };
}
