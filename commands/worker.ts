/** `chartroom worker`: a node that joins a cluster with a token, and from then on has a certificate of its own. */
import { followingClient } from "../actors/api_client/following_client.ts";
import { httpClient } from "../actors/api_client/http_client.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { addressPlan, nodePlan } from "../machines/network/address_plan.ts";
import { addressTowards } from "./address_towards.ts";
import { ClusterState } from "./cluster_state.ts";
import { discoverAuthority } from "./discovery.ts";
import { engineAnswers } from "./docker_engine.ts";
import { nodeNetworkReady, setUpNodeNetwork } from "./host_network.ts";
import { serversPath, workerJoinPath } from "./join_paths.ts";
import type { WorkerAnswer } from "./join_routes.ts";
import { startNode } from "./node.ts";
import { nodeReady } from "./node_ready.ts";
import { Progress } from "./progress.ts";
import { reportingSystem } from "./reporting_system.ts";
import { postJson } from "./post_json.ts";
import { nodeWorld, type RuntimeName } from "./runtime_choice.ts";
import { takeLock } from "./state_lock.ts";
import { untilSignalled } from "./stop_signals.ts";
import { keptNodeCertificates, untilRenewal } from "./worker_certificates.ts";
import { readIdentity, type WorkerIdentity, writeIdentity } from "./worker_identity.ts";

export interface WorkerOptions {
  readonly join?: string;
  readonly token?: string;
  readonly caHash?: string;
  /** The node's; default: the host's. */
  readonly name?: string;
  readonly state?: string;
  readonly nodeAddress?: string;
  readonly runtime: RuntimeName;
}

/** Until it is stopped by a signal; its pods keep running. */
export async function runWorker(directory: string, name: string, options: WorkerOptions): Promise<void> {
  const progress = new Progress();
  const report = (problem: string) => console.error(`${new Date().toISOString()} ${problem}`);
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = await takeLock(`${directory}/lock`);
  if (lock === undefined) throw new Error(`Cannot start worker "${name}": it runs already (its state is ${directory})`);
  if (options.runtime === "docker" && (Deno.uid() !== 0 || !await engineAnswers())) {
    throw new Error(
      `Cannot start worker "${name}": containers take root and a Docker engine that answers ` +
        "(or --runtime simulated, where nothing runs in pods)",
    );
  }
  const files = keyFiles(`${directory}/pki`);
  const identity = await joined(directory, name, options, progress);
  const authority = await files.read("ca.crt");
  if (authority === undefined) throw new Error(`Cannot start worker "${name}": "${directory}/pki/ca.crt" is missing`);
  let over = false;
  const signalled = untilSignalled(() => Deno.exit(130)).then(() => {
    over = true;
  });
  // The kubelet is started anew with new certificates: its pods do not notice.
  let known = identity;
  let noted = Promise.resolve();
  const keep = (servers: readonly string[]) => {
    const next = known = { ...known, servers };
    noted = noted.then(() => writeIdentity(directory, next))
      .catch((error) => report(`the masters are not noted in ${directory}: ${(error as Error).message}`));
  };
  while (!over) {
    const stop = await startWorker({ directory, identity: known, authority, options, progress, keep, report });
    await Promise.race([signalled, untilRenewal(files)]);
    await stop();
  }
  progress.say(`Worker "${name}" stopped. Its pods keep running; the same command goes on with them.`);
  lock.release();
  Deno.exit(0);
}

/** What it was given, now or when it joined. */
async function joined(
  directory: string,
  name: string,
  { join, token, caHash, nodeAddress: given }: WorkerOptions,
  progress: Progress,
): Promise<WorkerIdentity> {
  const known = await readIdentity(directory);
  if (known !== undefined) {
    if (known.name !== name) {
      throw new Error(`Cannot start worker "${name}" with "${directory}": it belongs to worker "${known.name}"`);
    }
    return known;
  }
  if (join === undefined || token === undefined) {
    throw new Error(
      `Cannot start worker "${name}": it has not joined a cluster yet, which takes --join and --token ` +
        "(chartroom token create prints them)",
    );
  }
  const authority = await progress.step(
    `Cluster at ${join} known by its signature`,
    () => discoverAuthority({ server: join, token, caHash }),
  );
  const nodeAddress = given ?? await addressOnOtherHost(join);
  const request = { name, ...(nodeAddress === undefined ? {} : { address: nodeAddress }) };
  const answer = await postJson<WorkerAnswer>(`${join}${workerJoinPath}`, request, { authority, token });
  const files = keyFiles(`${directory}/pki`);
  await files.write("ca.crt", authority);
  const identity: WorkerIdentity = {
    ...answer,
    name,
    servers: [...new Set([join, ...answer.servers])],
    ...(nodeAddress === undefined ? {} : { nodeAddress }),
  };
  const client = httpClient({ servers: [join], authority, token, userAgent: `chartroom/${name}` });
  try {
    await progress.step("Certificate issued", () => keptNodeCertificates(files, identity, client));
  } finally {
    client.close();
  }
  await writeIdentity(directory, identity);
  return identity;
}

/** On the master's own host a node has an address of the cluster's. */
async function addressOnOtherHost(join: string): Promise<string | undefined> {
  const own = await addressTowards(join);
  return own === undefined || own.sameHost ? undefined : own.address;
}

interface WorkerStart {
  readonly directory: string;
  readonly identity: WorkerIdentity;
  readonly authority: string;
  readonly options: WorkerOptions;
  readonly progress: Progress;
  /** Notes which masters there are. */
  keep(servers: readonly string[]): void;
  report(problem: string): void;
}

async function startWorker(
  { directory, identity, authority, options: { runtime }, progress, keep, report }: WorkerStart,
): Promise<() => Promise<void>> {
  const { cluster, index, number, name, servers } = identity;
  const plan = addressPlan(index);
  const system = reportingSystem(report);
  const files = keyFiles(`${directory}/pki`);
  const userAgent = `chartroom/${name}`;
  const certificate = (await keptNodeCertificates(files, identity, undefined)).client;
  const client = followingClient({
    system,
    node: name,
    servers,
    authority,
    certificate,
    userAgent,
    path: serversPath,
    keep,
  });
  const { serving } = await keptNodeCertificates(files, identity, client);
  const network = runtime === "docker" ? setUpNodeNetwork(system, plan, number, name) : undefined;
  const world = await nodeWorld(system, runtime, nodePlan(plan, number).podCidr);
  if (network !== undefined) await nodeNetworkReady(system, network);
  const node = await startNode({
    system,
    state: new ClusterState(cluster, directory),
    number,
    name,
    ...(identity.nodeAddress === undefined ? {} : { address: identity.nodeAddress }),
    plan,
    ...world,
    network: network ?? world.network!,
    client,
    authority,
    serving: serving!,
    onNetwork: runtime === "docker",
    share: 1,
    report,
  });
  await progress.step(`Node ${name} ready`, () => nodeReady(system, client, name));
  return async () => {
    await node.stop();
    system.stopAll();
    client.close();
  };
}
