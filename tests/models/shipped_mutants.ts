/**
 * Seeded faults in the shipped machines and plans: a guard that is swapped, an order that is dropped, a timer that is
 * missing, a step out of order. Each names the model that must notice it.
 */
import { type AnyStateMachine, createMachine, setup } from "xstate";
import { apiServerMachine } from "../../machines/api_server/api_server_machine.ts";
import type { SystemModel } from "../../machines/check/system_model.ts";
import { containerMachine } from "../../machines/container/container_machine.ts";
import { containerSetup } from "../../machines/container/container_protocol.ts";
import type { Caches, Controller, Plan, Write } from "../../machines/controllers/controller.ts";
import { deploymentController } from "../../machines/controllers/deployment/deployment_controller.ts";
import { garbageCollector } from "../../machines/controllers/garbage_collector/garbage_collector.ts";
import { replicaSetController } from "../../machines/controllers/replica_set/replica_set_controller.ts";
import { jobController } from "../../machines/controllers/job/job_controller.ts";
import { nodeLifecycleController } from "../../machines/controllers/node_lifecycle/node_lifecycle_controller.ts";
import { statefulSetController } from "../../machines/controllers/stateful_set/stateful_set_controller.ts";
import { taintEvictionController } from "../../machines/controllers/taint_eviction/taint_eviction_controller.ts";
import { endpointSliceController } from "../../machines/controllers/endpoints/endpoint_slice_controller.ts";
import { daemonSetController } from "../../machines/controllers/daemon_set/daemon_set_controller.ts";
import { apiServerSystem } from "../../machines/models/api_server_system.ts";
import { daemonSetSystem } from "../../machines/models/daemon_set_system.ts";
import { resources } from "../../machines/objects/resources.ts";
import { endpointSystem } from "../../machines/models/endpoint_system.ts";
import { nodeSystem } from "../../machines/models/node_system.ts";
import { jobSystem, statefulSetSystem } from "../../machines/models/workload_systems.ts";
import { deploymentSituations, garbageSituations, nodeSituations } from "../../machines/models/controller_models.ts";
import { deploymentSystem } from "../../machines/models/deployment_system.ts";
import { garbageSystem } from "../../machines/models/garbage_system.ts";
import { podSituations } from "../../machines/models/pod_models.ts";
import { podSystem } from "../../machines/models/pod_system.ts";
import { schedulerSituations } from "../../machines/models/scheduler_models.ts";
import { schedulerSystem, type SchedulerSystemOptions } from "../../machines/models/scheduler_system.ts";
import type { KubeObject, ReplicaSet } from "../../machines/objects/object.ts";
import { podMachine } from "../../machines/pod/pod_machine.ts";
import { schedulePod } from "../../machines/scheduler/schedule.ts";
import { schedulingMachine } from "../../machines/scheduler/scheduling_machine.ts";
import { podSetup } from "../../machines/pod/pod_protocol.ts";

export interface Mutant {
  readonly fault: string;
  /** The model that must notice it, as `chartroom check` names it. */
  readonly model: string;
  system(): SystemModel;
}

/** A chart's configuration as data. */
// deno-lint-ignore no-explicit-any
type Node = any;

/** The chart with another configuration: everything is copied down to functions, then changed. */
function edited<M extends AnyStateMachine>(
  machine: M,
  setup: { createMachine(config: never): unknown },
  change: (root: Node) => void,
): M {
  const copy = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(copy)
      : value !== null && typeof value === "object"
      ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copy(each)]))
      : value;
  const config = copy(machine.config) as Node;
  change(config);
  return setup.createMachine(config as never) as M;
}

/** `active.preparing`: the state there. */
function at(root: Node, path: string): Node {
  return path.split(".").reduce((node, name) => {
    const below = node.states?.[name];
    if (below === undefined) throw new Error(`Cannot change "${path}": the chart has no such state any more`);
    return below;
  }, root);
}

function without(node: Node, part: "entry" | "after" | "on" | "always" | "exit", event?: string): void {
  const holder = event === undefined ? node : node[part];
  const key = event ?? part;
  if (holder?.[key] === undefined) throw new Error(`Cannot drop "${key}": it is not there any more`);
  delete holder[key];
}

const podMutant = (fault: string, situation: string, machines: { pod?: unknown; container?: unknown }): Mutant => {
  const options = podSituations[situation];
  if (options === undefined) throw new Error(`Cannot check "${fault}": there is no situation "${situation}"`);
  return { fault, model: `pod/${situation}`, system: () => podSystem({ ...options, machines: machines as never }) };
};
const pod = (fault: string, situation: string, change: (root: Node) => void) =>
  podMutant(`pod: ${fault}`, situation, { pod: edited(podMachine, podSetup, change) });
