/** How machines of other hosts come to a master: what it was told, and what follows for listeners and kubeconfigs. */
import { isAddress } from "./cidr.ts";

export interface Reach {
  /** The address of this host that is told to masters and nodes of others. Absent: nobody else comes here. */
  readonly advertiseAddress?: string;
  /** Where it listens for them, if that is another one: behind an address that is translated. */
  readonly bindAddress?: string;
  /** `host` or `host:port`, a name or an address: somebody's balancer before all masters. */
  readonly controlPlaneEndpoint?: string;
}

export const loopback = "127.0.0.1";
const everywhere = "0.0.0.0";

/** What is wrong with an address that others are to be told; undefined: nothing. */
export function addressProblem(address: string): string | undefined {
  if (!isAddress(address)) return "it is no IPv4 address";
  if (isLoopback(address)) return "no other host reaches loopback";
  return address === everywhere ? "it is the address of nobody in particular" : undefined;
}

export function isLoopback(address: string): boolean {
  return address.startsWith("127.");
}

/** @throws Error saying what is wrong with it. */
export function checkReach({ advertiseAddress, bindAddress, controlPlaneEndpoint }: Reach): void {
  const problem = advertiseAddress === undefined ? undefined : addressProblem(advertiseAddress);
  if (problem !== undefined) throw new Error(`Cannot advertise "${advertiseAddress}": ${problem}`);
  if (bindAddress !== undefined) {
    if (!isAddress(bindAddress)) throw new Error(`Cannot listen on "${bindAddress}": it is no IPv4 address`);
    if (advertiseAddress === undefined) {
      throw new Error(
        `Cannot listen on ${bindAddress}: say with --advertise-address under which address others come there`,
      );
    }
  }
  if (controlPlaneEndpoint !== undefined) parseEndpoint(controlPlaneEndpoint);
}

export interface Endpoint {
  readonly host: string;
  /** Absent: the masters' own. */
  readonly port?: number;
}

/** @throws Error when it is not `host` or `host:port`. */
export function parseEndpoint(text: string): Endpoint {
  const [, host = "", port] = /^([^:/\s]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const number = Number(port ?? 443);
  // What looks like an address is one.
  const isHost = /^[\d.]+$/.test(host) ? isAddress(host) : host.length <= 253 && namePattern.test(host);
  if (!isHost || number < 1 || number > 65_535) {
    throw new Error(`Cannot use control plane endpoint "${text}": it must be HOST:PORT, a name or an IPv4 address`);
  }
  return port === undefined ? { host } : { host, port: number };
}

const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const namePattern = new RegExp(`^${label}(\\.${label})*$`);

/** Where a master's listeners bind: to loopback and to the addresses that are its own, everywhere only when told. */
export function listenHosts({ advertiseAddress, bindAddress }: Reach, own: readonly string[] = []): string[] {
  if (bindAddress === everywhere) return [everywhere];
  const outside = bindAddress ?? advertiseAddress;
  return [...new Set([loopback, ...own, ...(outside === undefined ? [] : [outside])])];
}

export interface KubeletPlace {
  /** Where it listens. */
  readonly hosts: readonly string[];
  /** 0: any free one. */
  readonly port: number;
  readonly addresses: readonly { readonly type: "InternalIP" | "ExternalIP"; readonly address: string }[];
}

const kubeletPort = 10_250;
/** Kubelets that listen on an address of their host's are told apart by their ports. */
const kubeletsOfCluster = 256;

/** Of a node that `up` starts. `own`: its address of the cluster's, on this host alone; absent: pods have no network. */
export function kubeletPlace(
  { advertiseAddress, bindAddress }: Reach,
  { index, number, own }: { readonly index: number; readonly number: number; readonly own: string | undefined },
): KubeletPlace {
  const near = own ?? loopback;
  const outside = bindAddress ?? advertiseAddress;
  if (outside === undefined || advertiseAddress === undefined) {
    const port = own === undefined ? 0 : kubeletPort;
    return { hosts: [near], port, addresses: [{ type: "InternalIP", address: near }] };
  }
  return {
    hosts: outside === everywhere ? [everywhere] : [near, outside],
    port: kubeletPort + index * kubeletsOfCluster + number,
    addresses: own === undefined
      ? [{ type: "InternalIP", address: advertiseAddress }]
      : [{ type: "InternalIP", address: own }, { type: "ExternalIP", address: advertiseAddress }],
  };
}

/** What kubeconfigs and commands to join name: the endpoint before all masters, or this one. */
export function publishedServer({ advertiseAddress, controlPlaneEndpoint }: Reach, port: number): string {
  if (controlPlaneEndpoint === undefined) return `https://${advertiseAddress ?? loopback}:${port}`;
  const endpoint = parseEndpoint(controlPlaneEndpoint);
  return `https://${endpoint.host}:${endpoint.port ?? port}`;
}

/** Where nodes reach masters, `https://host:port`: `masters` are those of the membership. */
export function knownServers(reach: Reach, port: number, masters: readonly string[]): string[] {
  // Whoever joined on this very host goes by loopback, which all masters of the host share.
  const near = reach.advertiseAddress === undefined ? [`https://${loopback}:${port}`] : [];
  return [...new Set([...near, ...masters, publishedServer(reach, port)])];
}

/** What a serving certificate has to cover besides where it listens. */
export function publishedNames({ advertiseAddress, controlPlaneEndpoint }: Reach): {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
} {
  const { host } = controlPlaneEndpoint === undefined ? { host: undefined } : parseEndpoint(controlPlaneEndpoint);
  const all = [advertiseAddress, host].filter((each) => each !== undefined);
  return { names: all.filter((each) => !isAddress(each)), addresses: all.filter(isAddress) };
}
