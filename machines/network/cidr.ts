/** IPv4 addresses as numbers, and ranges of them. */

export interface Cidr {
  readonly first: number;
  readonly last: number;
  /** Bits of the network part. */
  readonly prefix: number;
}

/** @throws Error when it is no dotted IPv4 address. */
export function parseAddress(text: string): number {
  const parts = text.split(".");
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return refuse(text);
    value = value * 256 + Number(part);
  }
  return parts.length === 4 ? value : refuse(text);
}

function refuse(text: string): never {
  throw new Error(`Cannot read IPv4 address: "${text}" is not four numbers from 0 to 255`);
}

/** Whether it is a dotted IPv4 address. */
export function isAddress(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** Whether it is a range, `address/bits`, or an address. */
export function isRange(text: string): boolean {
  const [address = "", bits = "32", ...rest] = text.split("/");
  return rest.length === 0 && isAddress(address) && /^\d{1,2}$/.test(bits) && Number(bits) <= 32;
}

export function formatAddress(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
}

/**
 * A range as `address/bits`; a bare address is a range of one. Bits behind the prefix are dropped.
 *
 * @throws Error when it is none.
 */
export function parseCidr(text: string): Cidr {
  const [address = "", bits = "32", ...rest] = text.split("/");
  const prefix = Number(bits);
  if (rest.length > 0 || !/^\d{1,2}$/.test(bits) || prefix > 32) {
    throw new Error(`Cannot read IPv4 range: "${text}" has no prefix length from 0 to 32`);
  }
  const size = 2 ** (32 - prefix);
  const first = Math.floor(parseAddress(address) / size) * size;
  return { first, last: first + size - 1, prefix };
}

export function formatCidr({ first, prefix }: Cidr): string {
  return `${formatAddress(first)}/${prefix}`;
}

export function contains(range: Cidr, address: number): boolean {
  return address >= range.first && address <= range.last;
}

/** Whether a range, given as text, holds an address, given as text. What is no IPv4 address is in no range. */
export function inCidr(range: string, address: string): boolean {
  return isAddress(address) && contains(parseCidr(range), parseAddress(address));
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.first <= b.last && b.first <= a.last;
}
