/**
 * Symbolic links, by the host's `ln`: Deno makes none for a process that may write to some places only, since it cannot
 * know where a link will lead.
 */

/** Makes `path` a link to `target`; nothing may be there. */
export async function link(target: string, path: string): Promise<void> {
  await ln("-s", "-T", "--", target, path);
}

/** Makes a link to each target in `directory`, named as the last part of the target. */
export async function linkInto(directory: string, targets: readonly string[]): Promise<void> {
  if (targets.length > 0) await ln("-s", "-t", directory, "--", ...targets);
}

async function ln(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ln", { args, stdin: "null", stdout: "null", stderr: "piped" })
    .output();
  if (!success) throw new Error(`Cannot link ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}
