/** When leases run out: the leader's clock decides and proposes; a new leader gives every lease its full time anew. */
import type { Command } from "../../../machines/store/command.ts";
import { Lessor } from "../../../machines/store/lessor.ts";
import type { Outcome } from "../../../machines/store/requests.ts";
import type { Wake } from "../../../ports/clock.ts";
import type { Replica } from "./replica.ts";

export class Leases {
  #lessor: Lessor | undefined;
  #expiry: { readonly at: number; readonly wake: Wake } | undefined;

  constructor(readonly replica: Replica) {}

  /** This member leads from now on. */
  start(): void {
    this.#lessor = new Lessor();
    const now = this.replica.options.clock.now();
    for (const { id, ttlSeconds } of this.replica.loaded.state.leases.all()) this.#lessor.renew(id, ttlSeconds, now);
    this.#arm();
  }

  stop(): void {
    this.#lessor = undefined;
    this.#expiry?.wake.cancel();
    this.#expiry = undefined;
  }

  follow(command: Command, outcome: Outcome): void {
    if (this.#lessor === undefined || outcome.type !== "done") return;
    if (command.type === "grantLease") {
      this.#lessor.renew(command.id, command.ttlSeconds, this.replica.options.clock.now());
      this.#arm();
    } else if (command.type === "revokeLease") this.#lessor.forget(command.id);
    else if (command.type === "expireLeases") { for (const id of command.ids) this.#lessor.forget(id); }
  }

  /** Its time to live in seconds from now on; undefined: it has run out, or this member does not lead. */
  renew(id: number): number | undefined {
    const lease = this.replica.loaded.state.leases.get(id);
    if (lease === undefined || !this.#lessor?.runs(id)) return undefined;
    this.#lessor.renew(id, lease.ttlSeconds, this.replica.options.clock.now());
    return lease.ttlSeconds;
  }

  /** -1: it has run out; undefined: this member does not lead. */
  remainingSeconds(id: number): number | undefined {
    if (this.#lessor === undefined) return undefined;
    const due = this.#lessor.dueAt(id);
    return due === undefined ? -1 : Math.max(0, Math.floor((due - this.replica.options.clock.now()) / 1_000));
  }

  #arm(): void {
    const next = this.#lessor?.nextDue;
    if (next === undefined) return;
    if (this.#expiry !== undefined && this.#expiry.at <= next) return;
    this.#expiry?.wake.cancel();
    this.#expiry = { at: next, wake: this.replica.options.clock.wakeAt(next, () => this.#expire()) };
  }

  #expire(): void {
    this.#expiry = undefined;
    const lessor = this.#lessor;
    if (lessor === undefined) return;
    const { clock } = this.replica.options;
    const ids = lessor.takeExpired(clock.now());
    if (ids.length > 0) {
      const settle = (outcome: Outcome) => {
        // Too much waits, or there is no majority: the leases are looked at again in a second.
        if (outcome.type === "refused") { for (const id of ids) lessor.renew(id, 1, clock.now()); }
        if (lessor === this.#lessor) this.#arm();
      };
      // Only this member, as leader of this term, knows that nobody has kept them alive: the next leader may have.
      this.replica.writes.submit({ type: "expireLeases", ids }, settle, { onlyIn: this.replica.context!.term });
    }
    this.#arm();
  }
}
