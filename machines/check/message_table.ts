/** Messages as small numbers. */
import { mixHigh, mixLow, textLanes } from "./fingerprints.ts";
import { stateKey } from "./state_key.ts";
import type { Envelope, Message, NetworkModel, ProcessModel } from "./system_model.ts";

export class MessageTable {
  readonly all: Message[] = [];
  /** For each message: the receiver's place among the actors. */
  readonly receiver: number[] = [];
  readonly sender: number[] = [];
  /** For each message: its channel's number. */
  readonly channel: number[] = [];
  /** Messages in flight are sorted by it: by channel where the network keeps order, else by message. */
  readonly rank: number[] = [];
  readonly low: number[] = [];
  readonly high: number[] = [];
  readonly ordered: boolean;
  readonly #ids = new Map<string, number>();

  /** For each actor of a process: its first one, whose inbox they share. */
  readonly #inboxes = new Map<number, number>();

  constructor(
    readonly actors: ReadonlyMap<string, number>,
    network: NetworkModel,
    processes: readonly ProcessModel[] = [],
    /** Fingerprints come from what messages are, not from when they were met. */
    readonly byContent = false,
  ) {
    this.ordered = network.order === "ordered";
    for (const { actors: names } of processes) {
      const members = names.map((name) => actors.get(name) ?? -1);
      for (const member of members) this.#inboxes.set(member, members[0]!);
    }
  }

  intern(from: number, envelope: Envelope, fromName: string): number {
    const to = this.actors.get(envelope.to);
    if (to === undefined) throw new Error(`Cannot send "${envelope.event.type}": there is no actor "${envelope.to}"`);
    const key = `${from}>${to}:${envelope.answers ?? ""}${stateKey(envelope.answersParams)}${stateKey(envelope.event)}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.all.length;
      this.#ids.set(key, id);
      this.all.push({ ...envelope, from: fromName });
      this.receiver.push(to);
      this.sender.push(from);
      const inbox = this.#inboxes.get(to);
      const channel = inbox === undefined ? from * this.actors.size + to : inbox * (this.actors.size + 1);
      this.channel.push(channel);
      this.rank.push(this.ordered ? channel : id);
      const [low, high] = this.byContent
        ? textLanes(`message ${key}`)
        : [mixLow(id + 0x40000000), mixHigh(id + 0x40000000)];
      this.low.push(low);
      this.high.push(high);
    }
    return id;
  }
}
