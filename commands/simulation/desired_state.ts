/** What is not yet as it was asked to be, in words; nothing when the cluster has come to rest where it should. */
import type {
  Deployment,
  EndpointSlice,
  Job,
  KubeObject,
  Node,
  Pod,
  ReplicaSet,
  Service,
  StatefulSet,
} from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { matchesSelector } from "../../machines/objects/label_selector.ts";
import { labelNames } from "../../machines/pod/pod_names.ts";
import type { Mirror } from "./mirror.ts";
import type { SimulatedCluster } from "./simulated_cluster.ts";
import type { SimulatedNode } from "./simulated_node.ts";

export function missingFromDesired(cluster: SimulatedCluster, mirror: Mirror): string[] {
  const missing: string[] = [];
  for (const { name, alive } of cluster.components.values()) if (!alive) missing.push(`${name} does not run`);
  nodes(cluster, mirror, missing);
  workloads(mirror, missing);
  pods(mirror, missing);
  for (const service of mirror.all<Service>(resources.services)) endpoints(service, cluster, mirror, missing);
  for (const node of cluster.nodes) leftOvers(node, mirror, missing);
  return missing;
}

function nodes(cluster: SimulatedCluster, mirror: Mirror, missing: string[]): void {
  for (const { name } of cluster.nodes) {
    const node = mirror.get<Node>(resources.nodes, name);
    const ready = node?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
    if (ready !== "True") missing.push(`node ${name} is ${node === undefined ? "not there" : "not Ready"}`);
    if (node?.spec?.taints?.length) missing.push(`node ${name} is tainted ${node.spec.taints.map(({ key }) => key)}`);
  }
}

function workloads(mirror: Mirror, missing: string[]): void {
  for (const { metadata, spec, status = {} } of mirror.all<Deployment>(resources.deployments)) {
    const wanted = spec?.replicas ?? 1;
    const { observedGeneration, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
    const seen = observedGeneration === metadata.generation;
    if (!seen || replicas !== wanted || updatedReplicas !== wanted || availableReplicas !== wanted) {
      missing.push(
        `deployment ${metadata.name} wants ${wanted} and has ${replicas}, updated ${updatedReplicas}, available ${availableReplicas}` +
          (seen ? "" : ", not observed"),
      );
    }
  }
  for (const { metadata, spec, status } of mirror.all<StatefulSet>(resources.statefulSets)) {
    const wanted = spec?.replicas ?? 1;
    const ready = status?.readyReplicas ?? 0;
    if (status?.replicas !== wanted || ready !== wanted || status.observedGeneration !== metadata.generation) {
      missing.push(`stateful set ${metadata.name} wants ${wanted} and has ${status?.replicas ?? 0}, ready ${ready}`);
    }
  }
  for (const { metadata, status } of mirror.all<Job>(resources.jobs)) {
    const over = status?.conditions?.some(({ type, status: is }) =>
      (type === "Complete" || type === "Failed") && is === "True"
    );
    if (!over) missing.push(`job ${metadata.name} has not ended`);
  }
}

function pods(mirror: Mirror, missing: string[]): void {
  const owners = new Set(
    [resources.replicaSets, resources.statefulSets, resources.jobs, resources.deployments].flatMap((resource) =>
      mirror.all<KubeObject>(resource).map(({ metadata }) => metadata.uid)
    ),
  );
  for (const { metadata, status } of mirror.all<Pod>(resources.pods)) {
    const owner = metadata.ownerReferences?.[0];
    const ready = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");
    const over = status?.phase === "Succeeded" || status?.phase === "Failed";
    if (metadata.deletionTimestamp !== undefined) missing.push(`pod ${metadata.name} is being deleted`);
    else if (owner !== undefined && !owners.has(owner.uid)) missing.push(`pod ${metadata.name} has lost its owner`);
    else if (!ready && !over && owner?.kind !== "Job") {
      missing.push(`pod ${metadata.name} is not ready (${status?.phase})`);
    }
  }
  for (const { metadata } of mirror.all<ReplicaSet>(resources.replicaSets)) {
    const owner = metadata.ownerReferences?.[0];
    if (owner !== undefined && !owners.has(owner.uid)) missing.push(`replica set ${metadata.name} has lost its owner`);
  }
}

function isReady({ status, metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase === "Running" &&
    (status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false);
}

function endpoints(service: Service, cluster: SimulatedCluster, mirror: Mirror, missing: string[]): void {
  const { metadata: { name, namespace }, spec } = service;
  if (spec?.selector === undefined) return;
  const selector = { matchLabels: spec.selector };
  const wanted = mirror.all<Pod>(resources.pods)
    .filter((pod) => pod.metadata.namespace === namespace && isReady(pod))
    .filter((pod) => matchesSelector(selector, pod.metadata.labels))
    .map(({ status }) => status?.podIP ?? "").sort().join(" ");
  const slices = mirror.all<EndpointSlice>(resources.endpointSlices)
    .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name);
  const given = slices.flatMap(({ endpoints: all }) => all ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses).sort().join(" ");
  if (wanted !== given) missing.push(`service ${name} has the endpoints [${given}], its ready pods are [${wanted}]`);
  const [port] = spec.ports ?? [];
  if (port === undefined || !spec.clusterIP) return;
  for (const { name: node, filter, options } of cluster.nodes) {
    const source = options.plan.podCidr.replace(/0\.0\/.*$/, "255.254");
    const fates = filter.fates({
      source,
      destination: spec.clusterIP,
      protocol: "tcp",
      port: port.port,
      fromHost: false,
    });
    const reached = fates.flatMap((fate) => fate.type === "passed" && fate.translated ? [fate.to.split(":")[0]!] : [])
      .sort().join(" ");
    if (reached !== wanted) missing.push(`${node} sends service ${name} to [${reached}], ready are [${wanted}]`);
  }
}

/** Containers and links of pods that are not the node's. */
function leftOvers(node: SimulatedNode, mirror: Mirror, missing: string[]): void {
  const own = new Set(
    mirror.all<Pod>(resources.pods).filter(({ spec }) => spec?.nodeName === node.name).map(({ metadata }) =>
      metadata.uid
    ),
  );
  const sandboxes = new Set<string>();
  for (const { id, name, labels } of node.engine.containers()) {
    sandboxes.add(id);
    if (!own.has(labels[labelNames.podUid] ?? "")) missing.push(`${node.name} has the container ${name} left`);
  }
  for (const id of node.links.wired.keys()) {
    if (!sandboxes.has(id)) missing.push(`${node.name} has the link of sandbox ${id.slice(0, 12)} left`);
  }
}
