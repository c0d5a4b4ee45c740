/** IP addresses and ranges, read strictly. */
import type { FieldError } from "../../machinery/types.ts";
import { invalid, type Path } from "./field.ts";

const octet = /^(0|[1-9]\d{0,2})$/;

function parseIPv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!octet.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parseIPv6(text: string): bigint | undefined {
  let source = text;
  const lastColon = source.lastIndexOf(":");
  if (source.includes(".")) {
    const tail = parseIPv4(source.slice(lastColon + 1));
    if (tail === undefined) return undefined;
    source = `${source.slice(0, lastColon + 1)}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  }
  const halves = source.split("::");
  if (halves.length > 2) return undefined;
  const groups = (half: string): string[] => half === "" ? [] : half.split(":");
  const head = groups(halves[0] ?? "");
  const tail = halves.length === 2 ? groups(halves[1] ?? "") : [];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  let value = 0n;
  for (const group of [...head, ...new Array<string>(Math.max(missing, 0)).fill("0"), ...tail]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return value;
}

export interface Address {
  readonly family: "IPv4" | "IPv6";
  readonly value: bigint;
}

export function parseAddress(text: string): Address | undefined {
  const v4 = parseIPv4(text);
  if (v4 !== undefined) return { family: "IPv4", value: v4 };
  if (!text.includes(":")) return undefined;
  const v6 = parseIPv6(text);
  return v6 === undefined ? undefined : { family: "IPv6", value: v6 };
}

export interface Range extends Address {
  readonly bits: number;
}

export function parseRange(text: string): Range | undefined {
  const slash = text.indexOf("/");
  const address = slash < 0 ? undefined : parseAddress(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9]\d*)$/.test(bits)) return undefined;
  return Number(bits) > widthOf(address) ? undefined : { ...address, bits: Number(bits) };
}

function widthOf(address: Address): number {
  return address.family === "IPv4" ? 32 : 128;
}

/** The address of the range with the host's bits cleared. */
export function networkOf(range: Range): bigint {
  const hostBits = BigInt(widthOf(range) - range.bits);
  return (range.value >> hostBits) << hostBits;
}

export function contains(range: Range, inner: Range): boolean {
  if (range.family !== inner.family || inner.bits < range.bits) return false;
  const hostBits = BigInt(widthOf(range) - range.bits);
  return range.value >> hostBits === inner.value >> hostBits;
}

/** RFC 5952 text. */
export function formatAddress({ family, value }: Address): string {
  if (family === "IPv4") return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}

const ipText = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const cidrText = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

export function validateIP(value: string, at: Path): FieldError[] {
  return parseAddress(value) === undefined ? [invalid(at, value, ipText)] : [];
}

export function validateCIDR(value: string, at: Path): FieldError[] {
  return parseRange(value) === undefined ? [invalid(at, value, cidrText)] : [];
}

/** Addresses that nobody outside the host or link could reach. */
export function validateReachableIP(value: string, at: Path): FieldError[] {
  const address = parseAddress(value);
  if (address === undefined) return [];
  const { family, value: number } = address;
  const texts: string[] = [];
  const v4 = (bits: number, prefix: number): boolean =>
    family === "IPv4" && number >> BigInt(32 - bits) === BigInt(prefix);
  const v6 = (bits: number, prefix: bigint): boolean => family === "IPv6" && number >> BigInt(128 - bits) === prefix;
  if (number === 0n) texts.push(`may not be unspecified (0.0.0.0 or ::)`);
  if (v4(8, 127) || (family === "IPv6" && number === 1n)) {
    texts.push("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  }
  if (v4(16, 0xa9fe) || v6(10, 0x3fan)) texts.push("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (v4(24, 0xe00000) || v6(16, 0xff02n)) {
    texts.push("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
  return texts.map((detail) => invalid(at, value, detail));
}
