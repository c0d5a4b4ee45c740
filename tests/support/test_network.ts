/** Machines on one network: a switch with a cable to each. Cables can be cut, and names are as `/etc/hosts` says. */
import { TestHost } from "./test_host.ts";

export class TestNetwork implements AsyncDisposable {
  readonly hosts: TestHost[] = [];
  readonly #switch: string;

  /** `directory`: where the hosts' disks are. */
  private constructor(readonly id: string, readonly directory: string) {
    this.#switch = `crt-${id}-net`;
  }

  static async start(count: number, directory: string): Promise<TestNetwork> {
    const network = new TestNetwork(crypto.randomUUID().slice(0, 6), directory);
    try {
      await command("ip", "netns", "add", network.#switch);
      await command("ip", "-n", network.#switch, "link", "add", "br0", "type", "bridge");
      await command("ip", "-n", network.#switch, "link", "set", "br0", "up");
      await network.nameHosts({});
      for (let number = 0; number < count; number++) {
        network.hosts.push(new TestHost(`crt-${network.id}-${number + 1}`, `${directory}/host-${number + 1}`));
        await network.startHost(number);
      }
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  address(number: number): string {
    return `198.51.100.${number + 1}`;
  }

  /** Also after a power cut. */
  async startHost(number: number): Promise<void> {
    const host = this.hosts[number]!;
    await host.start();
    const port = `port${number + 1}`;
    // The kernel takes a moment to clear away what a host had that is gone.
    await command("ip", "-n", this.#switch, "link", "delete", port).catch(() => {});
    await command("ip", "-n", this.#switch, "link", "add", port, "type", "veth", "peer", "eth0", "netns", host.name);
    await command("ip", "-n", this.#switch, "link", "set", port, "master", "br0", "up");
    await command("ip", "-n", host.name, "address", "add", `${this.address(number)}/24`, "dev", "eth0");
    await command("ip", "-n", host.name, "link", "set", "eth0", "up");
    await host.ok(["mount", "--bind", `${this.directory}/hosts`, "/etc/hosts"]);
  }

  /** What hosts are known by, on all of them: who balances says so to a name server or takes an address over. */
  async nameHosts(names: Readonly<Record<string, readonly number[]>>): Promise<void> {
    const lines = Object.entries(names).flatMap(([name, all]) => all.map((each) => `${this.address(each)} ${name}\n`));
    await Deno.writeTextFile(`${this.directory}/hosts`, `127.0.0.1 localhost\n${lines.join("")}`);
  }

  /** From now on what the host sends and is sent is lost without a word; `ports`: only to and from these. */
  async cut(number: number, ports?: string): Promise<void> {
    const some = ports === undefined ? "" : `tcp dport ${ports} `;
    const back = ports === undefined ? "" : `tcp sport ${ports} `;
    const chain = (hook: string, link: string) =>
      `chain ${hook} {\n type filter hook ${hook} priority -300;\n ${link} "eth0" ${some}drop\n ${link} "eth0" ${back}drop\n }`;
    const rules = `table inet cut {\n ${chain("input", "iifname")}\n ${chain("output", "oifname")}\n}\n`;
    await this.hosts[number]!.ok(["nft", rules]);
  }

  async mend(number: number): Promise<void> {
    await this.hosts[number]!.ok(["nft", "delete", "table", "inet", "cut"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.hosts) await host[Symbol.asyncDispose]();
    await command("ip", "netns", "delete", this.#switch);
  }
}

async function command(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`Cannot run "${program} ${args.join(" ")}": ${new TextDecoder().decode(stderr)}`);
}
