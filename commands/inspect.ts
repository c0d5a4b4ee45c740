/** `chartroom inspect`: a link to the inspector's page, good once and for two minutes. */
import { administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { httpClientFor } from "./inspection_reader.ts";

export async function inspect(state: ClusterState): Promise<void> {
  const access = await administratorAccess(state);
  const client = httpClientFor(access);
  try {
    const response = await fetch(`${access.server}/inspect/token`, { method: "POST", client });
    if (!response.ok) {
      throw new Error(`Cannot open the inspector: the cluster answered ${response.status} ${await response.text()}`);
    }
    const { token, server = access.server } = await response.json() as { token: string; server?: string };
    console.log(`${server}/inspect/#token=${token}`);
    console.error(
      "Open it within two minutes; it works once. Your browser will not know the cluster's certificate authority:\n" +
        "trust it for this page, or import the one in the kubeconfig.",
    );
  } catch (error) {
    if (error instanceof TypeError) throw new Error(`Cannot reach the cluster at ${access.server}: is it up?`);
    throw error;
  } finally {
    client.close();
  }
}