const podGuard = (fault: string, situation: string, guards: object) =>
  podMutant(`pod: ${fault}`, situation, { pod: podMachine.provide({ guards: guards as never }) });
const container = (fault: string, situation: string, change: (root: Node) => void) =>
  podMutant(`container: ${fault}`, situation, { container: edited(containerMachine, containerSetup, change) });
const containerGuard = (fault: string, situation: string, guards: object) =>
  podMutant(`container: ${fault}`, situation, { container: containerMachine.provide({ guards: guards as never }) });

const yes = () => true;
const no = () => false;

const podMutants: readonly Mutant[] = [
  podMutant("pod and container: an init container is asked twice and runs twice", "inits", {
    pod: podMachine.provide({ guards: { startsNext: yes } }),
    container: edited(containerMachine, containerSetup, (root) => {
      at(root, "completed").on["container.startAsked"] = { target: "preparing", actions: "allowStart" };
    }),
  }),
  podGuard("does not wait for its main containers to end", "failures", { mainAreOver: yes }),
  podGuard("does not wait for its sidecars to end", "inits", { allAreOver: yes }),
  podGuard("takes its object for gone", "failures", { isObjectGone: yes }),
  podGuard("takes every end for a good one", "never", { endedWell: yes }),
  podGuard("takes every end for a bad one", "never", { endedWell: no }),
  podGuard("does not notice that its apps are over", "never", { appsAreOver: no }),
  podGuard("starts its apps before its init containers", "inits", { isInitialized: yes }),
  podGuard("does not notice that an init container has failed", "init-fails", { initHasFailed: no }),
  podGuard("begins again under Never", "never-sandbox", { mustNotBeginAgain: no }),
  podGuard("does not wait for its volumes", "failures", { isPrepared: no }),
  podGuard("ends under Always", "failures", { appsAreOver: yes }),
  pod("does not unmount its volumes", "failures", (root) => without(at(root, "terminating.unmounting"), "entry")),
  pod(
    "does not try again to remove its sandbox",
    "failures",
    (root) => without(at(root, "terminating.removeBackOff"), "after"),
  ),
  pod("does not try again to report", "failures", (root) => without(at(root, "terminating.reportBackOff"), "after")),
  pod("does not try again to unmount", "failures", (root) => without(at(root, "terminating.unmountBackOff"), "after")),
  pod(
    "does not try again to delete its object",
    "failures",
    (root) => without(at(root, "terminating.deleteBackOff"), "after"),
  ),
  pod(
    "does not try again to make its sandbox",
    "failures",
    (root) => without(at(root, "active.preparing.sandbox.backOff"), "after"),
  ),
  pod(
    "does not try again to mount",
    "failures",
    (root) => without(at(root, "active.preparing.volumes.backOff"), "after"),
  ),
  pod("removes its sandbox alone", "failures", (root) => {
    at(root, "terminating.removing").entry.params = { everything: false };
  }),
  pod("deletes its object before the volumes are unmounted", "failures", (root) => {
    at(root, "terminating.removing").on["sandbox.removed"] = "deleting";
  }),
  pod("does not hear that it is deleted", "failures", (root) => without(root, "on", "pod.deletionAsked")),
  pod("forgets the grace that was asked for", "shorter", (root) => {
    root.on["pod.deletionAsked"] = { target: ".terminating" };
  }),
  pod("does not note that a container has completed", "never", (root) => without(root, "on", "container.completed")),
  pod("does not note that a container was stopped", "failures", (root) => without(root, "on", "container.stopped")),
];

