/** What of a cluster is on this host, wherever a cluster could leave something. */
import type { TestCluster } from "./cluster.ts";

/** Lines that name the cluster, by the place they were found in; places where there is nothing are left out. */
export async function leftBehind(cluster: TestCluster, index: number): Promise<Record<string, string[]>> {
  const network = 160 + 2 * index;
  const address = new RegExp(`\\b10\\.(${network}|${network + 1})\\.\\d+\\.\\d+`);
  const named = new RegExp(`\\bcr${index}-|chartroom-${index}-|${cluster.name}|${address.source}`);
  const places: Record<string, string[]> = {
    containers: await lines("docker", "ps", "-aq", "--filter", `label=chartroom.cluster=${cluster.name}`),
    networks: (await lines("docker", "network", "ls", "--format", "{{.Name}}")).filter((line) => named.test(line)),
    links: (await lines("ip", "-o", "link")).filter((line) => named.test(line)),
    addresses: (await lines("ip", "-4", "-o", "address")).filter((line) => named.test(line)),
    routes: (await lines("ip", "-4", "route", "show", "table", "all")).filter((line) => named.test(line)),
    rules: (await lines("ip", "rule")).filter((line) => named.test(line)),
    nftables: (await lines("nft", "list", "tables")).filter((line) => named.test(line)),
    iptables: (await lines("iptables-save")).filter((line) => named.test(line)),
    mounts: (await Deno.readTextFile("/proc/mounts")).split("\n").filter((line) => line.includes(cluster.directory)),
    processes: (await cluster.processes()).map(String),
    files: await filesNamed(cluster.name, ["/etc", "/run", "/var/lib", "/var/log", "/var/run", "/opt"]),
  };
  return Object.fromEntries(Object.entries(places).filter(([, found]) => found.length > 0));
}

async function lines(command: string, ...args: string[]): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  if (!success) throw new Error(`Cannot run ${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

async function filesNamed(name: string, directories: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const directory of directories) {
    for await (const entry of Deno.readDir(directory)) {
      if (entry.name.includes(name)) found.push(`${directory}/${entry.name}`);
    }
  }
  return found;
}
