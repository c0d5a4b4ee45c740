/**
 * The service proxy of one host: one actor and one table for all nodes of a cluster that share the host's network
 * namespace. Second and later nodes of a host do so for now, so node ports and host ports are told apart by the node's
 * address, not by its namespace.
 */
import type { SnapshotFrom } from "xstate";
import type { HostPortMapping } from "../../machines/kube_proxy/host_port_rules.ts";
import { hostPortRules } from "../../machines/kube_proxy/host_port_rules.ts";
import { healthCheck } from "../../machines/kube_proxy/health_check.ts";
import { kubeProxyMachine } from "../../machines/kube_proxy/kube_proxy_machine.ts";
import { changesScript, fullScript, type ProxyTable, removalScript } from "../../machines/kube_proxy/nft_script.ts";
import { isEmpty, Ruleset } from "../../machines/kube_proxy/ruleset.ts";
import { type ProxyNode, type ServicePort, servicePorts } from "../../machines/kube_proxy/service_ports.ts";
import { type ProxyHost, serviceRules } from "../../machines/kube_proxy/service_rules.ts";
import type { PacketFilter } from "../../ports/packet_filter.ts";
import type { SharedInformers } from "../informer.ts";
import { type ActorHandle, actorKind, type ActorSystem, type Address, address } from "../system.ts";
import { HealthServers } from "./health_servers.ts";
import { ServiceTracker } from "./service_tracker.ts";

export interface KubeProxyOptions {
  readonly system: ActorSystem;
  /** The process' name in addresses. */
  readonly node: string;
  readonly supervisor?: Address;
  readonly informers: SharedInformers;
  readonly packetFilter: PacketFilter;
  readonly table: ProxyTable;
  /** The nodes that share this network namespace. */
  readonly nodes: readonly ProxyNode[];
  /** Other addresses of the host that answer node ports; default: 127.0.0.1. */
  readonly hostAddresses?: readonly string[];
  /** Answers health checks on the nodes' addresses: port 10256, and the ports that services ask for. */
  readonly serveHealth?: boolean;
}

/** How the proxy stands, for its health answer, metrics and `status`. */
export interface KubeProxyStatus {
  readonly state: string;
  /** Whether the kernel has what is wanted, or will within a moment. */
  readonly healthy: boolean;
  readonly services: number;
  readonly answered: number;
  readonly refused: number;
  readonly transactions: number;
  /** Duration of the last transaction. */
  readonly lastWriteMs: number;
  /** What went wrong beside the rules, for example that stale UDP connections could not be forgotten. */
  readonly warning: string | undefined;
  readonly lastRefusal: string | undefined;
}

const hostPortPrefix = "hostport/";

export class KubeProxy {
  readonly address: Address;
  readonly #options: KubeProxyOptions;
  readonly #handle: ActorHandle<typeof kubeProxyMachine>;
  readonly #tracker: ServiceTracker;
  readonly #ruleset = new Ruleset();
  /** Per service, `address:port` of UDP endpoints and, while it has none, nothing. */
  readonly #udp = new Map<string, ReadonlySet<string>>();
  #stale = new Set<string>();
  readonly #health: HealthServers | undefined;
  #host: ProxyHost;
  /** Something changed that no write has taken up yet. */
  #pending = false;
  #transactions = 0;
  #lastWriteMs = 0;
  #warning: string | undefined;
  #lastRefusal: string | undefined;