const containerMutants: readonly Mutant[] = [
  containerGuard("starts before the pod allows it", "inits", { mayStart: yes }),
  containerGuard("wants to run although it was told to stop", "failures", { isUnwanted: no }),
  containerGuard("starts again at once under Never", "never", { restartsAtOnce: yes }),
  containerGuard("does not start again after its first crash", "failures", { restartsAtOnce: no, mustRestart: no }),
  containerGuard("takes every exit for a clean one", "never", { isClean: yes }),
  containerGuard("takes no exit for a clean one", "never", { isClean: no }),
  containerGuard("is ready whatever its probe says", "probes", { hasReadinessProbe: no, hasStartupProbe: no }),
  container("runs on when its stop came while it was made", "failures", (root) => {
    at(root, "preparing.unwanted").on["container.created"] = "#container.starting";
  }),
  container("forgets what started after it was told to stop", "failures", (root) => {
    at(root, "starting.unwanted").on["container.started"] = "#container.stopped";
  }),
  container(
    "does not hear a stop while it runs",
    "failures",
    (root) => without(at(root, "running"), "on", "container.stopAsked"),
  ),
  container(
    "does not hear a stop while it waits",
    "failures",
    (root) => without(at(root, "waiting"), "on", "container.stopAsked"),
  ),
  container(
    "does not hear a stop while it backs off",
    "on-failure",
    (root) => without(at(root, "crashBackOff"), "on", "container.stopAsked"),
  ),
  container(
    "does not kill what ignores the signal",
    "failures",
    (root) => without(at(root, "stopping.forced"), "entry"),
  ),
  container("has no end to its grace", "failures", (root) => without(at(root, "stopping"), "after")),
  container(
    "does not try again to kill",
    "graces-failure",
    (root) => without(at(root, "stopping.killBackOff"), "after"),
  ),
  container("never ends its back-off", "on-failure", (root) => without(at(root, "crashBackOff"), "after")),
  container(
    "does not try again to be made",
    "failures",
    (root) => without(at(root, "preparing.createBackOff"), "after"),
  ),
  container("does not tell that it has completed", "never", (root) => without(at(root, "completed"), "entry")),
  container("does not tell that it was stopped", "failures", (root) => without(at(root, "stopped"), "entry")),
  container("does not take down that it may start", "failures", (root) => {
    at(root, "waiting").on["container.startAsked"] = "preparing";
    at(root, "preparing").on["container.startAsked"] = {};
    delete at(root, "preparing.created").on;
  }),
  container("does not take down that it was told to stop", "failures", (root) => {
    at(root, "running").on["container.stopAsked"] = { target: "stopping" };
  }),
  container(
    "does not notice its end while it is stopped",
    "failures",
    (root) => without(at(root, "stopping"), "on", "container.exited"),
  ),
  container("is killed at once", "failures", (root) => {
    at(root, "stopping.choosing").always = { target: "forced" };
  }),
  container("an init container runs once more when it is asked again", "inits-again", (root) => {
    at(root, "completed").on["container.startAsked"] = { target: "preparing", actions: "allowStart" };
  }),
];

type Change = (write: Write, caches: Caches) => readonly Write[];

/** The controller with its plan's writes changed, one by one. */
function writing(controller: Controller, change: Change): Controller {
  return {
    ...controller,
    plan(key, caches, context) {
      const plan: Plan | undefined = controller.plan(key, caches, context);
      if (plan === undefined) return undefined;
      return {
        ...plan,
        writes: plan.writes.flatMap((each) => each as Write | Write[]).flatMap((each) => change(each, caches)),
      };
    },
  };
}

const isOf = (write: Write, resource: string, type: Write["type"], subresource?: string) =>
  write.type === type && write.type !== "event" && write.resource.resource === resource &&
  (write as { subresource?: string }).subresource === subresource;

/** The ReplicaSet of an update with another size. */
function sized(write: Write, size: (set: ReplicaSet) => number): Write {
  const { object } = write as { object: KubeObject };
  const spec = object["spec"] as object;
  return {
    ...write,
    object: { ...object, spec: { ...spec, replicas: size(object as unknown as ReplicaSet) } },
  } as Write;
}

function withoutOwners(write: Write): Write {
  const { object } = write as { object: KubeObject };
  const { ownerReferences: _, ...metadata } = object.metadata;
  return { ...write, object: { ...object, metadata } } as Write;
}

const rollout = (fault: string, situation: string, controllers: readonly Controller[]): Mutant => ({
  fault,
  model: `deployment/${situation}`,
  system: () => deploymentSystem({ ...deploymentSituations[situation]!, controllers }),
});
const deployment = (fault: string, situation: string, change: Change) =>
  rollout(`deployment: ${fault}`, situation, [writing(deploymentController, change), replicaSetController]);
const replicaSet = (fault: string, situation: string, change: Change) =>
  rollout(`replica set: ${fault}`, situation, [deploymentController, writing(replicaSetController, change)]);
const deaf = (controller: Controller, resource: string): Controller => ({
  ...controller,
  watches: controller.watches.map((watch) =>
    watch.resource.resource === resource ? { ...watch, keys: () => [] } : watch
  ),
});

