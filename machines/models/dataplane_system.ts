/**
 * A rolling update behind a Service: Deployment, ReplicaSet and EndpointSlices under their controllers, and a proxy that
 * writes the addresses that packets go to whenever it gets round to it.
 *
 * A pod that is told to end serves until the proxy leaves it alone: a grace that is longer than changes take to get
 * around. Without that (`grace: "none"`) it may end at once, and there is a gap.
 */
import type { Controller } from "../controllers/controller.ts";
import { deploymentController } from "../controllers/deployment/deployment_controller.ts";
import { endpointSliceController } from "../controllers/endpoints/endpoint_slice_controller.ts";
import { isActive, isReady } from "../controllers/pod_readiness.ts";
import { replicaSetController } from "../controllers/replica_set/replica_set_controller.ts";
import type { SystemModel, SystemState } from "../check/system_model.ts";
import { servicePorts } from "../kube_proxy/service_ports.ts";
import type { Deployment, EndpointSlice, KubeObject, Pod, Service } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import { type ClusterData, controllerSystem, type Deed } from "./controller_system.ts";
import type { PaperApi } from "./paper_api.ts";

export interface DataplaneOptions {
  readonly replicas?: number;
  readonly grace?: "enough" | "none";
  /** Of "edits", "crashes" (of the controller manager). */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly controllers?: readonly Controller[];
  /** What the proxy makes of a service and its slices. */
  readonly portsOf?: typeof servicePorts;
  readonly states?: number;
}

const labels = { app: "web" };
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: "web", image }] } });

/** The packet filter of the host, kept as an object beside the others. */
const filter = { metadata: { name: "filter", namespace: "host" } };

export function dataplaneSystem(options: DataplaneOptions = {}): SystemModel {
  const { replicas = 1, grace = "enough", portsOf = servicePorts } = options;
  const budgets = { edits: 1, ...options.budgets };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "n" },
    spec: { selector: labels, clusterIP: "10.1.0.1", ports: [{ port: 80 }] },
  };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "n" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: template("web:1"),
    },
  };
  const wanted = (api: PaperApi, data: ClusterData): string[] => {
    const found = api.get<Service>(data, resources.services, "n/web")!;
    const slices = api.list<EndpointSlice>(data, resources.endpointSlices);
    return portsOf(found, slices, []).flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
  };
  const written = (api: PaperApi, data: ClusterData): readonly string[] => {
    const { addresses } = api.get(data, resources.configMaps, "host/filter")?.["data"] as { addresses: string[] } ??
      { addresses: [] };
    return addresses;
  };
  const deeds: Record<string, Deed> = {
    "user.setsImage": {
      spends: "edits",
      act(api, data) {
        const before = api.get<Deployment>(data, resources.deployments, "n/web")!;
        const spec = { ...before.spec, template: template("web:2") };
        return api.write(data, {
          type: "update",
          resource: resources.deployments,
          object: { ...before, spec } as unknown as KubeObject,
        });
      },
    },
    "proxy.writes": {
      act(api, data) {
        const addresses = wanted(api, data);
        if (addresses.join() === written(api, data).join()) return undefined;
        return api.put(data, resources.configMaps, { ...filter, data: { addresses } } as unknown as KubeObject);
      },
    },
  };
  return controllerSystem({
    controllers: options.controllers ?? [deploymentController, replicaSetController, endpointSliceController],
    start: (api, empty) =>
      api.create(api.create(empty, resources.services, service), resources.deployments, deployment),
    deeds,
    budgets,
    ...(options.states !== undefined && { states: options.states }),
    kubelet: (api, data, pod) =>
      grace === "none" || pod.metadata.deletionTimestamp === undefined ||
      !written(api, data).includes(pod.status?.podIP ?? ""),
    rules: (cluster, api) => {
      const at = (state: SystemState) => state.of(cluster).view;
      const living = (state: SystemState) =>
        new Set(api.list<Pod>(at(state), resources.pods).flatMap(({ status }) => status?.podIP ?? []));
      return {
        always: {
          "packets always have somewhere to go": (state) => {
            const alive = living(state);
            return written(api, at(state)).some((address) => alive.has(address));
          },
          "no packet goes to a pod that is gone, while pods wait for the proxy": (state) => {
            const alive = living(state);
            return grace === "none" || written(api, at(state)).every((address) => alive.has(address));
          },
        },
        sometimes: {
          "packets go to both": (state) => written(api, at(state)).length > replicas,
          "a pod ends while packets still go to it": (state) =>
            api.list<Pod>(at(state), resources.pods).some(({ metadata, status }) =>
              metadata.deletionTimestamp !== undefined && written(api, at(state)).includes(status?.podIP ?? "")
            ),
        },
        eventuallyAlways: {
          "packets go to the ready pods of the new template and to nobody else": (state) => {
            const pods = api.list<Pod>(at(state), resources.pods).filter((pod) => isActive(pod) && isReady(pod));
            return pods.length === replicas &&
              pods.map(({ status }) => status?.podIP ?? "").toSorted().join() ===
                written(api, at(state)).toSorted().join();
          },
        },
      };
    },
  });
}
