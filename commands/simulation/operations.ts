/** What people do to a cluster: drawn with all names and numbers, so that each stands alone. */
import type { SimulatedRandom } from "../../actors/simulated/simulated_random.ts";
import { settledMs } from "./schedule.ts";

export type OperationStep =
  | {
    readonly type: "createDeployment";
    readonly name: string;
    readonly image: string;
    readonly replicas: number;
    readonly surge: number;
    readonly unavailable: number;
    readonly milliCpu: number;
  }
  | { readonly type: "scale"; readonly name: string; readonly replicas: number }
  | { readonly type: "roll"; readonly name: string; readonly image: string }
  | { readonly type: "deleteDeployment"; readonly name: string }
  | { readonly type: "createJob"; readonly name: string; readonly image: string; readonly completions: number }
  | { readonly type: "deleteJob"; readonly name: string }
  | { readonly type: "createService"; readonly name: string; readonly port: number }
  | { readonly type: "deleteService"; readonly name: string }
  | { readonly type: "createStatefulSet"; readonly name: string; readonly replicas: number }
  | { readonly type: "scaleStatefulSet"; readonly name: string; readonly replicas: number }
  | { readonly type: "writeConfigMap"; readonly name: string; readonly value: string }
  | { readonly type: "deletePod"; readonly place: number }
  | { readonly type: "drain"; readonly node: string }
  | { readonly type: "uncordon"; readonly node: string }
  | { readonly type: "deleteNode"; readonly node: string };

export type Operation = OperationStep & { readonly id: number; readonly atMs: number };

const images = ["server", "server", "slow", "stubborn", "flaky"];
const taskImages = ["task", "attempt"];

/** What the drawing knows of what there will be. */
interface Imagined {
  readonly deployments: Map<string, { image: string; revision: number }>;
  readonly services: Set<string>;
  readonly jobs: Set<string>;
  readonly sets: Set<string>;
  count: number;
}

export function drawOperations(
  random: SimulatedRandom,
  { nodes, forMs }: { readonly nodes: number; readonly forMs: number },
): Operation[] {
  const there: Imagined = { deployments: new Map(), services: new Set(), jobs: new Set(), sets: new Set(), count: 0 };
  const drawn: { at: number; step: OperationStep }[] = [];
  const meanMs = 4_000 * 8 ** random.next();
  for (let at = settledMs; at < settledMs + forMs; at += 500 + random.next() * 2 * meanMs) {
    const step = drawStep(random, there, nodes);
    if (step === undefined) continue;
    drawn.push({ at, step });
    // Nobody leaves a node cordoned.
    if (step.type === "drain") {
      drawn.push({ at: at + 5_000 + random.next() * 60_000, step: { type: "uncordon", node: step.node } });
    }
  }
  return drawn.sort((a, b) => a.at - b.at).map(({ at, step }, id) => ({ id, atMs: Math.floor(at), ...step }));
}

function drawStep(random: SimulatedRandom, there: Imagined, nodes: number): OperationStep | undefined {
  const one = <T>(all: Iterable<T>): T | undefined => {
    const list = [...all];
    return list[random.below(Math.max(1, list.length))];
  };
  // As many as fit with room to spare: nothing may have to wait for ever.
  const most = Math.max(2, nodes);
  const deployment = one(there.deployments.keys());
  const node = `worker-${random.below(nodes)}`;
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2: {
      if (there.deployments.size >= 4) return undefined;
      const name = `app-${there.count++}`;
      const image = `${one(images)}:1`;
      there.deployments.set(name, { image, revision: 1 });
      const surge = random.below(3);
      return {
        type: "createDeployment",
        name,
        image,
        replicas: 1 + random.below(most),
        surge,
        unavailable: surge === 0 ? 1 : random.below(2),
        milliCpu: 100 + 100 * random.below(3),
      };
    }
    case 3:
    case 4:
      return deployment === undefined ? undefined : {
        type: "scale",
        name: deployment,
        replicas: random.below(most + 1),
      };
    case 5:
    case 6: {
      if (deployment === undefined) return undefined;
      const known = there.deployments.get(deployment)!;
      known.revision++;
      return { type: "roll", name: deployment, image: `${known.image.split(":")[0]}:${known.revision}` };
    }
    case 7:
      if (deployment === undefined) return undefined;
      there.deployments.delete(deployment);
      return { type: "deleteDeployment", name: deployment };
    case 8: {
      if (there.jobs.size >= 3) return undefined;
      const name = `job-${there.count++}`;
      there.jobs.add(name);
      return { type: "createJob", name, image: `${one(taskImages)}:1`, completions: 1 + random.below(4) };
    }
    case 9: {
      const name = one(there.jobs);
      if (name === undefined) return undefined;
      there.jobs.delete(name);
      return { type: "deleteJob", name };
    }
    case 10: {
      if (deployment === undefined || there.services.has(deployment)) return undefined;
      there.services.add(deployment);
      return { type: "createService", name: deployment, port: 80 + random.below(10) };
    }
    case 11: {
      const name = one(there.services);
      if (name === undefined || random.below(3) > 0) return undefined;
      there.services.delete(name);
      return { type: "deleteService", name };
    }
    case 12: {
      const name = one(there.sets);
      if (name !== undefined) return { type: "scaleStatefulSet", name, replicas: random.below(4) };
      const made = `set-${there.count++}`;
      there.sets.add(made);
      return { type: "createStatefulSet", name: made, replicas: 1 + random.below(3) };
    }
    case 13:
      return { type: "writeConfigMap", name: `map-${random.below(3)}`, value: String(random.below(1_000_000)) };
    case 14:
      return { type: "deletePod", place: random.next() };
    default:
      if (nodes < 2) return undefined;
      return random.below(3) === 0 ? { type: "deleteNode", node } : { type: "drain", node };
  }
}

/** In words, for reports. */
export function describeOperation(operation: Operation): string {
  const { id: _, atMs: _at, type, ...rest } = operation;
  const said = Object.entries(rest).map(([name, value]) => `${name} ${value}`).join(", ");
  return `${type} ${said}`;
}