const rolloutMutants: readonly Mutant[] = [
  replicaSet("does not end surplus pods", "scaling", (write) => isOf(write, "pods", "delete") ? [] : [write]),
  replicaSet(
    "does not write its status",
    "rollout",
    (write) => isOf(write, "replicasets", "update", "status") ? [] : [write],
  ),
  replicaSet(
    "makes pods that nobody owns",
    "deleted",
    (write) => isOf(write, "pods", "create") ? [withoutOwners(write)] : [write],
  ),
  replicaSet("does not replace what is gone", "failure", (write) => isOf(write, "pods", "create") ? [] : [write]),
  replicaSet("counts every pod as available", "rollout", (write) => {
    if (!isOf(write, "replicasets", "update", "status")) return [write];
    const { object } = write as { object: KubeObject };
    const status = object["status"] as { replicas: number };
    return [{ ...write, object: { ...object, status: { ...status, availableReplicas: status.replicas } } } as Write];
  }),
  deployment("writes no status", "rollout", (write) => isOf(write, "deployments", "update", "status") ? [] : [write]),
  deployment(
    "ends all old pods at once",
    "rollout",
    (write) =>
      isOf(write, "replicasets", "update")
        ? [
          sized(
            write,
            ({ spec, metadata }) =>
              metadata.annotations?.["deployment.kubernetes.io/revision"] === "1" ? 0 : spec?.replicas ?? 0,
          ),
        ]
        : [write],
  ),
  deployment(
    "starts all new pods at once",
    "rollout",
    (write) => isOf(write, "replicasets", "create") ? [sized(write, () => 2)] : [write],
  ),
  deployment(
    "never ends the old ReplicaSet",
    "rollout",
    (write) =>
      isOf(write, "replicasets", "update") ? [sized(write, ({ spec }) => Math.max(1, spec?.replicas ?? 0))] : [write],
  ),
  deployment(
    "makes ReplicaSets that nobody owns",
    "rollout",
    (write) => isOf(write, "replicasets", "create") ? [withoutOwners(write)] : [write],
  ),
  rollout("deployment: does not hear of its ReplicaSets", "rollout", [
    deaf(deploymentController, "replicasets"),
    replicaSetController,
  ]),
  rollout("replica set: does not hear of its pods", "deleted", [
    deploymentController,
    deaf(replicaSetController, "pods"),
  ]),
  rollout("deployment: does not see that old pods still run", "recreate", [{
    ...deploymentController,
    plan: (key, caches, context) =>
      deploymentController.plan(key, {
        of: ((resource: { resource: string }) =>
          resource.resource === "pods"
            ? { get: () => undefined, list: () => [], inNamespace: () => [], ownedBy: () => [] }
            : caches.of(resource as never)) as Caches["of"],
      }, context),
  }, replicaSetController]),
];

const garbage = (fault: string, situation: string, change: (controller: Controller) => Controller): Mutant => ({
  fault: `garbage collector: ${fault}`,
  model: `garbage/${situation}`,
  system: () =>
    garbageSystem({ ...garbageSituations[situation]!, collector: (table) => change(garbageCollector(table)) }),
});

const garbageMutants: readonly Mutant[] = [
  garbage(
    "believes its cache about owners that are gone",
    "family",
    (controller) => writing(controller, ({ absent: _, ...write }) => [write as Write]),
  ),
  garbage("deletes a dependent whatever it has become", "adopted", (controller) =>
    writing(controller, (write) => {
      if (write.type !== "delete") return [write];
      const { resourceVersion: _, ...rest } = write;
      return [rest];
    })),
  garbage("does not tell an owner that it was forgotten", "shared", (controller) => ({
    ...controller,
    watches: controller.watches.map((watch) => ({
      ...watch,
      keys: (object, _, caches) => watch.keys(object, undefined, caches),
    })),
  })),
  garbage(
    "lets orphans go before they have forgotten their owner",
    "orphan",
    (controller) => writing(controller, (write) => isOf(write, "configmaps", "patch") ? [] : [write]),
  ),
  garbage(
    "orphans what it should delete",
    "background",
    (controller) =>
      writing(controller, (write) => write.type === "delete" ? [{ ...write, propagation: "Orphan" }] : [write]),
  ),
  garbage("lets an owner go before its dependents", "foreground", (controller) => ({
    ...controller,
    plan(key, caches, context) {
      const blind: Caches = {
        of: ((resource: never) => ({ ...caches.of(resource), ownedBy: () => [] })) as Caches["of"],
      };
      return controller.plan(key, blind, context);
    },
  })),
  garbage(
    "deletes nothing",
    "background",
    (controller) => writing(controller, (write) => write.type === "delete" ? [] : [write]),
  ),
];

