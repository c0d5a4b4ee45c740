/**
 * The cluster's domain as a table of records, and the answer to any question.
 *
 * A name that has records or names below it exists: asked for another type it is answered without data, never with
 * NXDOMAIN, which resolvers remember for every type (RFC 2308, RFC 8020).
 */
import { inCidr, isAddress } from "../network/cidr.ts";
import type { EndpointSlice, Service } from "../objects/object.ts";
import { canonicalName, type DnsAnswer, type DnsRecord, reversedAddress } from "./dns_record.ts";
import { type DnsZoneOptions, serviceRecords } from "./service_records.ts";

export interface ClusterZoneOptions extends DnsZoneOptions {
  /** The name server's own address, the ClusterIP of kube-dns. */
  readonly address: string;
  /** Ranges whose reverse names are the cluster's. */
  readonly reverseCidrs: readonly string[];
}

/** Aliases of services may lead to aliases of services; nobody means more than this. */
const longestChain = 8;

export class DnsZone {
  readonly #options: ClusterZoneOptions;
  readonly #domain: string;
  readonly #byOwner = new Map<string, readonly DnsRecord[]>();
  readonly #byName = new Map<string, DnsRecord[]>();
  /** How many records there are at and below each name. */
  readonly #weights = new Map<string, number>();
  #serial = 1;

  constructor(options: ClusterZoneOptions) {
    this.#options = options;
    this.#domain = canonicalName(options.domain);
    const { ttl, address } = options;
    const nameServer = `ns.dns.${this.#domain}`;
    this.#replace("", [
      { name: this.#domain, ttl, type: "NS", data: nameServer },
      { name: nameServer, ttl, type: "A", data: address },
      { name: `dns-version.${this.#domain}`, ttl, type: "TXT", data: "1.1.0" },
    ]);
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Replaces a service's records; undefined removes them. */
  replaceService(key: string, service: Service | undefined, slices: readonly EndpointSlice[]): void {
    const { ttl } = this.#options;
    const records = service === undefined ? [] : serviceRecords(service, slices, { domain: this.#domain, ttl });
    this.#replace(key, records);
    this.#serial = this.#serial % 0xffff_ffff + 1;
  }

  /** Whether the name is the cluster's to answer. */
  isOwn(name: string): boolean {
    const canonical = canonicalName(name);
    if (canonical === this.#domain || canonical.endsWith(`.${this.#domain}`)) return true;
    const address = reversedAddress(canonical);
    return address !== undefined && this.#options.reverseCidrs.some((range) => inCidr(range, address));
  }

  /** `type` as DNS writes it: "A", "SRV", "ANY" ... Names in the answer are in lower case. */
  answer(name: string, type: string): DnsAnswer {
    if (!this.isOwn(name)) return { type: "elsewhere" };
    const chain: DnsRecord[] = [];
    let current = canonicalName(name);
    while (chain.length < longestChain) {
      const found = this.#lookUp(current, type);
      const alias = found?.find((record) => record.type === "CNAME");
      if (found !== undefined && (alias === undefined || type === "CNAME" || type === "ANY")) {
        return this.#with([...chain, ...found]);
      }
      if (alias === undefined) {
        // An alias that leads nowhere in the cluster is still an answer.
        return this.#without(chain, this.#exists(current) ? "NOERROR" : "NXDOMAIN");
      }
      chain.push(alias);
      current = canonicalName(alias.data as string);
      if (!this.isOwn(current)) return { ...this.#with(chain), chase: current };
    }
    return this.#without([], "SERVFAIL");
  }

  /** Records of the type, or the alias in their place; undefined when there are none. */
  #lookUp(name: string, type: string): DnsRecord[] | undefined {
    const records = this.#byName.get(name) ?? this.#podRecords(name);
    if (name === this.#domain && type === "SOA") return [this.#authority()];
    const found = records.filter((record) => type === "ANY" || record.type === type || record.type === "CNAME");
    return found.length === 0 ? undefined : found;
  }

  #exists(name: string): boolean {
    return this.#weights.has(name) || name === `pod.${this.#domain}` || this.#podRecords(name).length > 0;
  }

  /** `1-2-3-4.NAMESPACE.pod.DOMAIN` means 1.2.3.4, whoever asks (what CoreDNS calls "pods insecure"). */
  #podRecords(name: string): DnsRecord[] {
    const suffix = `.pod.${this.#domain}`;
    if (!name.endsWith(suffix)) return [];
    const [label = "", namespace, ...more] = name.slice(0, -suffix.length).split(".");
    const address = label.replaceAll("-", ".");
    if (namespace === undefined || more.length > 0 || !isAddress(address)) return [];
    return [{ name, ttl: this.#options.ttl, type: "A", data: address }];
  }

  #with(answers: readonly DnsRecord[]): DnsAnswer & { type: "answer" } {
    const targets = new Set(answers.flatMap((record) => record.type === "SRV" ? [record.data.target] : []));
    const additionals = [...targets].flatMap((target) =>
      (this.#byName.get(target) ?? []).filter(({ type }) => type === "A" || type === "AAAA")
    );
    return { type: "answer", code: "NOERROR", answers, authorities: [], additionals };
  }

  #without(answers: readonly DnsRecord[], code: "NOERROR" | "NXDOMAIN" | "SERVFAIL"): DnsAnswer {
    const authorities = code === "SERVFAIL" ? [] : [this.#authority()];
    return { type: "answer", code, answers, authorities, additionals: [] };
  }

  #authority(): DnsRecord {
    const { ttl } = this.#options;
    return {
      name: this.#domain,
      ttl,
      type: "SOA",
      data: {
        mname: `ns.dns.${this.#domain}`,
        rname: `hostmaster.${this.#domain}`,
        serial: this.#serial,
        refresh: 7200,
        retry: 1800,
        expire: 86_400,
        minimum: ttl,
      },
    };
  }

  #replace(owner: string, records: readonly DnsRecord[]): void {
    for (const record of this.#byOwner.get(owner) ?? []) {
      const left = this.#byName.get(record.name)?.filter((each) => each !== record) ?? [];
      if (left.length === 0) this.#byName.delete(record.name);
      else this.#byName.set(record.name, left);
      this.#weigh(record.name, -1);
    }
    if (records.length === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, records);
    for (const record of records) {
      const there = this.#byName.get(record.name);
      if (there === undefined) this.#byName.set(record.name, [record]);
      else there.push(record);
      this.#weigh(record.name, 1);
    }
  }

  #weigh(name: string, change: number): void {
    for (let at = name;;) {
      const weight = (this.#weights.get(at) ?? 0) + change;
      if (weight === 0) this.#weights.delete(at);
      else this.#weights.set(at, weight);
      const dot = at.indexOf(".");
      if (dot < 0) return;
      at = at.slice(dot + 1);
    }
  }
}
