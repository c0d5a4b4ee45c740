/** `chartroom explain`: where an object's actors are in their charts. */
import { type Access, administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { causesInWords } from "./explain_causes.ts";
import { actorKinds, clusterScoped, explainableKinds, kindMeant } from "./explain_kinds.ts";
import type { ExplainAnswer } from "./explain_routes.ts";

export async function explain(
  state: ClusterState,
  kind: string,
  name: string,
  options: { namespace: string },
): Promise<void> {
  const meant = kindMeant(kind);
  const kinds = actorKinds[meant];
  if (kinds === undefined) {
    throw new Error(`Cannot explain "${kind}": it can be ${explainableKinds.join(", ")}`);
  }
  const access = await administratorAccess(state);
  const query = new URLSearchParams({ name, ...(clusterScoped.has(meant) ? {} : { namespace: options.namespace }) });
  const { actors, silent = {} } = await ask(access, `/chartroom/explain?${query}`);
  for (const [name, reason] of Object.entries(silent)) console.error(`${name} could not be asked: ${reason}`);
  const telling = actors.filter((actor) => kinds.includes(actor.kind));
  if (telling.length === 0) {
    const where = clusterScoped.has(meant) ? "" : ` in namespace "${options.namespace}"`;
    throw new Error(`Cannot explain ${meant} "${name}"${where}: no actor of this cluster looks after it now`);
  }
  telling.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
  console.log(telling.map(({ text, causes }) => [...text, ...causesInWords(causes)].join("\n")).join("\n\n"));
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
