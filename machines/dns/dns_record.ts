/** DNS as data: records, answers, and the names of addresses. */
import { isAddress } from "../network/cidr.ts";

export type DnsRecord =
  & { readonly name: string; readonly ttl: number }
  & (
    | { readonly type: "A" | "AAAA" | "CNAME" | "PTR" | "NS" | "TXT"; readonly data: string }
    | {
      readonly type: "SRV";
      readonly data: {
        readonly priority: number;
        readonly weight: number;
        readonly port: number;
        readonly target: string;
      };
    }
    | {
      readonly type: "SOA";
      readonly data: {
        readonly mname: string;
        readonly rname: string;
        readonly serial: number;
        readonly refresh: number;
        readonly retry: number;
        readonly expire: number;
        readonly minimum: number;
      };
    }
  );

export type DnsAnswer =
  /** Not a name of the cluster: somebody else has to be asked. */
  | { readonly type: "elsewhere" }
  | {
    readonly type: "answer";
    readonly code: "NOERROR" | "NXDOMAIN" | "SERVFAIL";
    readonly answers: readonly DnsRecord[];
    readonly authorities: readonly DnsRecord[];
    readonly additionals: readonly DnsRecord[];
    /** An alias leads to this name outside the cluster, whose records are to follow. */
    readonly chase?: string;
  };

/** `4.3.2.1.in-addr.arpa` of 1.2.3.4. */
export function reverseName(address: string): string {
  return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
}

/** The address a reverse name stands for, if it stands for a whole IPv4 address. */
export function reversedAddress(name: string): string | undefined {
  const labels = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name)?.[1];
  if (labels === undefined) return undefined;
  const address = labels.slice(0, -1).split(".").reverse().join(".");
  return isAddress(address) ? address : undefined;
}

/** As names are compared: lower case, no dot at the end. */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}
