/** Faults in the plans of the other controllers. */
import { type Caches, type Controller, ownKey, type Write } from "../../../machines/controllers/controller.ts";
import { jobController } from "../../../machines/controllers/job/job_controller.ts";
import { nodeLifecycleController } from "../../../machines/controllers/node_lifecycle/node_lifecycle_controller.ts";
import { statefulSetController } from "../../../machines/controllers/stateful_set/stateful_set_controller.ts";
import { taintEvictionController } from "../../../machines/controllers/taint_eviction/taint_eviction_controller.ts";
import { endpointSliceController } from "../../../machines/controllers/endpoints/endpoint_slice_controller.ts";
import { daemonSetController } from "../../../machines/controllers/daemon_set/daemon_set_controller.ts";
import { daemonSetSystem } from "../../../machines/models/daemon_set_system.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { endpointSystem } from "../../../machines/models/endpoint_system.ts";
import { nodeSystem } from "../../../machines/models/node_system.ts";
import { jobSystem, statefulSetSystem } from "../../../machines/models/workload_systems.ts";
import { nodeSituations } from "../../../machines/models/controller_models.ts";
import type { KubeObject, Node } from "../../../machines/objects/object.ts";
import { type Mutant } from "./mutant.ts";
import { deploymentController } from "../../../machines/controllers/deployment/deployment_controller.ts";
import { replicaSetController } from "../../../machines/controllers/replica_set/replica_set_controller.ts";
import { servicePorts } from "../../../machines/kube_proxy/service_ports.ts";
import { cronJobController } from "../../../machines/controllers/cron_job/cron_job_controller.ts";
import { cronJobSystem } from "../../../machines/models/cron_job_system.ts";
import { podGarbageCollector } from "../../../machines/controllers/pod_gc/pod_gc_controller.ts";
import { twoNodesSystem } from "../../../machines/models/two_nodes_system.ts";
import { dataplaneSystem } from "../../../machines/models/dataplane_system.ts";
import { blindTo, deaf, isOf, writing } from "./plan_changes.ts";

const cronJobs = cronJobController(() => 0);

export const controllerMutants: readonly Mutant[] = [
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
  {
    fault: "endpoint slices: do not hear of pods that become ready or go",
    model: "dataplane/rollout",
    system: () =>
      dataplaneSystem({
        controllers: [deploymentController, replicaSetController, deaf(endpointSliceController, "pods")],
      }),
  },
  {
    fault: "proxy: knows one endpoint of a service only",
    model: "dataplane/rollout",
    system: () =>
      dataplaneSystem({
        portsOf: (...given) =>
          servicePorts(...given).map((port) => ({ ...port, endpoints: port.endpoints.slice(0, 1) })),
      }),
  },
  {
    fault: "eviction: does not wait for the kubelet to end a pod",
    model: "identity/silent",
    system() {
      const forced = writing(
        taintEvictionController,
        (write) => write.type === "delete" ? [{ ...write, gracePeriodSeconds: 0 }] : [write],
      );
      return twoNodesSystem({ controllers: [statefulSetController, nodeLifecycleController, forced] });
    },
  },
  {
    fault: "pod garbage collector: takes a silent node for one that is not there",
    model: "identity/silent",
    system() {
      const blind: Controller = {
        ...podGarbageCollector,
        watches: [...podGarbageCollector.watches, { resource: resources.pods, keys: ownKey }],
        plan: (key, caches, context) => {
          const isSilent = caches.of<Node>(resources.nodes).list().some(({ spec }) => (spec?.taints ?? []).length > 0);
          return podGarbageCollector.plan(key, isSilent ? blindTo(caches, "nodes") : caches, context);
        },
      };
      const certain = writing(blind, (write) => {
        const { absent: _, ...without } = write as Write & { absent?: unknown };
        return [without as Write];
      });
      return twoNodesSystem({
        controllers: [statefulSetController, nodeLifecycleController, taintEvictionController, certain],
      });
    },
  },
  {
    fault: "cron job: does not see its Jobs",
    model: "cronjob/forbid",
    system: () =>
      cronJobSystem({
        controller: {
          ...cronJobs,
          plan: (key, caches, context) => cronJobs.plan(key, blindTo(caches, "jobs"), context),
        },
      }),
  },
  {
    fault: "cron job: keeps every Job that has ended",
    model: "cronjob/forbid",
    system: () => cronJobSystem({ controller: writing(cronJobs, (write) => write.type === "delete" ? [] : [write]) }),
  },
  {
    fault: "cron job: starts without having ended what it replaces",
    model: "cronjob/replace",
    system: () =>
      cronJobSystem({
        policy: "Replace",
        controller: writing(cronJobs, (write) => write.type === "delete" ? [] : [write]),
      }),
  },
  {
    fault: "cron job: does not write down when it started last",
    model: "cronjob/forbid",
    system: () =>
      cronJobSystem({
        controller: writing(cronJobs, (write) => isOf(write, "cronjobs", "update", "status") ? [] : [write]),
      }),
  },
];

function withoutTolerations(pod: unknown): unknown {
  if (pod === undefined) return undefined;
  const { spec, ...rest } = pod as { spec: { tolerations?: unknown } };
  const { tolerations: _, ...others } = spec;
  return { ...rest, spec: others };
}
