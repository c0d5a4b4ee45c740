/** Looks after a node's network and offers it to the node's kubelet. */
import { nodeNetworkMachine } from "../../machines/network/node_network_machine.ts";
import type { PodNetwork } from "../../ports/pod_network.ts";
import { type ActorHandle, actorKind, type ActorSystem, type Address, address } from "../system.ts";

/** What is looked after: the real one is `BridgePodNetwork`. */
export interface ManagedPodNetwork extends PodNetwork {
  /** Idempotent; repairs what is missing and answers what is odd but no reason to fail. */
  setUp(): Promise<{ adopted: number; warnings: string[] }>;
  tearDown(): Promise<void>;
}

export interface NodeNetworkOptions {
  readonly system: ActorSystem;
  /** The node's name. */
  readonly node: string;
  readonly supervisor?: Address;
  readonly network: ManagedPodNetwork;
}

export interface NodeNetworkStatus {
  readonly state: string;
  /** Whether pods can be wired: the condition NetworkUnavailable of the node is the opposite. */
  readonly ready: boolean;
  readonly adopted: number;
  readonly warnings: readonly string[];
  readonly lastFailure: string | undefined;
}

/** The node's pod network; sandboxes are wired once it has been set up. */
export class NodeNetwork implements PodNetwork {
  readonly address: Address;
  readonly #options: NodeNetworkOptions;
  readonly #handle: ActorHandle<typeof nodeNetworkMachine>;
  #adopted = 0;
  #warnings: readonly string[] = [];
  #lastFailure: string | undefined;
  /** It was up once: pods that are wired stay wired, and more can be tried, whatever a later check says. */
  #wasReady = false;
  /** Resolves after the first attempt to set the network up, however it ended. */
  readonly #tried = Promise.withResolvers<void>();

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
    this.address = address({ node: options.node, kind: "network" });
    const kind = actorKind("network", nodeNetworkMachine, {
      setUpNetwork: async () => {
        try {
          const { adopted, warnings } = await options.network.setUp();
          this.#adopted = adopted;
          this.#warnings = warnings;
          this.#lastFailure = undefined;
          this.#wasReady = true;
        } catch (error) {
          this.#lastFailure = error instanceof Error ? error.message : String(error);
          throw error;
        } finally {
          this.#tried.resolve();
        }
        return { type: "network.setUp" } as const;
      },
      removeNetwork: async () => {
        await options.network.tearDown();
        return { type: "network.removed" } as const;
      },
    });
    this.#handle = options.system.spawn(kind, {
      address: this.address,
      ...(options.supervisor === undefined ? {} : { supervisor: options.supervisor }),
      input: undefined,
    });
  }

  async attach(sandbox: { id: string; pid: number; podKey: string }): Promise<{ podIP: string }> {
    await this.#tried.promise;
    if (this.#wasReady) return await this.#options.network.attach(sandbox);
    const reason = this.#lastFailure ?? "it is being set up";
    throw new Error(`Cannot wire pod ${sandbox.podKey}: the node's network is not ready: ${reason}`);
  }

  detach(sandboxId: string): Promise<void> {
    return this.#options.network.detach(sandboxId);
  }

  list(): Promise<ReadonlyMap<string, { podIP: string }>> {
    return this.#options.network.list();
  }

  /** To be called whenever the connection to Docker has been made anew. */
  dockerStarted(): void {
    this.#handle.send({ type: "docker.started" });
  }

  ready(): Promise<void> {
    return this.#reaches((value) => value === "ready");
  }

  /** The node leaves this host. What nodes share is removed by `tearDownNetwork`. */
  async remove(): Promise<void> {
    const removed = this.#reaches((value) => value === "removed");
    this.#handle.send({ type: "network.removalAsked" });
    await removed;
  }

  status(): NodeNetworkStatus {
    const { value } = this.#handle.getSnapshot();
    return {
      state: typeof value === "string" ? value : Object.keys(value)[0]!,
      ready: this.#wasReady,
      adopted: this.#adopted,
      warnings: this.#warnings,
      lastFailure: this.#lastFailure,
    };
  }

  #reaches(holds: (value: unknown) => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (holds(this.#handle.getSnapshot().value)) return resolve();
      const subscription = this.#handle.subscribe(({ value }) => {
        if (!holds(value)) return;
        subscription.unsubscribe();
        resolve();
      });
    });
  }
}

export function startNodeNetwork(options: NodeNetworkOptions): NodeNetwork {
  return new NodeNetwork(options);
}
