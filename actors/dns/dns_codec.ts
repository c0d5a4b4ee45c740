/** DNS messages to bytes and back, through `dns-packet`, which is loaded when the first name server starts. */
import type { DnsRecord } from "../../machines/dns/dns_record.ts";

export interface Question {
  readonly name: string;
  readonly type: string;
  readonly class?: string;
}

/** What is read of a query. */
export interface Query {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  readonly questions: readonly Question[];
  /** The size of UDP answers the asker takes, when it speaks EDNS. */
  readonly udpSize: number | undefined;
}

export type ResponseCode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED";

export interface Response {
  readonly code: ResponseCode;
  readonly authoritative: boolean;
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

interface Packet {
  id?: number;
  type?: "query" | "response";
  flags?: number;
  opcode?: string;
  questions?: Question[];
  answers?: readonly object[];
  authorities?: readonly object[];
  additionals?: readonly object[];
}

interface Decoded extends Omit<Packet, "answers" | "additionals"> {
  answers: DnsRecord[];
  additionals: { type: string; udpPayloadSize?: number }[];
}

interface DnsPacket {
  encode(packet: Packet): Uint8Array;
  decode(bytes: Uint8Array): Decoded;
}

const codes: Record<ResponseCode, number> = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };
const authoritativeAnswer = 1 << 10;
const truncatedResponse = 1 << 9;
const recursionDesired = 1 << 8;
const recursionAvailable = 1 << 7;
/** The largest UDP answer that is sent (DNS flag day 2020), and what an asker without EDNS takes. */
export const largestUdp = 1232;
const plainUdp = 512;

export class DnsCodec {
  constructor(readonly packet: DnsPacket) {}

  static async load(): Promise<DnsCodec> {
    const module = await import("dns-packet") as unknown as { default: DnsPacket };
    // It makes Buffers of whatever it is given.
    const { Buffer } = await import("node:buffer");
    const { encode, decode } = module.default;
    return new DnsCodec({
      encode: (packet) => encode(packet),
      decode: (bytes) => decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    });
  }

  /** @throws Error when it is no DNS query. */
  readQuery(bytes: Uint8Array): Query {
    const { id = 0, questions = [], additionals, flags = 0, type } = this.packet.decode(bytes);
    if (type !== "query") throw new Error("Cannot read DNS query: it is a response");
    const edns = additionals.find((record) => record.type === "OPT");
    return {
      id,
      opcode: (flags >> 11) & 15,
      recursionDesired: (flags & recursionDesired) !== 0,
      questions,
      udpSize: edns === undefined ? undefined : Math.max(plainUdp, edns.udpPayloadSize ?? plainUdp),
    };
  }

  /** The answer to a query. Over UDP it is cut to what the asker takes and marked, so that it asks again over TCP. */
  writeResponse(query: Query, response: Response, transport: "udp" | "tcp"): Uint8Array {
    const { code, authoritative, answers = [], authorities = [], additionals = [] } = response;
    const flags = codes[code] | recursionAvailable | (authoritative ? authoritativeAnswer : 0) |
      (query.recursionDesired ? recursionDesired : 0) | (query.opcode << 11);
    const edns = query.udpSize === undefined
      ? []
      : [{ name: ".", type: "OPT", udpPayloadSize: largestUdp, options: [] }];
    const packet: Packet = {
      id: query.id,
      type: "response",
      flags,
      questions: [...query.questions],
      answers: answers.map(spelledAsAsked(query)),
      authorities,
      additionals: [...additionals, ...edns],
    };
    const whole = this.packet.encode(packet);
    const limit = transport === "tcp" ? 65_535 : Math.min(largestUdp, query.udpSize ?? plainUdp);
    if (whole.length <= limit) return whole;
    const bare = this.packet.encode({ ...packet, additionals: edns });
    if (bare.length <= limit) return bare;
    return this.packet.encode({
      ...packet,
      flags: flags | truncatedResponse,
      answers: [],
      authorities: [],
      additionals: edns,
    });
  }

  writeQuery(id: number, name: string, type: string): Uint8Array {
    return this.packet.encode({ id, type: "query", flags: recursionDesired, questions: [{ name, type, class: "IN" }] });
  }

  /** The code and the answers of a response. */
  readResponse(bytes: Uint8Array): { code: number; answers: DnsRecord[] } {
    const { flags = 0, answers } = this.packet.decode(bytes);
    return { code: flags & 15, answers };
  }
}

/** Askers that mix upper and lower case at random expect their own spelling back. */
function spelledAsAsked({ questions }: Query): (record: DnsRecord) => DnsRecord {
  const asked = questions[0]?.name ?? "";
  const lower = asked.toLowerCase();
  return (record) => record.name === lower ? { ...record, name: asked } : record;
}

/** The id of a message, without reading the rest; undefined when it is too short to be one. */
export function messageId(bytes: Uint8Array): number | undefined {
  return bytes.length < 12 ? undefined : bytes[0]! << 8 | bytes[1]!;
}

export function withId(bytes: Uint8Array, id: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  copy[0] = id >> 8;
  copy[1] = id & 255;
  return copy;
}
