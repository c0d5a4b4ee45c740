/** How one of our own processes is started: this Deno, this program, and the permissions of its role. */
import { fileURLToPath } from "node:url";
import type { ClusterState } from "./cluster_state.ts";
import { permissionFlags } from "./permissions.ts";

const ownPath = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * Room for what a start allocates: a tenth less work until Ready (420 ms of CPU before, 380 after) for 10 MB more. The
 * launcher says the same.
 */
const engineFlags = "--v8-flags=--min-semi-space-size=16";
/** A hundred thousand pods and all that controllers know of them need more than the usual 4 GB. */
const manyPodsFlag = "--max-old-space-size=16384";

export async function ownCommand(
  role: string,
  state: ClusterState,
  args: readonly string[],
): Promise<{ program: string; args: string[] }> {
  const many = args.some((argument) => /^--simulated-nodes(=|$)/.test(argument));
  return {
    program: Deno.execPath(),
    args: [
      ...["run", "--quiet", "--no-prompt", "--config", ownPath("../deno.json"), "--frozen"],
      many ? `${engineFlags},${manyPodsFlag}` : engineFlags,
      ...await permissionFlags(role, state),
      ownPath("../main.ts"),
      ...args,
    ],
  };
}
