/**
 * A machine of its own, as far as a cluster can see: its own processes, network, mounts, Docker engine and units of
 * systemd, on the disk of this one. Ending it is what a power cut is: nothing lives on, no link and no rule is left.
 */
import type { Outcome } from "./kubectl.ts";

export class TestHost implements AsyncDisposable {
  #init: Deno.ChildProcess | undefined;
  #pid = 0;

  /** `directory`: its disk. */
  constructor(readonly name: string, readonly directory: string) {}

  async start(): Promise<void> {
    for (const each of ["docker", "units", "bin"]) await Deno.mkdir(`${this.directory}/${each}`, { recursive: true });
    await command("ip", "netns", "add", this.name);
    await command("ip", "-n", this.name, "link", "set", "lo", "up");
    // Somebody has to wait for those whose parents have gone.
    const script = `
      mount -t tmpfs tmpfs /run && mkdir -p /run/lock /run/systemd/system &&
      mount --bind "$1/docker" /var/lib/docker && mount --bind "$1/units" /etc/systemd/system && echo up
      while :; do sleep 1000 & wait $!; done`;
    this.#init = new Deno.Command("nsenter", {
      args: [
        ...[`--net=/run/netns/${this.name}`, "unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"],
        ...["--propagation", "private", "sh", "-c", script, "sh", this.directory],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = this.#init.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    if (value === undefined) throw new Error(`Cannot start host "${this.name}": its mounts were refused`);
    const children = `/proc/${this.#init.pid}/task/${this.#init.pid}/children`;
    this.#pid = Number((await Deno.readTextFile(children)).trim());
  }

  /** Words that run a command there. */
  get within(): readonly string[] {
    return ["nsenter", "-t", `${this.#pid}`, "--mount", "--net", "--pid", "--"];
  }

  async run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const [program = "", ...args] = [...this.within, ...words];
    const { code, stdout, stderr } = await new Deno.Command(program, { args, env: { ...env }, stdin: "null" }).output();
    return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
  }

  /** @throws Error with all that it said when it did not succeed. */
  async ok(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, out, error } = await this.run(words, env);
    if (code !== 0) {
      throw new Error(`Cannot run "${words.join(" ")}" on ${this.name}: it ended with ${code}: ${error}${out}`);
    }
    return out + error;
  }

  /** Of all its processes at once, the kernel's tables with them. */
  async cutPower(): Promise<void> {
    this.#init?.kill("SIGKILL");
    await this.#init?.status;
    this.#init = undefined;
    await command("ip", "netns", "delete", this.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#init !== undefined) await this.cutPower();
  }
}

async function command(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`Cannot run "${program} ${args.join(" ")}": ${new TextDecoder().decode(stderr)}`);
}
