/** A master in this process, on a disk and a port of its own: all of the control plane and no node. */
import { realClock } from "../../actors/real/real_clock.ts";
import { ActorSystem } from "../../actors/system.ts";
import { noteApiServerFlags } from "../../commands/api_server_flags.ts";
import { ClusterState } from "../../commands/cluster_state.ts";
import { type Master, startMaster } from "../../commands/master.ts";
import {
  type AddressPlan,
  addressPlan,
  controlPlaneAddress,
  maxClusters,
} from "../../machines/network/address_plan.ts";
import { type Client, kubectl } from "./kubectl.ts";

export interface ApiCluster extends AsyncDisposable {
  readonly kubectl: Client;
  readonly master: Master;
  /** Whose actors the master's are. */
  readonly system: ActorSystem;
  readonly kubeconfig: string;
  /** For files of the test's own. */
  readonly directory: string;
}

/**
 * `flags`: options of the API server, by their names in `up`'s options; made with the directory for files of
 * the test. `expected`: reports that are no problem of the test's.
 */
export async function startApiCluster(
  flags?: (directory: string) => Promise<object>,
  expected: (problem: string) => boolean = () => false,
): Promise<ApiCluster> {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
  const state = new ClusterState(`test-${crypto.randomUUID().slice(0, 8)}`, `${directory}/state`);
  await Deno.mkdir(state.directory);
  if (flags !== undefined) await noteApiServerFlags(state, await flags(directory));
  const plan = freePlan();
  const system = new ActorSystem({ clock: realClock });
  const problems: string[] = [];
  const master = await startMaster({
    system,
    state,
    name: "master-0",
    plan,
    reach: {},
    controlPlaneAddress: controlPlaneAddress(plan, 0),
    listenForCluster: false,
    report: (problem) => void (expected(problem) || problems.push(problem)),
  });
  await master.ready;
  return {
    kubectl: await kubectl(state.path("kubeconfig"), directory),
    master,
    system,
    kubeconfig: state.path("kubeconfig"),
    directory,
    async [Symbol.asyncDispose]() {
      await master.stop();
      system.stopAll();
      await Deno.remove(directory, { recursive: true });
      if (problems.length > 0) throw new Error(`The master reported problems: ${problems.join("; ")}`);
    },
  };
}

/** Only its port is used on the host, so one whose port nobody listens on will do. */
function freePlan(): AddressPlan {
  const plans = Array.from({ length: maxClusters }, (_, index) => addressPlan(index));
  const first = Deno.pid % maxClusters;
  for (const plan of [...plans.slice(first), ...plans.slice(0, first)]) {
    try {
      Deno.listen({ hostname: "127.0.0.1", port: plan.apiServerPort }).close();
      return plan;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`Cannot start a test's API server: the ports of all ${maxClusters} clusters are taken`);
}
