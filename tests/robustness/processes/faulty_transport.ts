/** A transport that loses, doubles and delays what it is given to send, and does not hear whom it is not to hear. */
import type { Clock } from "../../../ports/clock.ts";
import type { Transport, TransportReceiver } from "../../../ports/transport.ts";
import { calm, type NetworkFaults } from "../stage.ts";

export interface LinkFaults extends NetworkFaults {
  /** Members from whom nothing arrives. */
  readonly deafTo: readonly string[];
}

export const noLinkFaults: LinkFaults = { ...calm, deafTo: [] };

export class FaultyTransport implements Transport {
  readonly self: string;

  constructor(readonly inner: Transport, readonly clock: Clock, private faults: LinkFaults) {
    this.self = inner.self;
  }

  set(faults: LinkFaults): void {
    this.faults = faults;
  }

  send(to: string, message: Uint8Array): void {
    const { loss, duplication } = this.faults;
    if (loss > 0 && Math.random() < loss) return;
    this.#sendLater(to, message);
    if (duplication > 0 && Math.random() < duplication) this.#sendLater(to, message);
  }

  listen(receiver: TransportReceiver): void {
    this.inner.listen({
      received: (from, message) => {
        if (!this.faults.deafTo.includes(from)) receiver.received(from, message);
      },
      unreachable: (peer) => receiver.unreachable?.(peer),
    });
  }

  setPeers(peers: Parameters<Transport["setPeers"]>[0]): void {
    this.inner.setPeers(peers);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #sendLater(to: string, message: Uint8Array): void {
    const [least, most] = this.faults.delayMs;
    if (most === 0) return this.inner.send(to, message);
    const delay = least + Math.random() * (most - least);
    this.clock.wakeAt(this.clock.now() + delay, () => this.inner.send(to, message));
  }
}
