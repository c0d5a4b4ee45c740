/** A master of several whose store is somebody else's: they share its objects, this host and a state directory. */
import { ownAddress } from "../machines/network/master_places.ts";
import type { AmongMastersOptions } from "./among_masters.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { AmongMasters } from "./master_options.ts";
import { startPresence } from "./presence.ts";

export interface AmongExternalOptions extends Omit<AmongMastersOptions, "joined"> {
  /** How many there are. */
  readonly masters: number;
  masterName(number: number): string;
}

/** Resolves when the cluster's keys are there, which the first master makes. */
export async function amongExternal(options: AmongExternalOptions): Promise<AmongMasters> {
  if (options.number > 0) await untilFirstServes(options.state);
  const { system, plan, name, number, masters, reach, address, onHost, report } = options;
  const port = plan.apiServerPort;
  const all = Array.from({ length: masters }, (_, each) => ({
    name: options.masterName(each),
    server: `https://${ownAddress(plan, each, onHost)}:${port}`,
  }));
  return {
    removed: new Promise(() => {}),
    number,
    ownDisk: false,
    ownAddress: { host: ownAddress(plan, number, onHost), port },
    servers: () =>
      Promise.resolve(
        reach.advertiseAddress === undefined
          ? all.map(({ server }) => server)
          : [`https://${reach.advertiseAddress}:${port}`],
      ),
    others: () => all.filter((each) => each.name !== name),
    startPresence: (client) => startPresence({ system, name, client, address, port, report }),
  };
}

const patienceMs = 90_000;

/** What is written last when the first master listens for the first time. */
async function untilFirstServes(state: ClusterState): Promise<void> {
  const path = state.path("kubeconfig");
  const deadline = performance.now() + patienceMs;
  while (!await isThere(path)) {
    if (performance.now() > deadline) {
      throw new Error(`Cannot start one more master of "${state.name}": the first one has not made ${path} yet`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
