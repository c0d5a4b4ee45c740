/** Pods without Docker: processes with a network namespace of their own, wired by the real pod network. */
import { NftPacketFilter } from "../../actors/nftables/nft_packet_filter.ts";
import { BridgePodNetwork } from "../../actors/pod_network/bridge_pod_network.ts";
import { tearDownNetwork } from "../../actors/pod_network/tear_down_network.ts";
import { type AddressPlan, addressPlan } from "../../machines/network/address_plan.ts";

/** Needs root, nft and ip. Where one is missing the tests say so and are ignored. */
export const reasonToSkip = await findReason();

async function findReason(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "needs root";
  for (const tool of ["nft", "ip", "nsenter", "unshare", "busybox", "iptables"]) {
    const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${tool}`], stdout: "null" }).output();
    if (!success) return `needs ${tool}`;
  }
}
if (reasonToSkip !== undefined) console.log(`The network tests are left out: ${reasonToSkip}`);

export class TestPod {
  /** What it runs, the youngest last. */
  readonly #children: Deno.ChildProcess[] = [];
  constructor(readonly id: string, readonly process: Deno.ChildProcess, readonly podIP: string) {
    this.#children.push(process);
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Answers every connection to a TCP port with its id. */
  async serve(port: number): Promise<void> {
    this.#children.push(this.#spawn("busybox", ["nc", "-ll", "-p", String(port), "-e", "echo", this.id]));
    await this.#listens(port);
  }

  /** Answers every UDP packet with its id. */
  async serveUdp(port: number): Promise<void> {
    const script = `import { createSocket } from "node:dgram";
      const socket = createSocket("udp4");
      socket.on("message", (_, from) => socket.send("${this.id}", from.port, from.address));
      socket.bind(${port}, "0.0.0.0");`;
    this.#children.push(this.#spawn(Deno.execPath(), ["eval", script]));
    await this.#listens(port);
  }

  run(tool: string, ...args: string[]): Promise<string> {
    return run("nsenter", [`--net=/proc/${this.pid}/ns/net`, tool, ...args]);
  }

  /** Answers every TCP connection with its table of connections, for `peerIn`. */
  async servePeers(port: number): Promise<void> {
    const tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    this.#children.push(this.#spawn("busybox", ["nc", "-ll", "-p", String(port), "-e", "cat", ...tables]));
    await this.#listens(port);
  }

  /** What is heard on a TCP connection from inside the pod; "refused" or "silent" when there is none. */
  dial(address: string, port: number): Promise<string> {
    return dialWith(["nsenter", `--net=/proc/${this.pid}/ns/net`], address, port);
  }

  #spawn(tool: string, args: string[]): Deno.ChildProcess {
    return new Deno.Command("nsenter", {
      args: [`--net=/proc/${this.pid}/ns/net`, tool, ...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  async #listens(port: number): Promise<void> {
    const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
    for (let attempt = 0; attempt < 1_000; attempt++) {
      const table = await this.run("cat", "/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp");
      if (table.includes(wanted)) return;
    }
    throw new Error(`Cannot serve port ${port} in pod ${this.id}: nobody listens`);
  }

  async end(): Promise<void> {
    for (const child of this.#children.reverse()) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await child.status;
    }
  }
}

export async function dialWith(prefix: string[], address: string, port: number): Promise<string> {
  const [tool = "", ...args] = [...prefix, "busybox", "nc", "-w", "2", address, String(port)];
  const { stdout, stderr } = await new Deno.Command(tool, { args, stdin: "null", stdout: "piped", stderr: "piped" })
    .output();
  const heard = new TextDecoder().decode(stdout).trim();
  if (heard !== "") return heard;
  return new TextDecoder().decode(stderr).includes("refused") ? "refused" : "silent";
}

/** The other end of the one connection to the port in a kernel's table of connections; what was heard if there is none. */
export function peerIn(heard: string, port: number): string {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of heard.split("\n")) {
    const [, here, there = "", state] = line.trim().split(/\s+/);
    // 0A is a listener, 06 one that waits for stragglers of a connection that is over.
    if (here?.endsWith(local) !== true || state === "0A" || state === "06") continue;
    const bytes = there.split(":")[0]!.slice(-8).match(/../g)!;
    return bytes.reverse().map((byte) => parseInt(byte, 16)).join(".");
  }
  return heard;
}

/** From the host itself. */
export function dial(address: string, port: number): Promise<string> {
  return dialWith(["env"], address, port);
}

export async function run(tool: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(tool, { args, stdout: "piped", stderr: "piped" }).output();
  if (!success) throw new Error(`Cannot run ${tool} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Links, rules and routes of the host that carry the names of the given plans or stand in tables all share. */
export async function hostState(): Promise<string[]> {
  const own = /chartroom-3[0-9]-|\bcr3[0-9]-/;
  const links = (await run("ip", ["-o", "link", "show"])).split("\n").map((line) => line.split(": ")[1] ?? "");
  const tables = (await run("nft", ["list", "tables"])).split("\n");
  const rules = (await run("iptables", ["-S"])).split("\n");
  const routes = (await run("ip", ["-4", "route", "show", "table", "all"])).split("\n");
  return [...links, ...tables, ...rules, ...routes].filter((line) => own.test(line));
}

export class TestHost implements AsyncDisposable {
  readonly plan: AddressPlan;
  readonly packetFilter = new NftPacketFilter();
  readonly networks: BridgePodNetwork[] = [];
  readonly pods: TestPod[] = [];

  /** Cluster indices from 30 on are the tests' own. */
  constructor(index: number) {
    this.plan = addressPlan(index);
  }

  async addNode(): Promise<BridgePodNetwork> {
    const network = new BridgePodNetwork({
      plan: this.plan,
      node: this.networks.length,
      packetFilter: this.packetFilter,
    });
    await network.setUp();
    this.networks.push(network);
    return network;
  }

  async addPod(id: string, node = 0): Promise<TestPod> {
    const process = await startProcess();
    try {
      const { podIP } = await this.networks[node]!.attach({ id, pid: process.pid, podKey: `default/${id}` });
      const pod = new TestPod(id, process, podIP);
      this.pods.push(pod);
      return pod;
    } catch (error) {
      process.kill("SIGKILL");
      await process.status;
      throw error;
    }
  }

  /** Another machine on a wire of the host's, which knows the way to the given ranges and to nothing else. */
  async addOutsider(routes: readonly string[]): Promise<TestPod> {
    const process = await startProcess();
    const link = `${this.plan.linkPrefix}outside`;
    const network = `198.18.${this.plan.index}`;
    await run("ip", ["link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", String(process.pid)]);
    await run("ip", ["address", "add", `${network}.1/24`, "dev", link]);
    await run("ip", ["link", "set", "dev", link, "up"]);
    const inside = (args: string[]) => run("nsenter", [`--net=/proc/${process.pid}/ns/net`, "ip", ...args]);
    await inside(["address", "add", `${network}.2/24`, "dev", "eth0"]);
    await inside(["link", "set", "dev", "eth0", "up"]);
    for (const range of routes) await inside(["route", "add", range, "via", `${network}.1`]);
    const outsider = new TestPod("outsider", process, `${network}.2`);
    this.pods.push(outsider);
    return outsider;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pod of this.pods) await pod.end();
    await tearDownNetwork(this.plan, this.packetFilter);
  }
}

/** A process with a network namespace of its own. */
export async function startProcess(): Promise<Deno.ChildProcess> {
  const process = new Deno.Command("unshare", { args: ["--net", "sleep", "1000"], stdin: "null" }).spawn();
  await leftNamespace(process.pid);
  return process;
}

/** Waits until `unshare` has entered its own namespace. */
async function leftNamespace(pid: number): Promise<void> {
  const ours = (await run("readlink", ["/proc/self/ns/net"])).trim();
  for (let attempt = 0; attempt < 500; attempt++) {
    const theirs = await run("readlink", [`/proc/${pid}/ns/net`]);
    if (theirs.trim() !== ours) return;
  }
  throw new Error(`Cannot start a pod: process ${pid} stays in the host's network namespace`);
}

/** A test on a host of its own that leaves the kernel as it found it. */
export function networkTest(name: string, index: number, body: (host: TestHost) => Promise<void>): void {
  Deno.test({
    name,
    ignore: reasonToSkip !== undefined,
    fn: async () => {
      await using host = new TestHost(index);
      await tearDownNetwork(host.plan, host.packetFilter); // Left behind by a test that was killed.
      await body(host);
    },
  });
}
