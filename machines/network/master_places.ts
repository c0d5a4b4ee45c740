/**
 * Where the masters of a cluster are: each has a number, its member of the store a port that follows from it, on
 * loopback where all share a host, else on the address that its host advertises.
 */
import { type AddressPlan, controlPlaneAddress } from "./address_plan.ts";
import { isLoopback, loopback } from "./reach.ts";

/** What the store knows of a member. */
export interface MemberPlace {
  readonly name: string;
  /** `https://host:port`; the first one counts. */
  readonly peerAddresses: readonly string[];
}

const firstPeerPort = 21_000;
const portsOfCluster = 64;
/** Numbers below are for the masters that `up` starts itself. */
const firstJoinedNumber = 8;

export function peerPort(index: number, number: number): number {
  return firstPeerPort + index * portsOfCluster + number;
}

/** `host`: where others come; absent: they share a host. */
export function peerAddress(index: number, number: number, host: string = loopback): string {
  return `https://${host}:${peerPort(index, number)}`;
}

/** The number of the master whose member is reached there; undefined when none is. */
export function masterNumber(index: number, address: string | undefined): number | undefined {
  const number = Number(partsOf(address)?.port ?? NaN) - peerPort(index, 0);
  return number >= 0 && number < portsOfCluster ? number : undefined;
}

/** `https://host:port` of the API servers, each once. `onHost`: whether masters have addresses of the cluster's own. */
export function apiServers(plan: AddressPlan, members: readonly MemberPlace[], onHost: boolean): string[] {
  return [...new Set(masterServers(plan, members, { onHost }).map(({ server }) => server))];
}

/** Each master's API server. `ownHost`: what this host advertises; masters there have addresses that are theirs alone. */
export function masterServers(
  plan: AddressPlan,
  members: readonly MemberPlace[],
  { onHost, ownHost }: { readonly onHost: boolean; readonly ownHost?: string | undefined },
): { readonly name: string; readonly server: string }[] {
  return members.flatMap(({ name, peerAddresses: [address] }) => {
    const number = masterNumber(plan.index, address);
    const host = partsOf(address)?.hostname;
    if (number === undefined || host === undefined) return [];
    const isNear = isLoopback(host) || host === ownHost;
    return [{ name, server: `https://${isNear ? ownAddress(plan, number, onHost) : host}:${plan.apiServerPort}` }];
  });
}

/** An address that is this master's alone on its host: without a network each has one of loopback to itself. */
export function ownAddress(plan: AddressPlan, number: number, onHost: boolean): string {
  return onHost ? controlPlaneAddress(plan, number) : `127.0.${plan.index + 1}.${number + 1}`;
}

export interface JoiningMaster {
  readonly name: string;
  /** Absent: others reach it on this host alone. */
  readonly advertiseAddress?: string | undefined;
}

/** The place of a master that joins, or why there is none for it. */
export function placeForMaster(
  index: number,
  { name, advertiseAddress }: JoiningMaster,
  members: readonly MemberPlace[],
): { readonly number: number; readonly peerAddress: string } | { readonly refused: string } {
  const others = members.filter((each) => each.name !== name);
  const near = others.filter((each) => isLoopback(partsOf(each.peerAddresses[0])?.hostname ?? ""));
  const named = (all: readonly MemberPlace[]) => all.map((each) => `"${each.name}"`).join(", ");
  if (advertiseAddress !== undefined && near.length > 0) {
    return {
      refused: `${named(near)} can be reached on their own host alone; bring that cluster up with --advertise-address`,
    };
  }
  const far = others.filter((each) => !near.includes(each));
  if (advertiseAddress === undefined && far.length > 0) {
    return { refused: `${named(far)} may be on other hosts; say with --advertise-address where they reach it` };
  }
  const taken = others.map(({ peerAddresses: [address] }) => masterNumber(index, address));
  let number = firstJoinedNumber;
  while (taken.includes(number)) number++;
  if (number >= portsOfCluster) return { refused: "there is no room" };
  return { number, peerAddress: peerAddress(index, number, advertiseAddress) };
}

function partsOf(address: string | undefined): URL | undefined {
  return address !== undefined && URL.canParse(address) ? new URL(address) : undefined;
}
