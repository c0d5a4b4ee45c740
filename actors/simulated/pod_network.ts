/** A node's pod network in memory. Links outlive the object that made them, as the kernel's outlive a process. */
import { AddressPool } from "../../machines/network/address_pool.ts";
import type { PodNetwork } from "../../ports/pod_network.ts";

/** What stays when a process is killed: sandboxes and their addresses. */
export class SimulatedLinks {
  readonly wired = new Map<string, { podIP: string; pid: number }>();
}

export class SimulatedPodNetwork implements PodNetwork {
  /** Set to make the next calls fail. */
  failure: Error | undefined;
  readonly #pool: AddressPool;

  constructor(readonly podCidr: string, readonly links = new SimulatedLinks()) {
    this.#pool = new AddressPool(podCidr);
    for (const [id, { podIP }] of links.wired) this.#pool.adopt(id, podIP);
  }

  setUp(): Promise<{ adopted: number; warnings: string[] }> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve({ adopted: this.links.wired.size, warnings: [] });
  }

  tearDown(): Promise<void> {
    for (const id of [...this.links.wired.keys()]) this.#release(id);
    return Promise.resolve();
  }

  attach(sandbox: { id: string; pid: number; podKey: string }): Promise<{ podIP: string }> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    try {
      const podIP = this.#pool.allocate(sandbox.id);
      this.links.wired.set(sandbox.id, { podIP, pid: sandbox.pid });
      return Promise.resolve({ podIP });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  detach(sandboxId: string): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.#release(sandboxId);
    return Promise.resolve();
  }

  list(): Promise<ReadonlyMap<string, { podIP: string }>> {
    return Promise.resolve(new Map([...this.links.wired].map(([id, { podIP }]) => [id, { podIP }])));
  }

  #release(id: string): void {
    this.links.wired.delete(id);
    this.#pool.release(id);
  }
}
