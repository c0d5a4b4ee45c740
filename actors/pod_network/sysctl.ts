import { runTool } from "../nftables/run_tool.ts";

/**
 * Sets kernel parameters. A needed one that cannot be set is an error; another one becomes a warning (a kernel without
 * br_netfilter has no `net.bridge`).
 */
export async function setSysctls(
  settings: readonly (readonly [key: string, value: string, needed: boolean])[],
): Promise<string[]> {
  const warnings: string[] = [];
  for (const [key, value, needed] of settings) {
    try {
      await runTool("sysctl", ["-q", "-w", `${key}=${value}`], { what: `set ${key} to ${value}` });
    } catch (error) {
      if (needed) throw error;
      warnings.push(error instanceof Error ? error.message : String(error));
    }
  }
  return warnings;
}
