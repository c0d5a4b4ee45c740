/** A pod's resolv.conf (Kubernetes "DNS for Services and Pods"). */
import type { Pod } from "../objects/object.ts";

export interface ResolverConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface ClusterDns {
  readonly server: string | undefined;
  readonly domain: string;
}

/** At most three servers are asked by the C library. */
const mostServers = 3;
const mostSearches = 32;

export function dnsConfigOf(pod: Pod, cluster: ClusterDns, host: ResolverConfig): ResolverConfig {
  const { dnsPolicy = "ClusterFirst", hostNetwork = false, dnsConfig } = pod.spec ?? {};
  const clusterFirst = dnsPolicy === "ClusterFirstWithHostNet" || (dnsPolicy === "ClusterFirst" && !hostNetwork);
  let config: ResolverConfig = { servers: [], searches: [], options: [] };
  if (dnsPolicy !== "None") {
    config = clusterFirst && cluster.server !== undefined ? clusterConfig(pod, cluster, host) : host;
  }
  const options = new Map(config.options.map((option) => [option.split(":")[0]!, option]));
  for (const { name, value } of dnsConfig?.options ?? []) {
    if (name) options.set(name, value === undefined ? name : `${name}:${value}`);
  }
  return {
    servers: unique([...config.servers, ...dnsConfig?.nameservers ?? []]).slice(0, mostServers),
    searches: unique([...config.searches, ...dnsConfig?.searches ?? []]).slice(0, mostSearches),
    options: [...options.values()],
  };
}

function clusterConfig(pod: Pod, { server, domain }: ClusterDns, host: ResolverConfig): ResolverConfig {
  const searches = [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain];
  return { servers: [server!], searches: [...searches, ...host.searches], options: ["ndots:5"] };
}

/** The host's /etc/resolv.conf, as pods with dnsPolicy Default get it. */
export function parseResolverConfig(text: string): ResolverConfig {
  const servers: string[] = [];
  let searches: string[] = [];
  const options: string[] = [];
  for (const line of text.split("\n")) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === "nameserver" && rest[0] !== undefined) servers.push(rest[0]);
    else if (word === "search" || word === "domain") searches = rest;
    else if (word === "options") options.push(...rest);
  }
  return { servers, searches, options };
}

const unique = <T>(of: readonly T[]): T[] => [...new Set(of)];
