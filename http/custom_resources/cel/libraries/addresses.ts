/** URLs, IP addresses and CIDRs (k8s.io/apiserver cel/library: url, ip, cidr). */
import { BlockList, isIP } from "node:net";
import { fail, type Library } from "./library.ts";

export class Url {
  constructor(readonly url: URL, readonly text: string) {}
}

export class Ip {
  constructor(readonly text: string) {}
  get family(): 4 | 6 {
    return isIP(this.text) as 4 | 6;
  }
}

export class Cidr {
  constructor(readonly address: string, readonly length: number) {}
}

class IpFunctions {}

function parseUrl(text: string): Url | undefined {
  // Absolute URLs, and paths that begin with a slash.
  if (text.startsWith("/")) return URL.canParse(text, "none://") ? new Url(new URL(text, "none://"), text) : undefined;
  return URL.canParse(text) ? new Url(new URL(text), text) : undefined;
}

const isAbsolute = ({ text }: Url): boolean => !text.startsWith("/");
const familyName = (version: 4 | 6) => version === 4 ? "ipv4" as const : "ipv6" as const;
const isWrittenPlainly = (text: string): boolean => isIP(text) !== 0 && !text.includes("%") && !/^::ffff:/i.test(text);

function ip(text: string): Ip {
  return isWrittenPlainly(text)
    ? new Ip(canonical(text))
    : fail(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
}

function canonical(text: string): string {
  return isIP(text) === 6 ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
}

function parseCidr(text: string): Cidr | undefined {
  const [address = "", bits = "", ...more] = text.split("/");
  const most = isIP(address) === 4 ? 32 : 128;
  const fits = more.length === 0 && isWrittenPlainly(address) && /^(0|[1-9]\d*)$/.test(bits) && Number(bits) <= most;
  return fits ? new Cidr(canonical(address), Number(bits)) : undefined;
}

function cidr(text: string): Cidr {
  return parseCidr(text) ?? fail(`network address parse error during conversion from string: ${text}`);
}

function isWithin({ address, length }: Cidr, text: string): boolean {
  if (isIP(address) !== isIP(text)) return false;
  const block = new BlockList();
  block.addSubnet(address, length, familyName(isIP(address) as 4 | 6));
  return block.check(text, familyName(isIP(text) as 4 | 6));
}

/** The address with the bits behind the prefix cleared. */
function masked({ address, length }: Cidr): Cidr {
  if (isIP(address) === 4) {
    const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    const kept = length === 0 ? 0 : Math.floor(value / 2 ** (32 - length)) * 2 ** (32 - length);
    return new Cidr([24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join("."), length);
  }
  const shift = BigInt(128 - length);
  const kept = (groupsOf(address).reduce((sum, group) => sum << 16n | BigInt(group), 0n) >> shift) << shift;
  const groups = Array.from({ length: 8 }, (_, index) => (kept >> BigInt(112 - index * 16) & 0xffffn).toString(16));
  return new Cidr(canonical(groups.join(":")), length);
}

function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const numbers = (part: string) => part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const [first, last] = [numbers(head), numbers(tail ?? "")];
  return tail === undefined ? first : [...first, ...Array(8 - first.length - last.length).fill(0), ...last];
}

const startsIn = (address: string, ...blocks: string[]): boolean =>
  blocks.some((block) => isWithin(cidr(block), address));

const url = "kubernetes.URL", address = "net.IP", block = "net.CIDR";

export const addresses: Library = {
  types: { [url]: Url, [address]: Ip, [block]: Cidr },
  // `ip` is a function and the name that isCanonical stands under; the parser tells them apart.
  namespaces: { ip: new IpFunctions() },
  functions: {
    [`url(string): ${url}`]: (text: string) =>
      parseUrl(text) ?? fail(`URL parse error during conversion from string: ${text}`),
    "isURL(string): bool": (text: string) => parseUrl(text) !== undefined,
    [`${url}.getScheme(): string`]: (given: Url) => isAbsolute(given) ? given.url.protocol.slice(0, -1) : "",
    [`${url}.getHost(): string`]: (given: Url) => isAbsolute(given) ? given.url.host : "",
    [`${url}.getHostname(): string`]: (given: Url) =>
      isAbsolute(given) ? given.url.hostname.replace(/^\[|\]$/g, "") : "",
    [`${url}.getPort(): string`]: (given: Url) => given.url.port,
    [`${url}.getEscapedPath(): string`]: ({ url, text }: Url) =>
      url.pathname === "/" && !/\/($|\?)/.test(text.replace(/^\w+:\/\//, "")) ? "" : url.pathname,
    [`${url}.getQuery(): map<string, list<string>>`]: (given: Url) =>
      Object.fromEntries(
        [...new Set(given.url.searchParams.keys())].map((name) => [name, given.url.searchParams.getAll(name)]),
      ),
    [`ip(string): ${address}`]: ip,
    "isIP(string): bool": isWrittenPlainly,
    "IpFunctions.isCanonical(string): bool": (_, text: string) => ip(text).text === text,
    [`${address}.family(): int`]: ({ family }: Ip) => BigInt(family),
    [`${address}.isUnspecified(): bool`]: ({ text }: Ip) => text === "0.0.0.0" || text === "::",
    [`${address}.isLoopback(): bool`]: ({ text }: Ip) => startsIn(text, "127.0.0.0/8", "::1/128"),
    [`${address}.isLinkLocalMulticast(): bool`]: ({ text }: Ip) =>
      startsIn(text, "224.0.0.0/24") || /^ff[0-9a-f]2:/.test(text),
    [`${address}.isLinkLocalUnicast(): bool`]: ({ text }: Ip) => startsIn(text, "169.254.0.0/16", "fe80::/10"),
    [`${address}.isGlobalUnicast(): bool`]: ({ text }: Ip) =>
      text !== "255.255.255.255" && text !== "0.0.0.0" && text !== "::" &&
      !startsIn(text, "127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8"),
    [`cidr(string): ${block}`]: cidr,
    "isCIDR(string): bool": (text: string) => parseCidr(text) !== undefined,
    [`${block}.containsIP(string): bool`]: (given: Cidr, text: string) => isWithin(given, ip(text).text),
    [`${block}.containsIP(${address}): bool`]: (given: Cidr, { text }: Ip) => isWithin(given, text),
    [`${block}.containsCIDR(string): bool`]: (given: Cidr, text: string) => contains(given, cidr(text)),
    [`${block}.containsCIDR(${block}): bool`]: contains,
    [`${block}.ip(): ${address}`]: (given: Cidr) => new Ip(given.address),
    [`${block}.masked(): ${block}`]: masked,
    [`${block}.prefixLength(): int`]: ({ length }: Cidr) => BigInt(length),
    [`string(${address}): string`]: ({ text }: Ip) => text,
    [`string(${block}): string`]: ({ address, length }: Cidr) => `${address}/${length}`,
  },
};

function contains(outer: Cidr, inner: Cidr): boolean {
  return inner.length >= outer.length && isWithin(outer, inner.address);
}
