/** From a question's bytes to its answer's: from the table, or from the host's name servers. */
import type { DnsRecord } from "../../machines/dns/dns_record.ts";
import type { DnsZone } from "../../machines/dns/dns_zone.ts";
import { type DnsCodec, messageId, type Query, type Response, type ResponseCode } from "./dns_codec.ts";
import type { Forwarder } from "./forwarder.ts";

export interface DnsCounters {
  questions: number;
  forwarded: number;
  failed: number;
  malformed: number;
}

export class Responder {
  readonly counters: DnsCounters = { questions: 0, forwarded: 0, failed: 0, malformed: 0 };
  /** Turns the order of addresses from answer to answer. */
  #turn = 0;

  constructor(
    readonly codec: DnsCodec,
    readonly zone: DnsZone,
    readonly forwarder: Forwarder,
    readonly isSynced: () => boolean,
  ) {}

  /** Undefined: not worth an answer. Never throws. */
  async respond(bytes: Uint8Array, transport: "udp" | "tcp"): Promise<Uint8Array | undefined> {
    this.counters.questions++;
    let query: Query;
    try {
      query = this.codec.readQuery(bytes);
    } catch {
      this.counters.malformed++;
      return this.#malformed(bytes);
    }
    const refuse = (code: ResponseCode) => this.codec.writeResponse(query, { code, authoritative: false }, transport);
    if (query.opcode !== 0) return refuse("NOTIMP");
    const [question, ...more] = query.questions;
    if (question === undefined || more.length > 0) return refuse("FORMERR");
    try {
      if (!this.zone.isOwn(question.name)) {
        this.counters.forwarded++;
        return await this.forwarder.ask(bytes, transport);
      }
      if (!this.isSynced()) return refuse("SERVFAIL");
      return this.codec.writeResponse(query, await this.#fromZone(question.name, question.type), transport);
    } catch {
      this.counters.failed++; // The asker hears SERVFAIL, tries again, and does not remember it.
      return refuse("SERVFAIL");
    }
  }

  async #fromZone(name: string, type: string): Promise<Response> {
    const answer = this.zone.answer(name, type);
    if (answer.type === "elsewhere") return { code: "REFUSED", authoritative: false };
    const { code, authorities, additionals, chase } = answer;
    const outside = chase === undefined || type === "CNAME" ? [] : await this.#chase(chase, type);
    return {
      code,
      authoritative: true,
      answers: [...this.#turned(answer.answers), ...outside],
      authorities,
      additionals,
    };
  }

  /** The records of a name outside that an alias of the cluster leads to. */
  async #chase(name: string, type: string): Promise<readonly DnsRecord[]> {
    this.counters.forwarded++;
    const response = await this.forwarder.ask(this.codec.writeQuery(1, name, type), "udp");
    return this.codec.readResponse(response).answers;
  }

  #turned(records: readonly DnsRecord[]): readonly DnsRecord[] {
    if (records.length < 2 || records.some(({ type }) => type === "CNAME")) return records;
    const start = this.#turn++ % records.length;
    return [...records.slice(start), ...records.slice(0, start)];
  }

  #malformed(bytes: Uint8Array): Uint8Array | undefined {
    const id = messageId(bytes);
    // Too short to answer, or a response: answering those makes two servers talk forever.
    if (id === undefined || (bytes[2]! & 0x80) !== 0) return undefined;
    const query = { id, opcode: 0, recursionDesired: false, questions: [], udpSize: undefined };
    return this.codec.writeResponse(query, { code: "FORMERR", authoritative: false }, "udp");
  }
}