  constructor(options: KubeProxyOptions) {
    const { system, packetFilter, table } = options;
    this.#options = options;
    this.address = address({ node: options.node, kind: "kube-proxy", name: table.table });
    this.#host = {
      nodes: options.nodes,
      podCidr: table.podCidr,
      hostAddresses: options.hostAddresses ?? ["127.0.0.1"],
    };
    this.#tracker = new ServiceTracker(options.informers);
    this.#health = options.serveHealth !== true ? undefined : new HealthServers({
      nodes: () => this.#host.nodes,
      isHealthy: () => this.status().healthy,
      now: () => system.clock.wallTime(),
      failed: (message) => this.#warning = message,
    });
    const kind = actorKind("kube-proxy", kubeProxyMachine, {
      awaitServices: () => this.#tracker.synced().then(() => ({ type: "services.synced" } as const)),
      replaceRules: () => this.#write(() => fullScript(table, this.#ruleset.takeAll())),
      writeChanges: () =>
        this.#write(() => {
          const changes = this.#ruleset.take();
          return isEmpty(changes) ? undefined : changesScript(table, changes);
        }),
      checkRules: async () => {
        const found = (await packetFilter.tables()).includes(table.table);
        return { type: found ? "rules.found" : "rules.missing" } as const;
      },
      removeRules: async () => {
        await packetFilter.apply(removalScript(table.table));
        return { type: "rules.removed" } as const;
      },
    });
    this.#handle = system.spawn(kind, {
      address: this.address,
      ...(options.supervisor === undefined ? {} : { supervisor: options.supervisor }),
      input: undefined,
    });
    this.#tracker.follow(() => this.#changed());
  }

  /** Which nodes share the host has changed. */
  setNodes(nodes: readonly ProxyNode[]): void {
    this.#host = { ...this.#host, nodes };
    this.#tracker.touchAll();
    this.#changed();
  }

  /** `owner`: the sandbox or the pod. Replaces what the owner had; idempotent. */
  publishHostPorts(owner: string, nodeName: string, ports: readonly HostPortMapping[]): void {
    const node = this.#host.nodes.find(({ name }) => name === nodeName);
    if (node === undefined) throw new Error(`Cannot publish host ports of "${owner}": node "${nodeName}" is not here`);
    const key = `${hostPortPrefix}${owner}`;
    this.#ruleset.replace(key, ports.length === 0 ? undefined : hostPortRules(owner, node, ports, this.#host));
    this.#replaceUdp(
      key,
      ports.filter(({ protocol }) => protocol === "UDP").map(({ podIP, containerPort }) => `${podIP}:${containerPort}`),
    );
    this.#changed();
  }

  withdrawHostPorts(owner: string): void {
    this.#ruleset.replace(`${hostPortPrefix}${owner}`, undefined);
    this.#replaceUdp(`${hostPortPrefix}${owner}`, []);
    this.#changed();
  }

  /** Resolves once the kernel has the rules of the services that are known now. */
  settled(): Promise<void> {
    return this.#reaches((state) => state.status === "done" || (state.matches("settled") && !this.#pending));
  }

  /** `down`: takes the table out of the kernel and ends the actor. */
  async remove(): Promise<void> {
    const removed = this.#reaches((state) => state.status === "done");
    this.#handle.send({ type: "proxy.removalAsked" });
    await removed;
    this.#tracker.stop();
    await this.#health?.close();
  }

  /** Ends the actor; the rules stay in force until another proxy takes over. */
  async stop(): Promise<void> {
    this.#options.system.stop(this.address);
    this.#tracker.stop();
    await this.#health?.close();
  }

  status(): KubeProxyStatus {
    const snapshot = this.#handle.getSnapshot();
    const { owners, answered, refused } = this.#ruleset.size;
    return {
      state: typeof snapshot.value === "string" ? snapshot.value : Object.keys(snapshot.value)[0]!,
      healthy: snapshot.context.failures === 0 && !snapshot.matches("waitingForSync"),
      services: owners,
      answered,
      refused,
      transactions: this.#transactions,
      lastWriteMs: this.#lastWriteMs,
      warning: this.#warning,
      lastRefusal: this.#lastRefusal,
    };
  }

  #changed(): void {
    this.#pending = true;
    this.#options.system.tell(this.address, { type: "services.changed" });
  }

  #reaches(holds: (snapshot: SnapshotFrom<typeof kubeProxyMachine>) => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (holds(this.#handle.getSnapshot())) return resolve();
      const subscription = this.#handle.subscribe((snapshot) => {
        if (!holds(snapshot)) return;
        subscription.unsubscribe();
        resolve();
      });
    });
  }

  async #write(script: () => string | undefined) {
    const { packetFilter, system } = this.#options;
    const startedAt = system.clock.now();
    this.#pending = false;
    for (const service of this.#tracker.takeDirty()) this.#compute(service);
    const stale = this.#stale;
    this.#stale = new Set();
    const text = script();
    if (text !== undefined) {
      try {
        await packetFilter.apply(text);
      } catch (error) {
        this.#lastRefusal = error instanceof Error ? error.message : String(error);
        for (const flow of stale) this.#stale.add(flow);
        throw error;
      }
      this.#transactions++;
      this.#lastWriteMs = system.clock.now() - startedAt;
    }
    await this.#forget(stale);
    void this.#health?.reconcile(); // Rules do not wait for a listener that closes slowly.
    return { type: "rules.written" } as const;
  }

  #compute(key: string): void {
    const service = this.#tracker.services.get(key);
    const ports = service === undefined ? [] : servicePorts(service, this.#tracker.slicesOf(key), this.#host.nodes);
    this.#ruleset.replace(key, ports.length === 0 ? undefined : serviceRules(ports, this.#host));
    this.#health?.set(key, service === undefined ? undefined : healthCheck(service, ports, this.#host.nodes));
    this.#replaceUdp(key, ports.filter(({ protocol }) => protocol === "udp").flatMap(udpFlows));
  }

  #replaceUdp(owner: string, flows: readonly string[]): void {
    const former = this.#udp.get(owner) ?? new Set();
    const now = new Set(flows);
    if (now.size === 0) this.#udp.delete(owner);
    else this.#udp.set(owner, now);
    for (const flow of former) if (!now.has(flow)) this.#stale.add(flow);
    // What was sent to an address before it was answered went elsewhere, and would go there for as long as it goes on.
    for (const flow of now) if (!former.has(flow) && flow.startsWith("entry ")) this.#stale.add(flow);
  }

  async #forget(flows: ReadonlySet<string>): Promise<void> {
    if (flows.size === 0) return;
    try {
      await this.#options.packetFilter.forgetConnections([...flows].map((flow) => {
        const [destination = "", port = ""] = flow.replace("entry ", "").split(":");
        return { protocol: "udp", destination, port: Number(port) };
      }));
      this.#warning = undefined;
    } catch (error) {
      this.#warning = error instanceof Error ? error.message : String(error);
    }
  }
}

/** A service's endpoints, and the addresses it is reached at while it has some. */
function udpFlows(port: ServicePort): string[] {
  const endpoints = port.endpoints.map(({ address, port }) => `${address}:${port}`);
  if (endpoints.length === 0) return [];
  const entries = [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs];
  return [...endpoints, ...entries.map((address) => `entry ${address}:${port.port}`)];
}

export function startKubeProxy(options: KubeProxyOptions): KubeProxy {
  return new KubeProxy(options);
}
