/** The records of one service (Kubernetes DNS-Based Service Discovery, 1.1.0, sections 2.3 to 2.5). */
import type { EndpointSlice, Service } from "../objects/object.ts";
import { isAddress } from "../network/cidr.ts";
import { canonicalName, type DnsRecord, reverseName } from "./dns_record.ts";

export interface DnsZoneOptions {
  /** The cluster's domain, for example "cluster.local". */
  readonly domain: string;
  readonly ttl: number;
}

type Slice = Pick<EndpointSlice, "addressType" | "endpoints" | "ports">;

interface Host {
  readonly label: string;
  readonly address: string;
  readonly ports: NonNullable<Slice["ports"]>;
  readonly type: "A" | "AAAA";
}

export function serviceRecords(service: Service, slices: readonly Slice[], options: DnsZoneOptions): DnsRecord[] {
  const { spec, metadata } = service;
  const name = canonicalName(`${metadata.name}.${metadata.namespace}.svc.${options.domain}`);
  const { ttl } = options;
  if (spec === undefined) return [];
  if (spec.type === "ExternalName") {
    return [{ name, ttl, type: "CNAME", data: canonicalName(spec.externalName ?? "") }];
  }
  if (spec.clusterIP === "None") return headlessRecords(name, hostsOf(service, slices), ttl);
  if (spec.clusterIP === undefined || !isAddress(spec.clusterIP)) return [];
  return [
    { name, ttl, type: "A", data: spec.clusterIP },
    { name: reverseName(spec.clusterIP), ttl, type: "PTR", data: name },
    ...(spec.ports ?? []).flatMap((port) => srvRecords(name, port, name, 100, ttl)),
  ];
}

function headlessRecords(name: string, hosts: readonly Host[], ttl: number): DnsRecord[] {
  const weight = Math.max(1, Math.floor(100 / Math.max(1, hosts.length)));
  return hosts.flatMap(({ label, address, ports, type }): DnsRecord[] => {
    const hostName = `${label}.${name}`;
    return [
      { name, ttl, type, data: address },
      { name: hostName, ttl, type, data: address },
      ...(type === "A" ? [{ name: reverseName(address), ttl, type: "PTR" as const, data: hostName }] : []),
      ...ports.flatMap((port) => srvRecords(name, port, hostName, weight, ttl)),
    ];
  });
}

/** Only named ports have SRV records. */
function srvRecords(
  service: string,
  { name, protocol, port }: { name?: string | undefined; protocol?: string | undefined; port?: number | undefined },
  target: string,
  weight: number,
  ttl: number,
): DnsRecord[] {
  if (name === undefined || name === "" || port === undefined) return [];
  return [{
    name: canonicalName(`_${name}._${protocol ?? "TCP"}.${service}`),
    ttl,
    type: "SRV",
    data: { priority: 0, weight, port, target },
  }];
}

/** Each address once. An endpoint without a hostname is named after its address. */
function hostsOf(service: Service, slices: readonly Slice[]): Host[] {
  const hosts = new Map<string, Host>();
  for (const { addressType, endpoints = [], ports } of slices) {
    if (addressType !== "IPv4" && addressType !== "IPv6") continue;
    for (const { addresses, conditions, hostname } of endpoints) {
      if (conditions?.ready === false && service.spec?.publishNotReadyAddresses !== true) continue;
      for (const address of addresses) {
        const label = canonicalName(hostname ?? address.replaceAll(/[.:]/g, "-"));
        const known = hosts.get(address);
        hosts.set(address, {
          label: known?.label ?? label,
          address,
          ports: [...known?.ports ?? [], ...ports ?? []],
          type: addressType === "IPv4" ? "A" : "AAAA",
        });
      }
    }
  }
  return [...hosts.values()].sort((a, b) => a.address < b.address ? -1 : 1);
}
