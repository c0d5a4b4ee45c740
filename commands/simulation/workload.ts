/** People at work: each operation is tried until the API has taken it, as somebody at a terminal would. */
import type { KubeObject, Pod } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { resources } from "../../machines/objects/resources.ts";
import type { ApiClient, ResourceRef } from "../../ports/api_client.ts";
import type { Operation } from "./operations.ts";
import type { SimulatedCluster } from "./simulated_cluster.ts";

const namespace = "default";
const retryMs = 2_000;

export class Workload {
  readonly #client: ApiClient;
  /** Operations begun and not done, with what stands in the way. */
  readonly pending = new Map<number, string>();

  readonly #lines = new Map<string, Operation[]>();

  constructor(readonly cluster: SimulatedCluster) {
    this.#client = cluster.administrator;
  }

  /** One after the other for each thing that operations are about. */
  begin(operation: Operation): void {
    this.pending.set(operation.id, "it waits for the one before");
    const subject = "node" in operation ? operation.node : "name" in operation ? operation.name : "";
    const line = this.#lines.get(subject) ?? [];
    this.#lines.set(subject, line);
    line.push(operation);
    if (line.length === 1) this.#attempt(line);
  }

  #attempt(line: Operation[]): void {
    const [operation] = line;
    if (operation === undefined) return;
    const done = () => {
      this.pending.delete(operation.id);
      line.shift();
      this.#attempt(line);
    };
    this.#perform(operation).then(done, (error: unknown) => {
      this.pending.set(operation.id, String(error));
      // What cannot be right the next time either is somebody's mistake, as at a terminal.
      if (error instanceof ApiError && [400, 403, 405, 422].includes(error.code)) return done();
      this.cluster.clock.wakeAt(this.cluster.clock.now() + retryMs, () => this.#attempt(line));
    });
  }

  async #perform(operation: Operation): Promise<unknown> {
    const client = this.#client;
    switch (operation.type) {
      case "createDeployment":
        return await create(client, resources.deployments, deployment(operation));
      case "scale": {
        const change = { spec: { replicas: operation.replicas } };
        return await patch(client, resources.deployments, operation.name, change);
      }
      case "scaleStatefulSet": {
        const change = { spec: { replicas: operation.replicas } };
        return await patch(client, resources.statefulSets, operation.name, change);
      }
      case "roll": {
        const change = { spec: { template: { spec: { containers: [{ name: "main", image: operation.image }] } } } };
        return await patch(client, resources.deployments, operation.name, change);
      }
      case "deleteDeployment":
        return await remove(client, resources.deployments, operation.name);
      case "createJob":
        return await create(client, resources.jobs, job(operation));
      case "deleteJob":
        return await remove(client, resources.jobs, operation.name);
      case "createService":
        return await create(client, resources.services, service(operation));
      case "deleteService":
        return await remove(client, resources.services, operation.name);
      case "createStatefulSet":
        return await create(client, resources.statefulSets, statefulSet(operation));
      case "writeConfigMap":
        return await this.#writeConfigMap(operation);
      case "deletePod":
        return await this.#deletePod(operation.place);
      case "drain":
        return await this.#drain(operation.node);
      case "uncordon":
        return await patch(client, resources.nodes, operation.node, { spec: { unschedulable: null } }, true);
      case "deleteNode":
        return await this.#deleteNode(operation.node);
    }
  }

  async #writeConfigMap({ name, value }: { readonly name: string; readonly value: string }): Promise<void> {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } };
    await create(this.#client, resources.configMaps, object);
    await patch(this.#client, resources.configMaps, name, { data: { value } });
  }

  async #deletePod(place: number): Promise<void> {
    const { items } = await this.#client.list<Pod>(resources.pods, { namespace });
    const pod = items[Math.floor(place * items.length)];
    if (pod !== undefined) await remove(this.#client, resources.pods, pod.metadata.name);
  }

  async #drain(node: string): Promise<void> {
    await patch(this.#client, resources.nodes, node, { spec: { unschedulable: true } }, true);
    const { items } = await this.#client.list<Pod>(resources.pods, { fieldSelector: `spec.nodeName=${node}` });
    for (const { metadata } of items) {
      const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: metadata.name } };
      const options = { name: metadata.name, subresource: "eviction" };
      await orGone(this.#client.create(resources.pods, metadata.namespace, eviction, options));
    }
  }

  /** Its kubelet registers it anew when it starts. */
  async #deleteNode(node: string): Promise<void> {
    await orGone(this.#client.delete(resources.nodes, undefined, node));
    const kubelet = this.cluster.components.get(`kubelet/${node}`);
    if (kubelet?.alive) kubelet.restart(1_000);
  }
}

async function create(client: ApiClient, resource: ResourceRef, object: object): Promise<void> {
  try {
    await client.create(resource, namespace, object);
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") throw error;
  }
}

function patch(client: ApiClient, resource: ResourceRef, name: string, change: object, clusterWide = false) {
  return orGone(client.patch(resource, clusterWide ? undefined : namespace, name, "strategic", change));
}

function remove(client: ApiClient, resource: ResourceRef, name: string): Promise<unknown> {
  return orGone(client.delete(resource, namespace, name, { propagationPolicy: "Background" }));
}

/** What is not there any more needs nothing done. */
async function orGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 404) throw error;
  }
}

type Made<Type> = Extract<Operation, { type: Type }>;

function template(name: string, image: string, milliCpu: number, restartPolicy = "Always"): object {
  const resourceNeeds = { requests: { cpu: `${milliCpu}m`, memory: "64Mi" } };
  const probe = { exec: { command: ["ready"] }, periodSeconds: 5 };
  return {
    metadata: { labels: { app: name } },
    spec: {
      restartPolicy,
      terminationGracePeriodSeconds: 10,
      containers: [{
        name: "main",
        image,
        resources: resourceNeeds,
        ports: [{ containerPort: 8080 }],
        ...(restartPolicy === "Always" ? { readinessProbe: probe } : {}),
      }],
    },
  };
}

function deployment({ name, image, replicas, surge, unavailable, milliCpu }: Made<"createDeployment">): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name } as KubeObject["metadata"],
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
      template: template(name, image, milliCpu),
    },
  };
}

function job({ name, image, completions }: Made<"createJob">): object {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: { completions, parallelism: 2, backoffLimit: 6, template: template(name, image, 100, "Never") },
  };
}

function service({ name, port }: Made<"createService">): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port, targetPort: 8080 }] },
  };
}

function statefulSet({ name, replicas }: Made<"createStatefulSet">): object {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name },
    spec: {
      replicas,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: template(name, "server:1", 100),
    },
  };
}
