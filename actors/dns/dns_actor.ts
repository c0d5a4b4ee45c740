/** The cluster's name server. */
import { dnsMachine } from "../../machines/dns/dns_machine.ts";
import { type ClusterZoneOptions, DnsZone } from "../../machines/dns/dns_zone.ts";
import type { Random } from "../../ports/random.ts";
import type { SharedInformers } from "../informer.ts";
import { ServiceTracker } from "../kube_proxy/service_tracker.ts";
import { type ActorHandle, actorKind, type ActorSystem, type Address, address } from "../system.ts";
import { DnsCodec } from "./dns_codec.ts";
import { DnsSockets } from "./dns_sockets.ts";
import { Forwarder, type ForwarderOptions } from "./forwarder.ts";
import { type DnsCounters, Responder } from "./responder.ts";

export interface DnsServerOptions {
  readonly system: ActorSystem;
  /** The process' name in addresses. */
  readonly node: string;
  readonly supervisor?: Address;
  readonly informers: SharedInformers;
  readonly random: Random;
  readonly zone: ClusterZoneOptions;
  /** Where it listens: loopback is not reached by pods, so at least the control plane's address. */
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  /** Default: the host's own, from /etc/resolv.conf. */
  readonly upstream?: ForwarderOptions["servers"];
  readonly upstreamTimeoutMs?: number;
}

export class DnsServer {
  readonly address: Address;
  readonly zone: DnsZone;
  readonly #options: DnsServerOptions;
  readonly #handle: ActorHandle<typeof dnsMachine>;
  readonly #tracker: ServiceTracker;
  #sockets: DnsSockets[] = [];
  #responder: Responder | undefined;
  #synced = false;
  #closing: Promise<unknown> = Promise.resolve();

  constructor(options: DnsServerOptions) {
    const { system, listen } = options;
    this.#options = options;
    this.zone = new DnsZone(options.zone);
    this.address = address({ node: options.node, kind: "dns", name: options.zone.domain });
    this.#tracker = new ServiceTracker(options.informers);
    const kind = actorKind("dns", dnsMachine, {
      awaitServices: async () => {
        await this.#tracker.synced();
        this.#synced = true;
        return { type: "services.synced" } as const;
      },
      openSockets: async (_, order) => {
        await this.#close();
        const responder = await this.#makeResponder();
        for (const place of listen) {
          const sockets = await DnsSockets.open({
            ...place,
            clock: system.clock,
            respond: (bytes, transport) => responder.respond(bytes, transport),
            failed: () => system.tell(this.address, { type: "socket.failed" }),
          });
          this.#sockets.push(sockets);
        }
        if (!order.outstanding) await this.#close();
        return { type: "sockets.opened" } as const;
      },
      closeSockets: () => void this.#close(),
    });
    this.#handle = system.spawn(kind, {
      address: this.address,
      ...(options.supervisor === undefined ? {} : { supervisor: options.supervisor }),
      input: undefined,
    });
    this.#tracker.follow(() => this.#follow());
  }

  /** Ports it listens on, in the order of `listen`; for port 0 in tests. */
  get ports(): number[] {
    return this.#sockets.map(({ port }) => port);
  }

  get counters(): DnsCounters {
    return this.#responder?.counters ?? { questions: 0, forwarded: 0, failed: 0, malformed: 0 };
  }

  /** Resolves once it listens and knows the cluster's names. */
  ready(): Promise<void> {
    const isReady = () => this.#handle.getSnapshot().matches({ table: "synced", sockets: "open" });
    return new Promise((resolve) => {
      if (isReady()) return resolve();
      const subscription = this.#handle.subscribe(() => {
        if (!isReady()) return;
        subscription.unsubscribe();
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    this.#options.system.stop(this.address);
    this.#tracker.stop();
    await this.#close();
  }

  /** Changes of the cluster go into the table as they come. */
  #follow(): void {
    for (const key of this.#tracker.takeDirty()) {
      this.zone.replaceService(key, this.#tracker.services.get(key), this.#tracker.slicesOf(key));
    }
  }

  async #makeResponder(): Promise<Responder> {
    if (this.#responder !== undefined) return this.#responder;
    const { system, random, upstream, upstreamTimeoutMs, listen, zone } = this.#options;
    const forwarder = new Forwarder({
      clock: system.clock,
      random,
      own: [...listen.map(({ address }) => address), zone.address],
      ...(upstream === undefined ? {} : { servers: upstream }),
      ...(upstreamTimeoutMs === undefined ? {} : { timeoutMs: upstreamTimeoutMs }),
    });
    this.#responder = new Responder(await DnsCodec.load(), this.zone, forwarder, () => this.#synced);
    return this.#responder;
  }

  #close(): Promise<unknown> {
    const open = this.#sockets;
    this.#sockets = [];
    this.#closing = Promise.all([this.#closing, ...open.map((sockets) => sockets.close())]);
    return this.#closing;
  }
}

export function startDns(options: DnsServerOptions): DnsServer {
  return new DnsServer(options);
}
