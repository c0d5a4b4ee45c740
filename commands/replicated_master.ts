/**
 * One of several masters: its member of the replicated store, how it comes to be one, and what it tells about the
 * others. The first master founds the store; every other one asks for a place, is sent the log, and gets its vote when
 * it has caught up.
 */
import { realDisk } from "../actors/disk/real_disk.ts";
import { realRandom } from "../actors/real/real_random.ts";
import { openReplicatedStorage, type ReplicatedStorage } from "../actors/store/replica/open_replicated_storage.ts";
import { type ActorSystem, address } from "../actors/system.ts";
import { openTlsTransport } from "../actors/transport/tls_transport.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { keptCertificate } from "../http/auth/certificates/pki.ts";
import { AdministrationError } from "../ports/store_administration.ts";
import type { JoinTicket } from "../ports/store_membership.ts";
import { peerAddress, peerPort } from "../machines/network/master_places.ts";
import { listenHosts, loopback, type Reach } from "../machines/network/reach.ts";
import { administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { etcdAddress } from "./etcd_endpoint.ts";
import { masterJoinPath } from "./join_paths.ts";
import { namingPortOwner } from "./port_owner.ts";
import { postJson } from "./post_json.ts";
import { storeAuthority } from "./store_authority.ts";

export interface ReplicatedMasterOptions {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  /** "master-0": the member's name too. */
  readonly name: string;
  /** From 0; the first founds the store. */
  readonly number: number;
  /** The cluster's. */
  readonly index: number;
  readonly reach: Reach;
  /** Of a master that has joined with a token: its disk is its own, and it has been given its place. */
  readonly joined?: { readonly ticket: JoinTicket };
  report(problem: string): void;
  /** The others have removed this member: it takes part no more, and whoever asks it is refused. */
  removed(message: string): void;
}

export async function openMemberStorage(options: ReplicatedMasterOptions): Promise<ReplicatedStorage> {
  const { system, state, name, number, index, reach } = options;
  const directory = number === 0 || options.joined !== undefined ? "store" : `masters/${name}/store`;
  const isNew = number > 0 && !await exists(state.path(directory));
  const port = peerPort(index, number);
  const place = peerAddress(index, number, reach.advertiseAddress);
  const ticket = isNew ? options.joined?.ticket ?? await askForPlace(state, name, place) : undefined;
  const files = keyFiles(state.path("pki"));
  const now = system.clock.wallTime();
  const authority = await storeAuthority(files, now);
  const subject = {
    commonName: name,
    usages: ["server", "client"] as const,
    dnsNames: [name],
    ipAddresses: [...new Set([loopback, reach.advertiseAddress ?? loopback])],
  };
  const certificate = await keptCertificate(files, `store-${name}`, authority, subject, now);
  const transport = await namingPortOwner(port, `member "${name}" of the store`, () =>
    openTlsTransport({
      self: name,
      listen: listenHosts(reach).map((host) => ({ host, port })),
      ...certificate,
      authority: authority.certificate,
      clock: system.clock,
    }));
  const storage = await openReplicatedStorage({
    disk: realDisk(state.directory),
    clock: system.clock,
    random: realRandom,
    system,
    transport,
    address: address({ node: name, kind: "store", name }),
    directory,
    name,
    peerAddresses: [place],
    clientAddresses: [etcdAddress(index, number)],
    processId: Deno.pid,
    ...(ticket === undefined ? {} : { begin: { join: ticket } }),
  });
  storage.actor.subscribe((snapshot) => {
    if (!snapshot.matches("removed")) return;
    options.removed(
      `${name} was removed from the store: this process ends, and ${state.path(directory)} can be deleted`,
    );
  });
  void becomeVoter(storage, options);
  return storage;
}

const placePatienceMs = 90_000;
const againMs = 200;

/** While the first master starts, or another one is just being taken in, it is asked again. */
async function askForPlace(state: ClusterState, name: string, address: string): Promise<JoinTicket> {
  const deadline = performance.now() + placePatienceMs;
  for (;;) {
    try {
      const { server, authority, certificate } = await administratorAccess(state);
      const request = { name, peerAddress: address };
      return await postJson<JoinTicket>(`${server}${masterJoinPath}`, request, { authority, certificate });
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(againMs);
    }
  }
}

/** A learner asks for its vote until it has it; others have one already. */
async function becomeVoter(storage: ReplicatedStorage, { system, state, name, report }: ReplicatedMasterOptions) {
  const { membership } = storage;
  const at = address({ node: name, kind: "store", name });
  while (system.get(at) !== undefined) {
    const own = membership.records().find(({ id }) => id === membership.id);
    if (own !== undefined && !own.learner) return;
    try {
      if (own !== undefined) await membership.promote(membership.id);
    } catch (error) {
      const passing = error instanceof AdministrationError && error.code !== "memberNotFound";
      if (!passing) return report(`${name} of "${state.name}" has no vote: ${(error as Error).message}`);
    }
    await pause(againMs);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(path)) return true;
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
