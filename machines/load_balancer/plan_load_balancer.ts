/**
 * Which service of type LoadBalancer has which address. Nothing is remembered but what the services' status says, so
 * whoever starts anew finds every address where it was.
 */
import type { Service } from "../objects/object.ts";
import { keyOf } from "../objects/object.ts";
import { AddressPool } from "../network/address_pool.ts";
import { inCidr, isAddress } from "../network/cidr.ts";

export interface LoadBalancerPlan {
  /** Services to be given an address, oldest first. */
  readonly assign: readonly { readonly key: string; readonly address: string }[];
  /** Services that carry an address of ours and are none of ours any more. */
  readonly release: readonly { readonly key: string; readonly address: string }[];
  /** Services that cannot have one at the moment, and why. */
  readonly unable: readonly { readonly key: string; readonly reason: string }[];
  /** Every address in use, sorted: what the host has to answer to. */
  readonly addresses: readonly string[];
}

/** Whether this load balancer is asked: another class is another's, and who is being deleted needs none. */
export function isBalanced(service: Service): boolean {
  const { spec, metadata } = service;
  return spec?.type === "LoadBalancer" && spec.loadBalancerClass === undefined &&
    metadata.deletionTimestamp === undefined;
}

/** `range`: the addresses to give out. */
export function planLoadBalancer(services: readonly Service[], range: string): LoadBalancerPlan {
  const pool = new AddressPool(range, { reserved: 1 });
  const assign: { key: string; address: string }[] = [];
  const release: { key: string; address: string }[] = [];
  const unable: { key: string; reason: string }[] = [];
  const waiting: Service[] = [];
  const ordered = [...services].sort(byAge);
  for (const service of ordered) {
    const key = keyOf(service);
    const address = addressOf(service, range);
    if (!isBalanced(service)) {
      if (address !== undefined) release.push({ key, address });
      continue;
    }
    // The older one keeps an address that two services carry.
    const keeps = address !== undefined && pool.holds(address) && pool.ownerOf(address) === undefined &&
      isWanted(service, address);
    if (keeps) pool.adopt(key, address);
    else waiting.push(service);
  }
  for (const service of [...waiting].sort(wishesFirst)) {
    const key = keyOf(service);
    try {
      const address = allocate(pool, service, range);
      assign.push({ key, address });
    } catch (error) {
      unable.push({ key, reason: error instanceof Error ? error.message : String(error) });
      const lost = addressOf(service, range);
      if (lost !== undefined) release.push({ key, address: lost });
    }
  }
  return { assign, release, unable, addresses: [...pool.entries()].map(([, address]) => address).sort() };
}

function allocate(pool: AddressPool, service: Service, range: string): string {
  const key = keyOf(service);
  const wanted = service.spec?.loadBalancerIP;
  if (wanted === undefined || wanted === "") return pool.allocate(key);
  if (!pool.holds(wanted)) {
    throw new Error(`Cannot give address "${wanted}" to service "${key}": it is not one of ${range} to give out`);
  }
  const owner = pool.ownerOf(wanted);
  if (owner !== undefined) {
    throw new Error(`Cannot give address "${wanted}" to service "${key}": service "${owner}" has it`);
  }
  pool.adopt(key, wanted);
  return wanted;
}

function isWanted(service: Service, address: string): boolean {
  const wanted = service.spec?.loadBalancerIP;
  return wanted === undefined || wanted === "" || wanted === address;
}

/** The address of the range that the service's status carries. */
function addressOf(service: Service, range: string): string | undefined {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ingress.map(({ ip }) => ip).find((ip) => ip !== undefined && isAddress(ip) && inCidr(range, ip));
}

function byAge(a: Service, b: Service): number {
  const [one, other] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.uid}`);
  return one! < other! ? -1 : 1;
}

/** Who wants one certain address goes before those who take any. */
function wishesFirst(a: Service, b: Service): number {
  return Number(!a.spec?.loadBalancerIP) - Number(!b.spec?.loadBalancerIP);
}
