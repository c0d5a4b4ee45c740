/** Says what is wrong with the API server's options before a cluster is brought up. */
import type { ApiServerFlags } from "./api_server_flags.ts";
import { readAuditOptions } from "./audit.ts";
import type { ClusterState } from "./cluster_state.ts";

export async function checkApiServerFlags(flags: ApiServerFlags, _state: ClusterState): Promise<void> {
  await readAuditOptions(flags);
}
