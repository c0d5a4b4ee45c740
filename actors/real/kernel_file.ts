/**
 * Files that the kernel makes up as they are read: /proc, /sys. Deno opens none of them for a process that has less
 * than all permissions, whatever it may read; a program of the host does.
 */
const isKernels = (path: string) => path.startsWith("/proc/") || path.startsWith("/sys/");

/** The file's text. @throws Deno.errors.NotFound, and Error saying why it cannot be read. */
export async function readHostTextFile(path: string): Promise<string> {
  if (!isKernels(path)) return await Deno.readTextFile(path);
  const { success, stdout, stderr } = await new Deno.Command("cat", {
    args: [path],
    stdin: "null",
    env: { LC_ALL: "C" },
  })
    .output();
  if (success) return new TextDecoder().decode(stdout);
  const reason = new TextDecoder().decode(stderr).trim();
  // A process that ends while it is looked at: its files are there, but not to be read any more.
  const isGone = reason.endsWith("No such file or directory") || reason.endsWith("No such process");
  throw new (isGone ? Deno.errors.NotFound : Error)(`Cannot read "${path}": ${reason}`);
}