const scheduler = (fault: string, situation: string, options: Partial<SchedulerSystemOptions>): Mutant => ({
  fault: `scheduler: ${fault}`,
  model: `scheduler/${situation}`,
  system: () => schedulerSystem({ ...schedulerSituations[situation]!, ...options }),
});
/** The chart was made in one piece: its own options stand for the set-up. */
const scheduling = (fault: string, situation: string, change: (root: Node) => void) =>
  scheduler(fault, situation, {
    machine: edited(schedulingMachine, {
      createMachine: (config) => setup(schedulingMachine.implementations as never).createMachine(config),
    }, change),
  });

const schedulerMutants: readonly Mutant[] = [
  scheduler("fills nodes beyond what they hold", "one-place", {
    place: (pod, cluster, start, draw) => {
      const found = schedulePod(pod, cluster, start, draw);
      return found.fits ? found : { fits: true, node: cluster.nodes[0]!.name, seen: 0 };
    },
  }),
  scheduler("wakes nobody when room is made", "one-place", { wakes: () => false }),
  scheduler("ends pods of the same priority", "one-place", {
    place: (pod, cluster, start, draw) => {
      const found = schedulePod(pod, cluster, start, draw);
      const [node] = cluster.nodes;
      const victims = [...node!.pods.values()].filter(({ key }) => key !== pod.key);
      if (found.fits || victims.length === 0) return found;
      return { ...found, nominated: node!.name, preemption: { node: node!.name, victims } };
    },
  }),
  scheduler("never makes room", "preemption", {
    place: (pod, cluster, start, draw) => {
      const found = schedulePod(pod, cluster, start, draw);
      if (found.fits) return found;
      const { preemption: _, nominated: __, ...rest } = found;
      return rest;
    },
  }),
  scheduling("does not try again after a binding that failed", "two", (root) => without(at(root, "backOff"), "after")),
  scheduling(
    "does not take down a change while it cools down",
    "one-place",
    (root) => without(at(root, "unschedulable.cooling"), "on"),
  ),
  scheduling(
    "does not hear of a change while it rests",
    "one-place",
    (root) => without(at(root, "unschedulable.resting"), "on"),
  ),
  scheduling("does not tell whom it needs to end", "preemption", (root) => {
    at(root, "queued").on["turn.refused"][0].actions.pop();
  }),
];

const blindTo = (caches: Caches, resource: string): Caches => ({
  of:
    ((ref: { resource: string }) =>
      ref.resource === resource
        ? { get: () => undefined, list: () => [], inNamespace: () => [], ownedBy: () => [] }
        : caches.of(ref as never)) as Caches["of"],
});

