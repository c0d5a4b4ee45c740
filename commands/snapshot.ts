/** `chartroom snapshot`: the store of a cluster as a file, and a new store from such a file. */
import { realDisk } from "../actors/disk/real_disk.ts";
import { realClock } from "../actors/real/real_clock.ts";
import { realRandom } from "../actors/real/real_random.ts";
import { holdsStore, readSnapshot, restoreStore } from "../actors/store/restore_store.ts";
import { addressPlan, maxClusters } from "../machines/network/address_plan.ts";
import type { Service } from "../machines/objects/object.ts";
import { MalformedBytes } from "../machines/raft/bytes.ts";
import type { KeyValueState } from "../machines/store/key_value_state.ts";
import { peerAddress } from "../machines/network/master_places.ts";
import { administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { masterName } from "./control_plane.ts";
import { NoAnswer, openStream } from "./post_json.ts";
import { snapshotPath } from "./snapshot_routes.ts";

/** The file has a name only when it is whole; whoever may read it may read the cluster's secrets. */
export async function saveSnapshot(state: ClusterState, file: string): Promise<void> {
  const access = await administratorAccess(state);
  const draft = `${file}.draft`;
  try {
    using answer = await openStream(`${access.server}${snapshotPath}`, access);
    const target = await createOwn(draft);
    await answer.body.pipeTo(target.writable);
    const { revision, keys } = contentOf(await checked(draft));
    await Deno.rename(draft, file);
    const { size } = await Deno.stat(file);
    console.error(`Saved to ${file}: revision ${revision}, ${keys} objects, ${size} bytes.`);
  } catch (error) {
    await Deno.remove(draft).catch(() => {});
    const { message } = error as Error;
    throw error instanceof NoAnswer || !message.startsWith("Cannot ")
      ? new Error(`Cannot save a snapshot to "${file}": ${message}`)
      : error;
  }
}

/** Into a state directory that has no store, for `up` with any number of masters. */
export async function restoreSnapshot(state: ClusterState, file: string): Promise<void> {
  const stored = await checked(file);
  const index = indexOf(stored);
  if (index === undefined) {
    throw new Error(
      `Cannot restore "${file}": it is no snapshot of a cluster (it has no service "default/kubernetes")`,
    );
  }
  await state.prepare();
  using _lock = await heldWhile(state);
  await refuseOverwriting(state);
  await state.identityWith(index);
  const { revision } = await restoreStore({
    disk: realDisk(state.directory),
    clock: realClock,
    random: realRandom,
    directory: "store",
    name: masterName(0),
    peerAddresses: [peerAddress(index, 0)],
    state: stored,
  });
  const hasKeys = await exists(state.path("pki", "ca.key"));
  console.error(
    `Restored into ${state.directory}: ${contentOf(stored).keys} objects, as of revision ${stored.revision}; ` +
      `it goes on after revision ${revision}.\n` +
      (hasKeys
        ? "The keys in its pki directory stay as they are.\n"
        : "The next start makes new keys, which no former kubeconfig, token or joined machine knows; to keep the former " +
          `ones, put the former cluster's pki directory into ${state.directory} first.\n`) +
      `Bring it up with: chartroom up --name ${state.name} --state ${state.directory}`,
  );
}

/** @throws Error when it is not whole. */
async function checked(file: string): Promise<KeyValueState> {
  try {
    return await readSnapshot(await Deno.readFile(file), realClock);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`Cannot read "${file}": there is no such file`);
    if (!(error instanceof MalformedBytes)) throw error;
    throw new Error(`Cannot read "${file}": ${error.message.replace(/^Cannot read the snapshot: /, "")}`);
  }
}

function contentOf(state: KeyValueState): { revision: number; keys: number } {
  const { count } = state.range({ key: "/registry/", end: "/registry0", countOnly: true });
  return { revision: state.revision, keys: count };
}

/** Services keep their addresses, which follow from the cluster's index. */
function indexOf(state: KeyValueState): number | undefined {
  const [record] = state.range({ key: "/registry/services/default/kubernetes" }).kvs;
  if (record === undefined) return undefined;
  const { spec } = JSON.parse(new TextDecoder().decode(record.value)) as Service;
  const indices = Array.from({ length: maxClusters }, (_, index) => index);
  return indices.find((index) => addressPlan(index).apiServiceAddress === spec?.clusterIP);
}

async function refuseOverwriting(state: ClusterState): Promise<void> {
  const disk = realDisk(state.directory);
  const stores = await holdsStore(disk, "store") ? ["store"] : [];
  for (const name of [...stores, ...await exists(state.path("masters")) ? ["masters"] : []]) {
    throw new Error(
      `Cannot restore into "${state.directory}": there is a store already ("${name}"); ` +
        "move it away first, or restore into another directory (--state)",
    );
  }
}

async function heldWhile(state: ClusterState): Promise<Disposable> {
  const lock = await state.lock();
  return { [Symbol.dispose]: () => lock.release() };
}

function createOwn(path: string): Promise<Deno.FsFile> {
  return Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
