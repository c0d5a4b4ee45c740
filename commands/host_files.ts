/**
 * The node's files under Deno's narrowed permissions. Deno opens nothing below /proc unless a process may do everything,
 * so what the kernel says of itself is read through `cat`.
 */
import { mountTmpfs, unmount } from "../actors/node_files/mounts.ts";
import { realNodeFiles } from "../actors/node_files/real_node_files.ts";
import type { NodeFiles } from "../ports/node_files.ts";

/** A file below /proc; empty when it is not there. */
export async function readKernelFile(path: string): Promise<string> {
  const { stdout } = await new Deno.Command("cat", { args: [path], stdin: "null", stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}

/** What is mounted at or below a path, the deepest and latest first. */
export async function mountsBelow(path: string): Promise<string[]> {
  const table = await readKernelFile("/proc/self/mountinfo");
  const plain = (text: string) => text.replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)));
  return table.split("\n").map((line) => plain(line.split(" ")[4] ?? ""))
    .filter((target) => target === path || target.startsWith(`${path}/`)).reverse();
}

/** Unmounts all of it; what is in use goes when its last user has gone. */
export async function unmountBelow(path: string): Promise<void> {
  for (const target of await mountsBelow(path)) {
    try {
      await unmount(target);
    } catch {
      await unmount(target, true);
    }
  }
}

async function mountOnce(path: string, options: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  if (!(await mountsBelow(path)).includes(path)) await mountTmpfs(path, options);
}

export const hostFiles: NodeFiles = {
  ...realNodeFiles,
  readHostFile: (path) => path.startsWith("/proc/") ? readKernelFile(path) : realNodeFiles.readHostFile(path),
  async makeEmptyDirectory(path, { memory, sizeBytes, ...rest }) {
    if (memory) await mountOnce(path, sizeBytes === undefined ? "mode=0777" : `mode=0777,size=${sizeBytes}`);
    await realNodeFiles.makeEmptyDirectory(path, rest);
  },
  async writePayload(directory, payload, version, { secret, ...rest }) {
    if (secret) await mountOnce(directory, "mode=0755");
    return await realNodeFiles.writePayload(directory, payload, version, { secret: false, ...rest });
  },
  async remove(directory) {
    await unmountBelow(directory);
    try {
      await Deno.remove(directory, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  },
};
