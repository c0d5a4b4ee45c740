/** A service and the pods behind it: the controller that writes its EndpointSlices, over caches that lag. */
import { endpointSliceController } from "../controllers/endpoints/endpoint_slice_controller.ts";
import { isActive, isReady } from "../controllers/pod_readiness.ts";
import type { Controller } from "../controllers/controller.ts";
import type { SystemModel, SystemState } from "../check/system_model.ts";
import type { EndpointSlice, Pod } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import { type ClusterData, controllerSystem } from "./controller_system.ts";
import type { PaperApi } from "./paper_api.ts";

export interface EndpointOptions {
  /** Of "arrivals", "deletions", "crashes", "failures", "meddlings" (somebody deletes a slice). */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly controller?: Controller;
}

const labels = { app: "w" };
const pod = (name: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "n", labels },
  spec: { nodeName: "node", containers: [{ name: "c", image: "c:1" }] },
});

export function endpointSystem(
  { controller = endpointSliceController, ...options }: EndpointOptions = {},
): SystemModel {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "w", namespace: "n" },
    spec: { selector: labels, ports: [{ port: 80 }] },
  };
  return controllerSystem({
    controllers: [controller],
    start: (api, empty) => api.create(api.create(empty, resources.services, service), resources.pods, pod("a")),
    deeds: {
      "pod.arrived": {
        spends: "arrivals",
        act: (api, data) =>
          api.get(data, resources.pods, "n/b") ? undefined : api.create(data, resources.pods, pod("b")),
      },
      "user.deletesPod": {
        spends: "deletions",
        act: (api, data) => api.get(data, resources.pods, "n/a") && api.delete(data, resources.pods, "n/a"),
      },
      "user.deletesSlice": {
        spends: "meddlings",
        act(api, data) {
          const [slice] = slicesOf(api, data);
          return slice && api.drop(data, resources.endpointSlices, `n/${slice.metadata.name}`);
        },
      },
    },
    budgets: { arrivals: 1, deletions: 1, meddlings: 0, ...options.budgets },
    rules: (cluster, api) => {
      const at = (state: SystemState) => state.of(cluster).view;
      const pods = (state: SystemState) => api.list<Pod>(at(state), resources.pods);
      const endpoints = (state: SystemState) => slicesOf(api, at(state)).flatMap((slice) => slice.endpoints ?? []);
      const readyUids = (state: SystemState) =>
        endpoints(state).filter(({ conditions }) => conditions?.ready).map(({ targetRef }) => targetRef?.uid ?? "");
      return {
        always: {
          "slices do not multiply": (state) => slicesOf(api, at(state)).length <= 2,
          "an endpoint is said to be ready only of a pod that was": (state) =>
            endpoints(state).every(({ conditions, addresses }) => !conditions?.ready || addresses[0] !== ""),
        },
        eventuallyAlways: {
          "the ready endpoints are the ready pods, each once": (state) => {
            const wanted = pods(state).filter((each) => isActive(each) && isReady(each)).map(({ metadata }) =>
              metadata.uid
            );
            return JSON.stringify(readyUids(state).toSorted()) === JSON.stringify(wanted.toSorted());
          },
          "no endpoint is left of a pod that is gone": (state) => {
            const uids = new Set(pods(state).map(({ metadata }) => metadata.uid));
            return endpoints(state).every(({ targetRef }) => uids.has(targetRef?.uid ?? ""));
          },
          "one slice is enough": (state) => slicesOf(api, at(state)).length === 1,
        },
      };
    },
  });
}

function slicesOf(api: PaperApi, data: ClusterData): EndpointSlice[] {
  return api.list<EndpointSlice>(data, resources.endpointSlices);
}
