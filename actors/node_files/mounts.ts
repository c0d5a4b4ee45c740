/** Mounting, by the host's `mount` and `umount`. */
import { readHostTextFile } from "../real/kernel_file.ts";

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "piped" })
    .output();
  if (!success) throw new Error(`Cannot ${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** A row of the kernel's table of mounts. */
export interface Mount {
  /** Major and minor number of the file system's device. */
  readonly device: string;
  /** The directory or file within the file system that is shown. */
  readonly root: string;
  readonly target: string;
}

/** In order of mounting: a later one hides an earlier one at the same place. */
export async function mounts(): Promise<Mount[]> {
  const table = await readHostTextFile("/proc/self/mountinfo");
  const unescape = (text = "") => text.replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)));
  return table.split("\n").filter((line) => line !== "").map((line) => {
    const [, , device = "", root, target] = line.split(" ");
    return { device, root: unescape(root), target: unescape(target) };
  });
}

/** Everything mounted at or below a path, the deepest and latest first. */
export async function mountsBelow(path: string): Promise<string[]> {
  return (await mounts()).map(({ target }) => target)
    .filter((target) => target === path || target.startsWith(`${path}/`)).reverse();
}

export async function isMounted(path: string): Promise<boolean> {
  return (await mountsBelow(path)).includes(path);
}

export async function mountTmpfs(path: string, options: string): Promise<void> {
  await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
}

/** Fails when it is still in use, unless `lazily`: then it goes when the last user has gone. */
export async function unmount(path: string, lazily = false): Promise<void> {
  await run("umount", lazily ? ["-l", path] : [path]);
}

/** Unmounts all of it, whatever it is. */
export async function unmountBelow(path: string): Promise<void> {
  for (const target of await mountsBelow(path)) {
    try {
      await unmount(target);
    } catch {
      await unmount(target, true);
    }
  }
}

export async function bind(source: string, target: string): Promise<void> {
  await run("mount", ["--bind", source, target]);
}
