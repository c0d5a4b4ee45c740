/** Kinds that people name, to the kinds of actors that know about them. */
export const actorKinds: Readonly<Record<string, readonly string[]>> = {
  pod: ["scheduling", "pod", "container", "probe", "volume", "replicaset-controller"],
  node: ["kubelet", "node", "node-health", "node-lifecycle-controller"],
  deployment: ["deployment-controller"],
  replicaset: ["replicaset-controller"],
  service: ["endpoint-slice-controller", "endpoint-controller", "load-balancer"],
  namespace: ["namespace-controller"],
};

export const explainableKinds = Object.keys(actorKinds);
export const clusterScoped: ReadonlySet<string> = new Set(["node", "namespace"]);

const shortKinds: Readonly<Record<string, string>> = {
  po: "pod",
  no: "node",
  deploy: "deployment",
  rs: "replicaset",
  svc: "service",
  ns: "namespace",
};

/** `po`, `pods` and `Pod` all mean `pod`; what is not known stays as it is. */
export function kindMeant(said: string): string {
  const word = said.toLowerCase();
  if (word in actorKinds) return word;
  const singular = word.replace(/s$/, "");
  return shortKinds[word] ?? (singular in actorKinds ? singular : word);
}
