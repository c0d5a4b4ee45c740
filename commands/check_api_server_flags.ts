/** Says what is wrong with the API server's options before a cluster is brought up. */
import type { ApiServerFlags } from "./api_server_flags.ts";
import { readAuditOptions } from "./audit.ts";
import { checkAuthentication } from "./authentication.ts";
import type { ClusterState } from "./cluster_state.ts";
import { checkEncryption } from "./encryption.ts";

export async function checkApiServerFlags(flags: ApiServerFlags, state: ClusterState): Promise<void> {
  await readAuditOptions(flags);
  await checkEncryption(state, flags);
  await checkAuthentication(flags);
}
