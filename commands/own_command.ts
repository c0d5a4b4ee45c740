/** How one of our own processes is started: this Deno, this program, and the permissions of its role. */
import { fileURLToPath } from "node:url";
import type { ClusterState } from "./cluster_state.ts";
import { permissionFlags } from "./permissions.ts";

const ownPath = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * Room for what a start allocates: a tenth less work until Ready (420 ms of CPU before, 380 after) for 10 MB more. The
 * launcher says the same.
 */
const engineFlags = ["--v8-flags=--min-semi-space-size=16"];

export async function ownCommand(
  role: string,
  state: ClusterState,
  args: readonly string[],
): Promise<{ program: string; args: string[] }> {
  return {
    program: Deno.execPath(),
    args: [
      ...["run", "--quiet", "--no-prompt", "--config", ownPath("../deno.json"), "--frozen", ...engineFlags],
      ...await permissionFlags(role, state),
      ownPath("../main.ts"),
      ...args,
    ],
  };
}
