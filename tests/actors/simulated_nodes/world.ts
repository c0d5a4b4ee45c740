/** A control plane in memory with simulated nodes, on time that the test moves. */
import { parse } from "@std/yaml";
import { SimulatedRandom } from "../../../actors/simulated/simulated_random.ts";
import { SimulatedNodes } from "../../../actors/simulated_nodes/simulated_nodes.ts";
import { readBehaviours } from "../../../machines/simulated_nodes/behaviours.ts";
import type { Node, Pod } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { resources } from "../../../ports/api_client.ts";
import { type ControlPlane, startControlPlane } from "../../support/control_plane.ts";

export class World {
  readonly faults: string[] = [];

  private constructor(readonly plane: ControlPlane, readonly nodes: SimulatedNodes) {
    plane.system.inspect((inspection) => {
      if (inspection.type === "actor.failed") this.faults.push(`${inspection.actor}: ${inspection.detail}`);
    });
  }

  static async start(count: number, behaviours = "", tainted = false): Promise<World> {
    const plane = await startControlPlane();
    const world = new World(
      plane,
      new SimulatedNodes({
        system: plane.system,
        node: "test",
        clusterName: "test",
        count,
        world: readBehaviours(parse(behaviours), ""),
        tainted,
        client: plane.client,
        clientOf: (node) =>
          plane.clientOf({ name: `system:node:${node}`, groups: ["system:nodes", "system:authenticated"] }),
        random: new SimulatedRandom(7),
        host: "127.0.0.1",
        port: 10_250,
      }),
    );
    await plane.clock.pass(1_000);
    await world.nodes.ready;
    await plane.clock.pass(1_000);
    return world;
  }

  get client() {
    return this.plane.client;
  }

  pass(milliseconds: number): Promise<void> {
    return this.plane.clock.pass(milliseconds);
  }

  async create(name: string, { spec = {}, ...metadata }: Record<string, unknown> = {}): Promise<Pod> {
    return await this.client.create<Pod>(resources.pods, "default", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: { app: name }, ...metadata },
      spec: { containers: [{ name: "app", image: "app:1" }], ...spec as object },
    });
  }

  pod(name: string): Promise<Pod | undefined> {
    return orNone(this.client.get<Pod>(resources.pods, "default", name));
  }

  node(name: string): Promise<Node | undefined> {
    return orNone(this.client.get<Node>(resources.nodes, undefined, name));
  }

  /** Phase, and what the container waits for, how it ended or how often it was started anew. */
  async stateOf(name: string): Promise<string> {
    const pod = await this.pod(name);
    if (pod === undefined) return "gone";
    const { phase, conditions, containerStatuses } = pod.status ?? {};
    const ready = conditions?.find(({ type }) => type === "Ready")?.status === "True" ? "ready" : "not ready";
    const { state, restartCount = 0 } = containerStatuses?.[0] ?? {};
    const why = state?.waiting?.reason ?? (state?.terminated && `exit ${state.terminated.exitCode}`);
    return [phase, ready, why, restartCount > 0 && `${restartCount} restarts`].filter(Boolean).join(", ");
  }

  async stop(): Promise<void> {
    const stopped = this.nodes.stop();
    await this.pass(1_000);
    await stopped;
    await this.plane.stop();
  }
}

async function orNone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

export function readyOf(node: Node | undefined): string | undefined {
  return node?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
}
