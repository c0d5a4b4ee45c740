/** What this member says to others and hears from them: messages of the log, and calls that are answered or not. */
import { MalformedBytes } from "../../../machines/raft/bytes.ts";
import type { MemberId } from "../../../machines/raft/entry.ts";
import type { Message } from "../../../machines/raft/message.ts";
import { endpointOf, type MemberRecord } from "../../../machines/raft/roster.ts";
import { decodePeerMessage, encodePeerMessage, type PeerMessage } from "../../../machines/store/peer_message.ts";
import type { Wake } from "../../../ports/clock.ts";
import type { Transport } from "../../../ports/transport.ts";
import { firstOfLife } from "./first_of_life.ts";
import { bytesCarriedBy, carryPayload } from "./payloads.ts";
import type { Replica } from "./replica.ts";

export interface Reply {
  readonly head: unknown;
  readonly blobs: readonly Uint8Array[];
}

type CallHandler = (from: MemberId, head: unknown, blobs: readonly Uint8Array[]) => Promise<unknown> | unknown;

/** A call without a reply is given up. */
const callTimeoutMs = 2_000;

export class PeerLink {
  readonly counters = { malformed: 0, strangers: 0 };
  readonly handlers = new Map<string, CallHandler>();
  #open = new Map<number, { readonly resolve: (reply: Reply | undefined) => void; readonly wake: Wake }>();
  #calls: number;
  #records = new Map<MemberId, MemberRecord>();
  #isOpen = false;

  constructor(readonly replica: Replica, readonly transport: Transport | undefined) {
    this.#calls = firstOfLife(replica.options.random);
  }

  open(): void {
    this.#isOpen = true;
    this.transport?.listen({
      received: (from, bytes) => this.#received(from, bytes),
      unreachable: (peer) => {
        const id = [...this.#records.values()].find(({ name }) => name === peer)?.id;
        if (id !== undefined) this.replica.raft?.send({ type: "connection.lost", peer: id });
      },
    });
  }

  /** Nothing is said or heard any more. */
  async close(): Promise<void> {
    this.#isOpen = false;
    for (const [id, { resolve, wake }] of this.#open) {
      this.#open.delete(id);
      wake.cancel();
      resolve(undefined);
    }
    await this.transport?.close();
  }

  /** Everybody that may be spoken to. */
  know(records: Iterable<MemberRecord>): void {
    const { identity } = this.replica.loaded;
    this.#records = new Map([...records].map((record) => [record.id, record]));
    const peers = new Map<string, { host: string; port: number }>();
    for (const { id, name, peerAddresses } of this.#records.values()) {
      const endpoint = endpointOf(peerAddresses[0]);
      if (id !== identity.member && name !== "" && endpoint !== undefined) peers.set(name, endpoint);
    }
    this.transport?.setPeers(peers);
  }

  /** Everybody else that may be spoken to. */
  get others(): MemberId[] {
    return [...this.#records.keys()].filter((id) => id !== this.replica.loaded.identity.member);
  }

  sendRaft(messages: readonly Message[]): void {
    for (const message of messages) {
      const entries = message.type === "append.requested" ? message.entries : [];
      const carried = entries.map(bytesCarriedBy);
      this.#send(message.to, { kind: "raft", message, payloads: carried });
    }
  }

  /** Nothing: no reply came in time, and what was asked may have happened or not. */
  call(to: MemberId, name: string, head: unknown, blobs: readonly Uint8Array[] = [], timeoutMs = callTimeoutMs) {
    const { clock } = this.replica.options;
    const id = ++this.#calls;
    return new Promise<Reply | undefined>((resolve) => {
      if (!this.#isOpen) return resolve(undefined);
      const wake = clock.wakeAt(clock.now() + timeoutMs, () => {
        this.#open.delete(id);
        resolve(undefined);
      });
      this.#open.set(id, { resolve, wake });
      this.#send(to, { kind: "call", id, name, head, blobs });
    });
  }

  #send(to: MemberId, said: PeerMessage): void {
    const name = this.#records.get(to)?.name;
    if (!this.#isOpen || name === undefined || name === "") return;
    const { member: from, cluster } = this.replica.loaded.identity;
    this.transport?.send(name, encodePeerMessage({ cluster, from }, said));
  }

  #received(name: string, bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    let message: ReturnType<typeof decodePeerMessage>;
    try {
      message = decodePeerMessage(bytes);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      this.counters.malformed++;
      return;
    }
    const { cluster, from, said } = message;
    const record = this.#records.get(from);
    // Of another cluster, removed, or somebody who speaks for another. Whoever has no name yet may say what it is.
    const isOwnName = record?.name === name ||
      (record?.name === "" && said.kind === "call" && said.name === "announce" && announcedName(said.head) === name);
    if (cluster !== this.replica.loaded.identity.cluster || record === undefined || !isOwnName) {
      this.counters.strangers++;
      return;
    }
    if (said.kind === "raft") this.#heard(from, said.message, said.payloads);
    else if (said.kind === "reply") this.#replied(said.id, { head: said.head, blobs: said.blobs });
    else this.#called(from, said);
  }

  #heard(from: MemberId, message: Message, payloads: readonly Uint8Array[]): void {
    const { replica } = this;
    // A snapshot is offered by the transfer that has brought its bytes.
    if (message.from !== from || message.to !== replica.loaded.identity.member) return;
    if (message.type === "snapshot.offered") return;
    if ((message.type === "preVote.requested" || message.type === "vote.requested") && replica.roster.isGone(from)) {
      return void this.call(from, "gone", {}, [], 1);
    }
    if (message.type === "append.requested") {
      for (const [at, entry] of message.entries.entries()) carryPayload(entry, payloads[at]!);
    }
    replica.raft?.send(message);
  }

  #replied(id: number, reply: Reply): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    open.wake.cancel();
    open.resolve(reply);
  }

  #called(from: MemberId, { id, name, head, blobs }: Extract<PeerMessage, { kind: "call" }>): void {
    const handler = this.handlers.get(name);
    if (handler === undefined) return;
    const reply = (answer: unknown) => {
      if (answer !== undefined) this.#send(from, { kind: "reply", id, head: answer, blobs: [] });
    };
    const answer = handler(from, head, blobs);
    if (answer instanceof Promise) {
      answer.then(reply, (error) => reply({ error: error instanceof Error ? error.message : String(error) }));
    } else reply(answer);
  }
}

function announcedName(head: unknown): string | undefined {
  return (head as { record?: { name?: string } } | undefined)?.record?.name;
}
