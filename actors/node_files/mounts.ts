/** Mounting, by the host's `mount` and `umount`. */
import { readHostTextFile } from "../real/kernel_file.ts";

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "piped" })
    .output();
  if (!success) throw new Error(`Cannot ${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Everything mounted at or below a path, the deepest and latest first. */
export async function mountsBelow(path: string): Promise<string[]> {
  const table = await readHostTextFile("/proc/self/mountinfo");
  const unescape = (text: string) => text.replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)));
  return table.split("\n").map((line) => unescape(line.split(" ")[4] ?? ""))
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
