import type { ClusterState } from "./cluster_state.ts";

export async function printKubeconfig(state: ClusterState, options: { path?: boolean }): Promise<void> {
  // Another cluster's directory is refused.
  await state.identity();
  await state.identity(); // Another cluster's is none of ours.
  const path = state.path("kubeconfig");
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot print the kubeconfig of cluster "${state.name}": there is none; run "chartroom up" first`);
  }
  console.log(options.path ? path : text.trimEnd());
}
