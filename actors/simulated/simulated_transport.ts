import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Transport, TransportReceiver } from "../../ports/transport.ts";

/** What the simulated network does to messages. Chances are in [0, 1]. */
export interface NetworkFaults {
  readonly loss: number;
  readonly duplication: number;
  /** Drawn evenly for each message; unequal bounds put messages out of order. */
  readonly delayMs: readonly [least: number, most: number];
}

export const soundNetwork: NetworkFaults = { loss: 0, duplication: 0, delayMs: [1, 1] };

/** A network in memory under one seed: every loss, delay and duplicate is a draw of `random`. */
export class SimulatedNetwork {
  readonly counters = { sent: 0, delivered: 0, lost: 0, duplicated: 0 };
  #members = new Map<string, Member>();
  /** Links that are cut, as "from to". */
  #cut = new Set<string>();
  #faults: NetworkFaults;

  constructor(readonly clock: Clock, readonly random: Random, faults: Partial<NetworkFaults> = {}) {
    this.#faults = { ...soundNetwork, ...faults };
  }

  /**
   * A member's place on the network; a name that was closed may join again.
   *
   * @throws Error when the name is taken.
   */
  join(name: string): Transport {
    if (this.#members.has(name)) throw new Error(`Cannot join network: "${name}" is there already`);
    const member = new Member(name, this);
    this.#members.set(name, member);
    return member;
  }

  setFaults(faults: Partial<NetworkFaults>): void {
    this.#faults = { ...this.#faults, ...faults };
  }

  /** Only members of one group reach each other from now on; who is in no group is alone. Undone by `heal`. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#cut.clear();
    const groupOf = (name: string) => groups.findIndex((group) => group.includes(name));
    for (const from of this.#members.keys()) {
      for (const to of this.#members.keys()) {
        if (from !== to && (groupOf(from) < 0 || groupOf(from) !== groupOf(to))) this.cut(from, to);
      }
    }
  }

  /** Cuts one direction. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from} ${to}`);
  }

  /** Undoes `cut`. */
  mend(from: string, to: string): void {
    this.#cut.delete(`${from} ${to}`);
  }

  heal(): void {
    this.#cut.clear();
  }

  /** For members: puts a message on its way. */
  carry(from: Member, to: string, message: Uint8Array): void {
    this.counters.sent++;
    const { loss, duplication } = this.#faults;
    if (!this.#members.has(to) || this.#isCut(from.self, to)) {
      this.counters.lost++;
      this.clock.wakeAt(this.clock.now() + this.#delay(), () => from.receiver?.unreachable?.(to));
      return;
    }
    if (loss > 0 && this.random.next() < loss) {
      this.counters.lost++;
      return;
    }
    this.#deliverLater(from.self, to, message);
    if (duplication > 0 && this.random.next() < duplication) {
      this.counters.duplicated++;
      this.#deliverLater(from.self, to, message);
    }
  }

  leave(member: Member): void {
    if (this.#members.get(member.self) === member) this.#members.delete(member.self);
  }

  #deliverLater(from: string, to: string, message: Uint8Array): void {
    const target = this.#members.get(to);
    this.clock.wakeAt(this.clock.now() + this.#delay(), () => {
      // Who joined again under the name is another process: what was under way to its forerunner is lost.
      const receiver = this.#members.get(to) === target && !this.#isCut(from, to) ? target?.receiver : undefined;
      if (receiver === undefined) {
        this.counters.lost++;
        return;
      }
      this.counters.delivered++;
      receiver.received(from, message);
    });
  }

  #delay(): number {
    const [least, most] = this.#faults.delayMs;
    return least === most ? least : least + this.random.next() * (most - least);
  }

  #isCut(from: string, to: string): boolean {
    return this.#cut.has(`${from} ${to}`);
  }
}

class Member implements Transport {
  receiver: TransportReceiver | undefined;
  /** Undefined until it is told: everybody. */
  #peers: ReadonlySet<string> | undefined;
  #closed = false;

  constructor(readonly self: string, readonly network: SimulatedNetwork) {}

  send(to: string, message: Uint8Array): void {
    if (this.#closed) return;
    if (this.#peers !== undefined && !this.#peers.has(to)) {
      this.network.counters.lost++;
      this.network.clock.soon(() => this.receiver?.unreachable?.(to));
      return;
    }
    this.network.carry(this, to, message);
  }

  listen(receiver: TransportReceiver): void {
    if (!this.#closed) this.receiver = receiver;
  }

  setPeers(peers: ReadonlyMap<string, unknown>): void {
    this.#peers = new Set(peers.keys());
  }

  close(): Promise<void> {
    this.#closed = true;
    this.receiver = undefined;
    this.network.leave(this);
    return Promise.resolve();
  }
}
