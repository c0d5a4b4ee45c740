/**
 * A cluster's state directory: everything that has to survive is below it, and nothing of the cluster's is on disk
 * anywhere else.
 *
 *     cluster.json   name, index and id: drawn once
 *     pki/           keys and certificates, mode 0600
 *     store/         the log and snapshots of the store, of the first master where there are several
 *     external_store.json  the etcd of somebody else's that its objects are in
 *     reach.json     how other hosts come to it
 *     masters.list   where masters of other hosts are reached
 *     master.json    what a master was given that has joined with a token: the directory is its own
 *     masters/NAME/  the other masters' stores
 *     nodes/NAME/    volumes and logs of a node's pods
 *     kubeconfig     the administrator's
 *     running.json   how it runs now
 *     lock           held by the process that runs the cluster, roles.lock by each of the processes below it
 *     *.log          what was said by a cluster in the background, and by a Docker Engine that was started for it
 */
import { join } from "node:path";
import { addressPlan, drawIndex, drawnClusters } from "../machines/network/address_plan.ts";
import { lockHolder, type StateLock, takeLock } from "./state_lock.ts";

export interface ClusterIdentity {
  readonly name: string;
  /** Addresses, ports and names on the host follow from it; see machines/network/address_plan.ts. */
  readonly index: number;
  readonly createdAt: string;
}

/** The process that runs a cluster. */
export interface RunningCluster {
  readonly pid: number;
  readonly server: string;
  readonly nodes: readonly string[];
  readonly runtime: string;
  readonly startedAt: string;
  /** Where master and nodes are processes of their own: their ids by role. */
  readonly processes?: Readonly<Record<string, number>>;
}

/** Everything that is ever written into a state directory. */
const ownNames = [
  ...[
    "cluster.json",
    "pki",
    "store",
    "masters",
    "nodes",
    "kubeconfig",
    "running.json",
    "lock",
    "roles.lock",
    "host.lock",
    "inspection.json",
    "external_store.json",
    "api_server.json",
    "reach.json",
    "master.json",
    "encryption.yaml",
    "masters.list",
    "history",
  ],
  ...["chartroom.log", "dockerd.log"],
];
const isOwn = (name: string) => ownNames.includes(name.replace(/(\.\d+)?\.new$/, ""));

const namePattern = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;

