/** A cluster as people start it: `./chartroom up`, with a name and a state directory that nobody else uses. */
import { type Client, helm, kubectl } from "./kubectl.ts";

const root = new URL("../../", import.meta.url).pathname;

export interface RunningNote {
  readonly pid: number;
  readonly nodes: readonly string[];
  /** Where roles are processes of their own. */
  readonly processes?: Readonly<Record<string, number>>;
}

export interface ClusterOptions {
  readonly nodes?: number;
  /** Given to `up` besides what every test gives. */
  readonly flags?: readonly string[];
  /** Of `up` and all that it starts, besides what every test gives. */
  readonly env?: Readonly<Record<string, string>>;
}

export class TestCluster implements AsyncDisposable {
  private constructor(
    readonly name: string,
    /** For files of the test's own; its state is below. */
    readonly directory: string,
    readonly options: ClusterOptions,
    readonly kubectl: Client,
    readonly helm: Client,
  ) {}

  /** Resolves when its nodes are ready. */
  static async start(options: ClusterOptions = {}): Promise<TestCluster> {
    const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
    const name = `test-${crypto.randomUUID().slice(0, 8)}`;
    const kubeconfig = `${directory}/state/kubeconfig`;
    const clients = [await kubectl(kubeconfig, directory), await helm(kubeconfig, directory)] as const;
    const cluster = new TestCluster(name, directory, options, ...clients);
    try {
      await cluster.up();
    } catch (error) {
      await cluster[Symbol.asyncDispose]().catch((second) => console.error(second));
      throw error;
    }
    return cluster;
  }

  get state(): string {
    return `${this.directory}/state`;
  }

  get kubeconfig(): string {
    return `${this.state}/kubeconfig`;
  }

  /** Runs the launcher for this cluster. @throws Error with all that it said. */
  async chartroom(...args: string[]): Promise<string> {
    return await this.#run(args, {});
  }

  async #run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
    const { code, said } = await launch([...args, "--name", this.name, "--state", this.state], env);
    if (code !== 0) throw new Error(`Cannot run chartroom ${args.join(" ")}: it ended with ${code}: ${said}`);
    return said;
  }

  async up(): Promise<string> {
    const { nodes = 2, flags = [], env = {} } = this.options;
    return await this.#run(["up", "--detach", "--nodes", `${nodes}`, ...flags], env);
  }

  async running(): Promise<RunningNote> {
    return JSON.parse(await Deno.readTextFile(`${this.state}/running.json`));
  }

  async log(): Promise<string> {
    return await Deno.readTextFile(`${this.state}/chartroom.log`);
  }

  /** Every process of the cluster: its command line names the state directory. */
  async processes(): Promise<number[]> {
    const found: number[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      // One that ends meanwhile has no command line any more.
      const words = (await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "")).split("\0");
      if (words.some((word) => word.endsWith("/main.ts")) && words.includes(this.state)) found.push(Number(name));
    }
    return found;
  }

  /** Ends them as a power cut would. Resolves when they are gone. */
  async kill(): Promise<void> {
    for (const pid of await this.processes()) Deno.kill(pid, "SIGKILL");
    while ((await this.processes()).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Whatever happened before, nothing is left of it; that this took more than `down` is an error. */
  async [Symbol.asyncDispose](): Promise<void> {
    let problem: unknown;
    try {
      await this.chartroom("down", "--delete-state");
    } catch (error) {
      problem = error;
      await this.#sweep();
    }
    await Deno.remove(this.directory, { recursive: true });
    if (problem !== undefined) throw problem;
  }

  async #sweep(): Promise<void> {
    await this.kill();
    const script = `
      docker ps -aq --filter label=chartroom.cluster="$1" | xargs -r docker rm -f -v
      index=$(sed -n 's/.*"index": *\\([0-9]*\\).*/\\1/p' "$2/cluster.json")
      [ -n "$index" ] || exit 0
      ip -o link | sed -n "s/^[0-9]*: \\(cr$index-[^:@]*\\).*/\\1/p" | xargs -r -n1 ip link delete
      for table in services pods; do nft delete table ip "chartroom-$index-$table"; done
      iptables-save -t filter | sed -n "/chartroom-$index-/s/^-A/-D/p" | tr -d '"' | xargs -r -L1 iptables
      awk -v prefix="$2/" 'index($2, prefix) == 1 { print $2 }' /proc/mounts | tac | xargs -r umount -l`;
    const { stderr } = await new Deno.Command("sh", { args: ["-c", script, "sh", this.name, this.state] }).output();
    console.error(`"down" failed; swept away what was left. ${new TextDecoder().decode(stderr)}`);
  }
}

/** Runs the launcher. `said`: both of its streams. */
export function chartroom(...args: string[]): Promise<{ code: number; said: string }> {
  return launch(args, {});
}

async function launch(args: string[], env: Readonly<Record<string, string>>): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await new Deno.Command(`${root}chartroom`, {
    args,
    env: { CHARTROOM_DENO: Deno.execPath(), NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}
