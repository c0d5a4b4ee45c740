/** All of a cluster in this process. */
import type { NodeNetwork } from "../actors/pod_network/node_network_actor.ts";
import type { ActorSystem } from "../actors/system.ts";
import { type AddressPlan, addressPlan, nodePlan } from "../machines/network/address_plan.ts";
import type { ClusterState } from "./cluster_state.ts";
import { type ControlPlane, nodeUser, startControlPlane } from "./control_plane.ts";
import { nodeNetworkReady, setUpNodeNetwork } from "./host_network.ts";
import { nodeName, type RunningNode, startNode } from "./node.ts";
import { servingCertificate } from "./node_credentials.ts";
import { nodeReady } from "./node_ready.ts";
import type { Progress } from "./progress.ts";
import { readReach } from "./reach.ts";
import { reportingSystem } from "./reporting_system.ts";
import { nodeWorld, type RuntimeName } from "./runtime_choice.ts";
import type { RunningSimulatedNodes, SimulatedNodesWish } from "./simulated_nodes.ts";
import type { Bringing } from "./up.ts";

export interface SingleProcessOptions {
  readonly state: ClusterState;
  readonly index: number;
  readonly nodes: number;
  readonly overcommit: boolean;
  readonly runtime: RuntimeName;
  readonly simulatedNodes?: SimulatedNodesWish;
  readonly progress: Progress;
  report(problem: string): void;
}

export function startSingleProcess(options: SingleProcessOptions): Bringing {
  const system = reportingSystem(options.report);
  const plan = addressPlan(options.index);
  const started = start(options, system, plan);
  return {
    server: `https://127.0.0.1:${plan.apiServerPort}`,
    ready: started.then(() => {}),
    async stop() {
      const { control, nodes, simulated } = await started;
      await simulated?.stop();
      await Promise.all(nodes.map((node) => node.stop()));
      await control.stop();
      system.stopAll();
    },
    // Whatever is lost by that was never acknowledged.
    kill: () => Deno.exit(130),
  };
}

async function start(
  options: SingleProcessOptions,
  system: ActorSystem,
  plan: AddressPlan,
): Promise<{ control: ControlPlane; nodes: RunningNode[]; simulated?: RunningSimulatedNodes }> {
  const { state, progress, runtime, report } = options;
  const numbers = Array.from({ length: options.nodes }, (_, number) => number);
  const names = new Set(numbers.map(nodeName));
  let simulated = undefined as RunningSimulatedNodes | undefined;
  const networks = runtime === "docker" ? numbers.map((number) => setUpNodeNetwork(system, plan, number)) : [];
  const control = await startControlPlane({
    system,
    state,
    plan,
    runtime,
    nodes: options.nodes,
    ownNode: (node) => names.has(node) || (simulated?.has(node) ?? false),
    step: (title, body) => progress.step(title, body),
    report,
  });
  const nodes = options.nodes === 0 ? [] : await progress.step(
    options.nodes === 1 ? "Node ready" : `${options.nodes} nodes ready`,
    () => startNodes(options, system, plan, control, networks),
  );
  const wish = options.simulatedNodes;
  if (wish === undefined) return { control, nodes };
  const { startSimulatedNodes } = await import("./simulated_nodes.ts");
  simulated = await progress.step(
    `${wish.count} simulated nodes ready`,
    () => startSimulatedNodes({ ...wish, system, state, master: control.master, report }),
  );
  return { control, nodes, simulated };
}

async function startNodes(
  { state, nodes, overcommit, runtime, report }: SingleProcessOptions,
  system: ActorSystem,
  plan: AddressPlan,
  { master, startHostServices }: ControlPlane,
  networks: readonly NodeNetwork[],
): Promise<RunningNode[]> {
  const { authority } = master.keys;
  const reach = await readReach(state.directory);
  const [started] = await Promise.all([
    Promise.all(Array.from({ length: nodes }, async (_, number) => {
      const world = await nodeWorld(system, runtime, nodePlan(plan, number).podCidr);
      const network = networks[number];
      if (network !== undefined) await nodeNetworkReady(system, network);
      return await startNode({
        system,
        state,
        number,
        plan,
        reach,
        ...world,
        network: network ?? world.network!,
        client: master.client(nodeUser(nodeName(number))),
        authority: authority.certificate,
        serving: await servingCertificate(state, number, plan, authority, system.clock.wallTime()),
        onNetwork: runtime === "docker",
        share: overcommit ? 1 : 1 / nodes,
        report,
      });
    })),
    startHostServices(),
  ]);
  const client = master.client({ name: "chartroom", groups: ["system:masters"] });
  await Promise.all(started.map(({ name }) => nodeReady(system, client, name)));
  return started;
}