export class ClusterState {
  constructor(readonly name: string, readonly directory: string) {
    if (!namePattern.test(name)) {
      throw new Error(
        `Cannot use cluster name "${name}": it must be 1 to 32 lower-case letters, digits or "-", starting with a letter`,
      );
    }
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  async identity(): Promise<ClusterIdentity | undefined> {
    const identity = await readJson<ClusterIdentity>(this.path("cluster.json"));
    if (identity !== undefined && identity.name !== this.name) {
      throw new Error(
        `Cannot open "${this.directory}" as cluster "${this.name}": it belongs to cluster "${identity.name}"`,
      );
    }
    return identity;
  }

  /** Of a master that has joined: what others have drawn. @throws Error when another cluster is there. */
  async takeIdentity(index: number): Promise<void> {
    if (await this.identity() !== undefined) return;
    await writeJson(this.path("cluster.json"), { name: this.name, index, createdAt: new Date().toISOString() });
  }

  /** The identity, drawn now if the directory is new. `hostRanges`: what the host uses already. */
  async identityOrNew(hostRanges: readonly string[]): Promise<ClusterIdentity> {
    const existing = await this.identity();
    if (existing !== undefined) return existing;
    const taken = [...await takenIndices(this.path("..")), ...listeningIndices()];
    const index = drawIndex({ preferred: hash(this.name), taken, hostRanges });
    const identity = { name: this.name, index, createdAt: new Date().toISOString() };
    await writeJson(this.path("cluster.json"), identity);
    return identity;
  }

  /**
   * The identity with this very index, for a store that is restored: its objects have addresses that follow from it.
   *
   * @throws Error when this cluster has another one, or another cluster of this host has it.
   */
  async identityWith(index: number): Promise<ClusterIdentity> {
    const existing = await this.identity();
    if (existing?.index === index) return existing;
    const cannot =
      `Cannot give cluster "${this.name}" index ${index}, from which the addresses of what is restored follow`;
    if (existing !== undefined) {
      throw new Error(`${cannot}: its state directory has index ${existing.index}; restore into one that is new`);
    }
    if ([...await takenIndices(this.path("..")), ...listeningIndices()].includes(index)) {
      throw new Error(
        `${cannot}: another cluster of this host has it; remove that one first (chartroom down --delete-state), or ` +
          "restore into its own directory",
      );
    }
    const identity = { name: this.name, index, createdAt: new Date().toISOString() };
    await writeJson(this.path("cluster.json"), identity);
    return identity;
  }

  /**
   * Makes the directory if it is missing, and sees to it that it is one of ours.
   *
   * @throws Error when it belongs to another cluster, holds other things, or cannot be written.
   */
  async prepare(): Promise<void> {
    const identity = await this.identity();
    if (identity === undefined) await this.#refuseForeign();
    else if (await readJson(this.path("master.json")) !== undefined) {
      throw new Error(
        `Cannot bring cluster "${this.name}" up in "${this.directory}": it belongs to a master that has joined; ` +
          "chartroom master goes on with it",
      );
    }
    try {
      await Deno.mkdir(this.directory, { recursive: true, mode: 0o700 });
      await Deno.writeTextFile(this.path("roles.lock"), "", { append: true, mode: 0o600 });
    } catch (error) {
      throw new Error(`Cannot write to the state directory "${this.directory}": ${(error as Error).message}`);
    }
  }

  async #refuseForeign(): Promise<void> {
    try {
      for await (const { name } of Deno.readDir(this.directory)) {
        if (isOwn(name)) continue;
        throw new Error(
          `Cannot keep a cluster's state in "${this.directory}": there is something else in it ("${name}")`,
        );
      }
    } catch (error) {
      if (error instanceof Deno.errors.NotADirectory) {
        throw new Error(`Cannot keep a cluster's state in "${this.directory}": it is not a directory`);
      }
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /**
   * Ours alone for as long as this process lives.
   *
   * @throws Error when another process runs the cluster, or is about to.
   */
  async lock(): Promise<StateLock> {
    const lock = await takeLock(this.path("lock"));
    if (lock !== undefined) return lock;
    const pid = await this.holder();
    const how = await this.running() === undefined ? "it is just being started" : "it runs already";
    throw new Error(
      `Cannot bring cluster "${this.name}" up: ${how}, by process ${pid} (chartroom status, chartroom down)`,
    );
  }

  /** The process that runs the cluster, or starts or stops it. */
  holder(): Promise<number | undefined> {
    return lockHolder(this.path("lock"));
  }

  /** Everything of ours; the directory itself stays if there is anything else in it. */
  async remove(): Promise<void> {
    for await (const { name } of Deno.readDir(this.directory)) {
      if (isOwn(name)) await Deno.remove(this.path(name), { recursive: true });
    }
    try {
      await Deno.remove(this.directory);
    } catch (error) {
      if (!/not empty/i.test((error as Error).message)) throw error;
    }
  }

  running(): Promise<RunningCluster | undefined> {
    return readJson(this.path("running.json"));
  }

  /** Nodes that there ever were, by number. */
  async knownNodes(): Promise<string[]> {
    try {
      return (await Array.fromAsync(Deno.readDir(this.path("pki", "nodes")))).map(({ name }) => name).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async noteRunning(running: RunningCluster): Promise<void> {
    await writeJson(this.path("running.json"), running);
  }

  async forgetRunning(): Promise<void> {
    await Deno.remove(this.path("running.json")).catch(ignoreMissing);
  }
}

/** Indices of the clusters whose state lies beside this one's. Others on the host are known by their routes. */
async function takenIndices(parent: string): Promise<number[]> {
  const taken: number[] = [];
  for await (const entry of Deno.readDir(parent)) {
    if (!entry.isDirectory) continue;
    const identity = await readJson<ClusterIdentity>(join(parent, entry.name, "cluster.json"));
    if (identity !== undefined) taken.push(identity.index);
  }
  return taken;
}

/** Indices whose API port somebody listens on: a cluster that runs without a network leaves no route to see. */
function listeningIndices(): number[] {
  return Array.from({ length: drawnClusters }, (_, index) => index).filter((index) => {
    try {
      Deno.listen({ hostname: "127.0.0.1", port: addressPlan(index).apiServerPort }).close();
      return false;
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) return true;
      throw error;
    }
  });
}

/** The first cluster, "chartroom", gets index 0; others are spread by their names. */
function hash(name: string): number {
  if (name === defaultName) return 0;
  return [...name].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 9973, 7);
}

export const defaultName = "chartroom";

/** `$XDG_DATA_HOME/chartroom/NAME`. */
export function defaultDirectory(name: string): string {
  const data = Deno.env.get("XDG_DATA_HOME") || join(Deno.env.get("HOME") || "/root", ".local", "share");
  return join(data, "chartroom", name);
}

async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${(error as Error).message}`);
  }
}

/** Whole or not at all, and on the disk when this returns. */
async function writeJson(path: string, value: unknown): Promise<void> {
  const draft = `${path}.new`;
  const file = await Deno.open(draft, { write: true, create: true, truncate: true, mode: 0o600 });
  try {
    await file.write(new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`));
    await file.sync();
  } finally {
    file.close();
  }
  await Deno.rename(draft, path);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
