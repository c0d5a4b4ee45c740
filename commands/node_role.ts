/** A node in a process of its own: it talks to the API over HTTPS, with its own certificate. */
import { followingClient } from "../actors/api_client/following_client.ts";
import { addressPlan, nodePlan } from "../machines/network/address_plan.ts";
import { serversPath } from "./join_paths.ts";
import { nodeNetworkReady, setUpNodeNetwork } from "./host_network.ts";
import { nodeName, startNode } from "./node.ts";
import { readNodeCredentials } from "./node_credentials.ts";
import { nodeReady } from "./node_ready.ts";
import { readReach } from "./reach.ts";
import { reportingSystem } from "./reporting_system.ts";
import type { StartRole } from "./role.ts";
import { nodeWorld } from "./runtime_choice.ts";

export const startNodeRole: StartRole = async ({ state, index, options, done, report }) => {
  const { number, runtime, overcommit, nodes } = options;
  const system = reportingSystem(report);
  const plan = addressPlan(index);
  const name = nodeName(number);
  const network = runtime === "docker" ? setUpNodeNetwork(system, plan, number) : undefined;
  const { authority, serving, client: certificate } = await readNodeCredentials(state, number);
  const client = followingClient({
    system,
    node: name,
    servers: [`https://127.0.0.1:${plan.apiServerPort}`],
    path: serversPath,
    // Its masters are on this host: who starts it knows where.
    keep: () => {},
    authority,
    certificate,
    userAgent: `chartroom/${name}`,
  });
  const world = await nodeWorld(system, runtime, nodePlan(plan, number).podCidr);
  if (network !== undefined) await nodeNetworkReady(system, network);
  const node = await startNode({
    system,
    state,
    number,
    plan,
    reach: await readReach(state.directory),
    ...world,
    network: network ?? world.network!,
    client,
    authority,
    serving,
    onNetwork: runtime === "docker",
    share: overcommit ? 1 : 1 / nodes,
    report,
  });
  await nodeReady(system, client, name);
  done(`Node ${name} ready`);
  return {
    async stop() {
      await node.stop();
      system.stopAll();
      client.close();
    },
  };
};
