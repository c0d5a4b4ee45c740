/** Bugs put into each part of a cluster, from outside: a simulation that does not find them proves nothing. */
import { assert, assertEquals } from "@std/assert";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { type ActorKind, ActorSystem } from "../../../actors/system.ts";
import type { ActorHandle, SpawnOptionsOf } from "../../../actors/system/actor_handle.ts";
import { type FaultKind, faultKinds } from "../../../commands/simulation/schedule.ts";
import { simulate } from "../../../commands/simulation/simulate.ts";
import type { Mutations } from "../../../commands/simulation/simulated_cluster.ts";
import type { ReplicaSet } from "../../../machines/objects/object.ts";
import type { ApiClient } from "../../../ports/api_client.ts";
import type { AnyStateMachine } from "xstate";

interface PlantedBug {
  readonly part: string;
  readonly bug: string;
  /** Made anew for each seed. */
  mutate(): Mutations;
  readonly faults: readonly FaultKind[];
  readonly nodes?: number;
  /** By what it is found, in the invariant's words. */
  readonly found: readonly string[];
}

/** Within so many seeds it must be found. */
const mostSeeds = 30;
const reached = "within 15 minutes after the last fault everything is as it was asked to be";

const planted: readonly PlantedBug[] = [
  {
    part: "store",
    bug: "answers writes before they are on the disk",
    mutate: () => ({ disk: (_, random) => new ForgetfulDisk({ random }) }),
    faults: ["powerLoss"],
    // Its log is damaged beyond what a crash may do: it says so and does not start.
    found: ["an acknowledged write stays", "revisions only grow", reached],
  },
  {
    part: "kubelet",
    bug: "restarts a container that was stopped for good",
    mutate: () => ({ system: (clock) => new MutatedSystem({ clock }, "container", { isUnwanted: () => false }) }),
    faults: faultKinds,
    found: [reached, "no exception escapes", "a container never runs twice at once"],
  },
  {
    part: "scheduler",
    bug: "binds to the first node whatever it has decided",
    mutate: () => ({
      client: (client, component) =>
        component === "scheduler"
          ? changed(client, {
            create: (resource, namespace, object, options) =>
              client.create(
                resource,
                namespace,
                options?.subresource === "binding"
                  ? { ...object, target: { apiVersion: "v1", kind: "Node", name: "worker-0" } }
                  : object,
                options,
              ),
          })
          : client,
    }),
    faults: [],
    nodes: 6,
    found: ["no node is given more than it has", reached],
  },
  {
    part: "a controller",
    bug: "asks for one replica more than the Deployment allows",
    mutate: () => ({
      client: (client, component) =>
        component === "controllers"
          ? changed(client, {
            update: (resource, object, options) => {
              const { spec } = object as ReplicaSet;
              const wrong = resource.resource === "replicasets" && options?.subresource === undefined && spec?.replicas;
              const body = wrong ? { ...object, spec: { ...spec, replicas: spec.replicas! + 3 } } : object;
              return client.update(resource, body, options);
            },
          })
          : client,
    }),
    faults: [],
    found: ["a Deployment never exceeds maxSurge"],
  },
  {
    part: "proxy",
    bug: "takes a refused transaction for one that was made",
    mutate: () => ({
      node: ({ filter }) => {
        const apply = filter.apply.bind(filter);
        let count = 0;
        filter.apply = (script) => ++count % 4 === 0 ? Promise.resolve() : apply(script);
      },
    }),
    faults: [],
    found: [reached],
  },
];

for (const { part, bug, mutate, faults, nodes = 3, found } of planted) {
  Deno.test(`simulation finds that ${part} ${bug}`, async () => {
    for (let seed = 1; seed <= mostSeeds; seed++) {
      const options = { seed, nodes, masters: 1, minutes: 3, faults };
      const { violation } = await simulate({ ...options, mutate: mutate() });
      if (violation === undefined) continue;
      assert(found.includes(violation.invariant), `${violation.invariant}: ${violation.message}`);
      const { violation: without } = await simulate(options);
      assertEquals(without, undefined, "without the bug the same seed is clean");
      return;
    }
    throw new Error(`Expected that the bug is found within ${mostSeeds} seeds`);
  });
}

/** Says that it has synced and has not. */
class ForgetfulDisk extends SimulatedDisk {
  override async open(path: string, options?: { create?: boolean }) {
    const file = await super.open(path, options);
    return { ...file, sync: () => Promise.resolve() };
  }
}

/** Runs one kind of actor with guards of its own. */
class MutatedSystem extends ActorSystem {
  constructor(ports: ConstructorParameters<typeof ActorSystem>[0], readonly kind: string, readonly guards: object) {
    super(ports);
  }

  override spawn<M extends AnyStateMachine>(kind: ActorKind<M>, options: SpawnOptionsOf<M>): ActorHandle<M> {
    if (kind.name !== this.kind) return super.spawn(kind, options);
    const machine = kind.machine.provide({ guards: this.guards } as never) as unknown as M;
    return super.spawn({ ...kind, machine }, options);
  }
}

function changed(client: ApiClient, methods: Partial<ApiClient>): ApiClient {
  return new Proxy(client, {
    get: (target, name) => {
      const own = Reflect.get(methods, name) as unknown;
      if (own !== undefined) return own;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
