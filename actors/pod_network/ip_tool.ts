/** `ip` of iproute2: several commands in one run, and links and addresses as it lists them. */
import { runTool } from "../nftables/run_tool.ts";

export interface Link {
  readonly ifname: string;
  readonly ifalias?: string;
  readonly master?: string;
  readonly operstate?: string;
}

/** Runs the commands in order, in the network namespace of `pid` or in ours; the first failure ends it. */
export async function ipBatch(commands: readonly string[], options: { what: string; pid?: number }): Promise<void> {
  const input = commands.join("\n") + "\n";
  if (options.pid === undefined) {
    await runTool("ip", ["-batch", "-"], { what: options.what, input });
  } else {
    await runTool("nsenter", [`--net=/proc/${options.pid}/ns/net`, "ip", "-batch", "-"], {
      what: options.what,
      input,
    });
  }
}

/** Removes links. One that goes by itself meanwhile, since the namespace of its other end ends, is as good. */
export async function removeLinks(names: readonly string[], what: string): Promise<void> {
  if (names.length === 0) return;
  const input = names.map((name) => `link delete dev ${name}\n`).join("");
  try {
    await runTool("ip", ["-force", "-batch", "-"], { what, input });
  } catch (error) {
    const left = await linksWith("");
    if (left.some(({ ifname }) => names.includes(ifname))) throw error;
  }
}

async function ipJson<T>(args: readonly string[], what: string): Promise<T[]> {
  const said = await runTool("ip", ["-json", ...args], { what });
  return said.trim() === "" ? [] : (JSON.parse(said) as T[]).filter((row) => Object.keys(row as object).length > 0);
}

/** Links whose name starts with the prefix. */
export async function linksWith(prefix: string): Promise<Link[]> {
  const links = await ipJson<Link>(["link", "show"], "list links");
  return links.filter(({ ifname }) => ifname.startsWith(prefix));
}

/** The IPv4 addresses of links whose name starts with the prefix, each with its link. */
export async function addressesOf(prefix: string): Promise<{ link: string; address: string; prefix: number }[]> {
  interface Row {
    ifname: string;
    addr_info?: { family: string; local: string; prefixlen: number }[];
  }
  const rows = await ipJson<Row>(["-4", "address", "show"], "list addresses");
  return rows.filter(({ ifname }) => ifname.startsWith(prefix)).flatMap(({ ifname, addr_info = [] }) =>
    addr_info.map(({ local, prefixlen }) => ({ link: ifname, address: local, prefix: prefixlen }))
  );
}

/** Destinations of the host's routes and its own addresses, as `address/bits`. */
export async function hostRanges(): Promise<string[]> {
  const routes = await ipJson<{ dst: string }>(["-4", "route", "show"], "list routes");
  const addresses = await addressesOf("");
  return [...routes.map(({ dst }) => dst), ...addresses.map(({ address }) => address)];
}

/** The size of packets that fit the way to the outside; 1500 where there is none. */
export async function outsideMtu(): Promise<number> {
  const routes = await ipJson<{ dst: string; dev?: string }>(["-4", "route", "show", "default"], "list routes");
  const device = routes[0]?.dev;
  if (device === undefined) return 1500;
  const links = await ipJson<Link & { mtu: number }>(["link", "show", "dev", device], "list links");
  return Math.min(1500, links[0]?.mtu ?? 1500);
}
