/** The image that tests run: Debian's static busybox and nothing else. Needs no registry. */
const applets = [
  "sh",
  "ash",
  "cat",
  "chmod",
  "cp",
  "date",
  "dd",
  "df",
  "echo",
  "env",
  "false",
  "grep",
  "head",
  "hostname",
  "httpd",
  "id",
  "ip",
  "kill",
  "ln",
  "ls",
  "mkdir",
  "mount",
  "mv",
  "nc",
  "nslookup",
  "printf",
  "ps",
  "rm",
  "sed",
  "sleep",
  "stat",
  "tail",
  "tar",
  "test",
  "touch",
  "true",
  "wc",
  "wget",
  "nproc",
  "readlink",
];

export const busybox = "chartroom-test/busybox:1.1";

/** Built once; there afterwards. `within`: words that run a command where the engine is. */
export async function buildBusybox(within: readonly string[] = []): Promise<string> {
  const run = (program: string, args: readonly string[]) => output([...within, program, ...args]);
  const there = await run("docker", ["image", "inspect", busybox]);
  if (there.success) return busybox;
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/bin`);
    await Deno.mkdir(`${directory}/tmp`);
    await Deno.chmod(`${directory}/tmp`, 0o1777);
    await Deno.copyFile("/usr/bin/busybox", `${directory}/bin/busybox`);
    for (const applet of applets) await Deno.symlink("busybox", `${directory}/bin/${applet}`);
    const script = `tar -C ${directory} -c . | docker import -c 'CMD ["sh"]' -c 'ENV PATH=/bin' - ${busybox}`;
    const built = await run("sh", ["-c", script]);
    if (!built.success) throw new Error(`Cannot build ${busybox}: ${new TextDecoder().decode(built.stderr)}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  return busybox;
}

function output([program = "", ...args]: readonly string[]) {
  return new Deno.Command(program, { args, stdout: "piped", stderr: "piped" }).output();
}