const otherMutants: readonly Mutant[] = [
  {
    fault: "node lifecycle: does not look at pods that become ready on a silent node",
    model: "node/late-pod",
    system: () =>
      nodeSystem({
        ...nodeSituations["late-pod"]!,
        controllers: [deaf(nodeLifecycleController, "pods"), taintEvictionController],
      }),
  },
  {
    fault: "node lifecycle: never takes a taint away",
    model: "node/silent",
    system: () =>
      nodeSystem({
        controllers: [
          writing(nodeLifecycleController, (write) =>
            isOf(write, "nodes", "patch") &&
              (write as { body: { spec: { taints: unknown } } }).body.spec.taints === null
              ? []
              : [write]),
          taintEvictionController,
        ],
      }),
  },
  {
    fault: "taint eviction: does not hear of nodes",
    model: "node/silent",
    system: () => nodeSystem({ controllers: [nodeLifecycleController, deaf(taintEvictionController, "nodes")] }),
  },
  {
    fault: "taint eviction: does not see what pods tolerate",
    model: "node/silent",
    system: () =>
      nodeSystem({
        controllers: [nodeLifecycleController, {
          ...taintEvictionController,
          plan: (key, caches, context) =>
            taintEvictionController.plan(key, {
              of: ((ref: { resource: string }) => {
                const reader = caches.of(ref as never);
                if (ref.resource !== "pods") return reader;
                return { ...reader, get: (name: string) => withoutTolerations(reader.get(name)) };
              }) as Caches["of"],
            }, context),
        }],
      }),
  },
  {
    fault: "endpoints: does not hear of its pods",
    model: "endpoints/pods",
    system: () => endpointSystem({ controller: deaf(endpointSliceController, "pods") }),
  },
  {
    fault: "endpoints: does not change a slice that is there",
    model: "endpoints/pods",
    system: () =>
      endpointSystem({
        controller: writing(endpointSliceController, (write) => isOf(write, "endpointslices", "update") ? [] : [write]),
      }),
  },
  {
    fault: "daemon set: does not hear of nodes",
    model: "daemonset/nodes",
    system: () => daemonSetSystem({ budgets: { arrivals: 1 }, controller: deaf(daemonSetController, "nodes") }),
  },
  {
    fault: "daemon set: ends its pods all at once",
    model: "daemonset/rollout",
    system: () =>
      daemonSetSystem({
        budgets: { edits: 1 },
        controller: writing(daemonSetController, (write, caches) =>
          isOf(write, "pods", "delete")
            ? caches.of<KubeObject>(resources.pods).list().map(({ metadata }) => ({
              ...write,
              name: metadata.name,
              uid: metadata.uid,
            } as Write))
            : [write]),
      }),
  },
  {
    fault: "job: does not see its pods",
    model: "job/completes",
    system: () =>
      jobSystem({
        controller: {
          ...jobController,
          plan: (key, caches, context) => jobController.plan(key, blindTo(caches, "pods"), context),
        },
      }),
  },
  {
    fault: "job: counts before it writes what it counted",
    model: "job/crash",
    system: () =>
      jobSystem({
        budgets: { crashes: 1 },
        controller: writing(jobController, (write) => isOf(write, "jobs", "update", "status") ? [] : [write]),
      }),
  },
  {
    fault: "stateful set: does not end the pods of the old template",
    model: "statefulset/rollout",
    system: () =>
      statefulSetSystem({
        budgets: { edits: 1 },
        controller: writing(statefulSetController, (write) => isOf(write, "pods", "delete") ? [] : [write]),
      }),
  },
  {
    fault: "stateful set: does not hear of its pods",
    model: "statefulset/scaling",
    system: () => statefulSetSystem({ budgets: { deletions: 1 }, controller: deaf(statefulSetController, "pods") }),
  },
];

/** The API server's chart with another configuration. */
function apiServerWith(change: (states: Node) => void): AnyStateMachine {
  const rebuilt = {
    createMachine: (config: never) =>
      (createMachine(config) as AnyStateMachine).provide(apiServerMachine.implementations as never),
  };
  return edited(apiServerMachine as AnyStateMachine, rebuilt, ({ states }) => change(states));
}

const apiServerMutants: readonly Mutant[] = [
  {
    fault: "API server: closes its store before it has answered whom it took",
    model: "apiserver/stopped",
    system: () =>
      apiServerSystem({
        machine: apiServerWith((states) => {
          states.serving.on["stop.requested"] = "closingStore";
        }),
      }),
  },
  {
    fault: "API server: does not wait until it is drained",
    model: "apiserver/stopped",
    system: () =>
      apiServerSystem({
        machine: apiServerWith((states) => {
          states.draining = { ...states.draining, on: {}, always: "closingStore" };
        }),
      }),
  },
  {
    fault: "API server: does not hear that its store is closed",
    model: "apiserver/stopped",
    system: () =>
      apiServerSystem({
        machine: apiServerWith((states) => {
          states.closingStore.on = {};
        }),
      }),
  },
  {
    fault: "API server: is ready before it listens",
    model: "apiserver/stopped",
    system: () =>
      apiServerSystem({
        machine: apiServerWith((states) => {
          states.loadingCaches.on["caches.loaded"] = "serving";
        }),
      }),
  },
  {
    fault: "API server: does not drain when its store fails",
    model: "apiserver/store",
    system: () =>
      apiServerSystem({
        budgets: { failures: 1 },
        machine: apiServerWith((states) => {
          states.failing.entry = [];
        }),
      }),
  },
];

function withoutTolerations(pod: unknown): unknown {
  if (pod === undefined) return undefined;
  const { spec, ...rest } = pod as { spec: { tolerations?: unknown } };
  const { tolerations: _, ...others } = spec;
  return { ...rest, spec: others };
}

export const shippedMutants: readonly Mutant[] = [
  ...apiServerMutants,
  ...otherMutants,
  ...schedulerMutants,
  ...podMutants,
  ...containerMutants,
  ...rolloutMutants,
  ...garbageMutants,
];
