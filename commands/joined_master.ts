/** `chartroom master`: a master that joins with a token, on a disk of its own. */
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { installClusterKeys } from "../http/auth/certificates/pki.ts";
import { addressPlan } from "../machines/network/address_plan.ts";
import { checkReach, type Reach } from "../machines/network/reach.ts";
import { addressTowards } from "./address_towards.ts";
import { noteApiServerFlags, ownEncryption } from "./api_server_flags.ts";
import { ClusterState } from "./cluster_state.ts";
import { startControlPlane } from "./control_plane.ts";
import { discoverAuthority } from "./discovery.ts";
import { masterJoinPath } from "./join_paths.ts";
import { NoAnswer, postJson } from "./post_json.ts";
import { Progress } from "./progress.ts";
import { noteReach } from "./reach.ts";
import { reportingSystem } from "./reporting_system.ts";
import type { RuntimeName } from "./runtime_choice.ts";
import { takeLock } from "./state_lock.ts";
import { untilSignalled } from "./stop_signals.ts";
import type { MasterBundle } from "./take_in.ts";

export interface MasterCommandOptions extends Reach {
  readonly join?: string;
  readonly token?: string;
  readonly caHash?: string;
  readonly runtime: RuntimeName;
}

/** In `master.json`; keys are in `pki`. */
type MasterIdentity = Omit<MasterBundle, "encryption" | "keys" | "storeAuthority"> & { readonly name: string };

/** Until it is stopped by a signal. */
export async function runMaster(directory: string, name: string, options: MasterCommandOptions): Promise<void> {
  const progress = new Progress();
  const report = (problem: string) => console.error(`${new Date().toISOString()} ${problem}`);
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = await takeLock(`${directory}/lock`);
  if (lock === undefined) throw new Error(`Cannot start master "${name}": it runs already (its state is ${directory})`);
  const { cluster, index, number, ticket } = await readIdentity(directory) ??
    await joinCluster(directory, name, options, progress);
  await noteReach(directory, options);
  const state = new ClusterState(cluster, directory);
  await state.takeIdentity(index);
  await noteApiServerFlags(state, options);
  const signalled = untilSignalled(() => Deno.exit(130));
  const system = reportingSystem(report);
  const control = await startControlPlane({
    system,
    state,
    plan: addressPlan(index),
    runtime: options.runtime,
    nodes: 0,
    replicated: { number, masters: 0, joined: { name, ticket } },
    step: (title, body) => progress.step(title, body),
    report,
  });
  await state.noteRunning({
    pid: Deno.pid,
    server: control.master.server,
    nodes: [],
    runtime: options.runtime,
    startedAt: new Date().toISOString(),
  });
  progress.say(
    `Master "${name}" of cluster "${cluster}" ready. To use it:\n\n  export KUBECONFIG=${state.path("kubeconfig")}\n`,
  );
  const removed = await Promise.race([signalled, control.removed]);
  await state.forgetRunning();
  await control.stop();
  system.stopAll();
  if (removed === undefined) progress.say(`Master "${name}" stopped; the same command goes on with it.`);
  else report(removed);
  lock.release();
  Deno.exit(removed === undefined ? 0 : 1);
}

const patienceMs = 90_000;

/** Masters are taken in one after the other. */
async function whileOthersJoin<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof NoAnswer) || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function readIdentity(directory: string): Promise<MasterIdentity | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(`${directory}/master.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function joinCluster(
  directory: string,
  name: string,
  { join, token, caHash, ...said }: MasterCommandOptions,
  progress: Progress,
): Promise<MasterIdentity> {
  if (join === undefined || token === undefined) {
    throw new Error(
      `Cannot start master "${name}": it has not joined a cluster yet, which takes --join and --token ` +
        "(chartroom token create --master prints them)",
    );
  }
  const authority = await progress.step(
    `Cluster at ${join} known by its signature`,
    () => discoverAuthority({ server: join, token, caHash }),
  );
  // What a joining master is not told is where it is reached from there.
  const advertiseAddress = said.advertiseAddress ?? (await addressTowards(join))?.address;
  const reach = { ...said, ...(advertiseAddress === undefined ? {} : { advertiseAddress }) };
  checkReach(reach);
  const { encryption, keys, storeAuthority, controlPlaneEndpoint, ...rest } = await progress.step(
    "Keys handed over",
    () =>
      whileOthersJoin(() =>
        postJson<MasterBundle>(`${join}${masterJoinPath}`, { name, advertiseAddress }, { authority, token })
      ),
  );
  const files = keyFiles(`${directory}/pki`);
  await installClusterKeys(files, keys);
  await files.write("store-ca.key", storeAuthority.key);
  await files.write("store-ca.crt", storeAuthority.certificate);
  await noteReach(directory, { ...(controlPlaneEndpoint === undefined ? {} : { controlPlaneEndpoint }), ...reach });
  if (encryption !== undefined) await keyFiles(directory).write(ownEncryption, encryption);
  const identity: MasterIdentity = { name, ...rest };
  await Deno.writeTextFile(`${directory}/master.json`, `${JSON.stringify(identity, null, 2)}\n`, { mode: 0o600 });
  return identity;
}
