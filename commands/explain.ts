/** `chartroom explain`: where an object's actors are in their charts. */
import { type Access, administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { ExplainAnswer } from "./explain_routes.ts";

/** Kinds that people name, to the kinds of actors that know about them. */
const actorKinds: Readonly<Record<string, readonly string[]>> = {
  pod: ["scheduling", "pod", "container", "probe", "volume", "replicaset-controller"],
  node: ["kubelet", "node", "node-health", "node-lifecycle-controller"],
  deployment: ["deployment-controller"],
  replicaset: ["replicaset-controller"],
  service: ["endpoint-slice-controller", "endpoint-controller", "load-balancer"],
  namespace: ["namespace-controller"],
};
const clusterScoped = new Set(["node", "namespace"]);
const shortKinds: Readonly<Record<string, string>> = {
  po: "pod",
  pods: "pod",
  no: "node",
  nodes: "node",
  deploy: "deployment",
  deployments: "deployment",
  rs: "replicaset",
  replicasets: "replicaset",
  svc: "service",
  services: "service",
  ns: "namespace",
  namespaces: "namespace",
};

export async function explain(
  state: ClusterState,
  kind: string,
  name: string,
  options: { namespace: string },
): Promise<void> {
  const meant = shortKinds[kind.toLowerCase()] ?? kind.toLowerCase();
  const kinds = actorKinds[meant];
  if (kinds === undefined) {
    throw new Error(`Cannot explain "${kind}": it can be ${Object.keys(actorKinds).join(", ")}`);
  }
  const access = await administratorAccess(state);
  const query = new URLSearchParams({ name, ...(clusterScoped.has(meant) ? {} : { namespace: options.namespace }) });
  const { actors, silent = {} } = await ask(access, `/chartroom/explain?${query}`);
  for (const [node, reason] of Object.entries(silent)) console.error(`Node ${node} could not be asked: ${reason}`);
  const telling = actors.filter((actor) => kinds.includes(actor.kind));
  if (telling.length === 0) {
    const where = clusterScoped.has(meant) ? "" : ` in namespace "${options.namespace}"`;
    throw new Error(`Cannot explain ${meant} "${name}"${where}: no actor of this cluster looks after it now`);
  }
  telling.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
  console.log(telling.map(({ text }) => text.join("\n")).join("\n\n"));
}

async function ask(access: Access, path: string): Promise<ExplainAnswer> {
  const { server, authority, certificate } = access;
  const client = Deno.createHttpClient({ caCerts: [authority], cert: certificate.certificate, key: certificate.key });
  try {
    const response = await fetch(`${server}${path}`, { client });
    if (!response.ok) {
      throw new Error(`Cannot ask the cluster: it answered ${response.status} ${await response.text()}`);
    }
    return await response.json();
  } catch (error) {
    if (error instanceof TypeError) throw new Error(`Cannot reach the cluster at ${server}: is it up?`);
    throw error;
  } finally {
    client.close();
  }
}
