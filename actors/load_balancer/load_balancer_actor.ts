/** The cluster's external load balancer. One process of a cluster runs it: the one whose host answers the addresses. */
import { loadBalancerMachine } from "../../machines/load_balancer/load_balancer_machine.ts";
import { type LoadBalancerPlan, planLoadBalancer } from "../../machines/load_balancer/plan_load_balancer.ts";
import { keyOf, type Service } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import { EventRecorder } from "../events/event_recorder.ts";
import type { Informer, SharedInformers } from "../informer.ts";
import { actorKind, type ActorSystem, type Address, address } from "../system.ts";
import type { HostAddresses } from "./host_addresses.ts";

export interface LoadBalancerOptions {
  readonly system: ActorSystem;
  /** The process' name in addresses. */
  readonly node: string;
  readonly supervisor?: Address;
  readonly informers: SharedInformers;
  readonly client: ApiClient;
  /** The range it gives addresses from. */
  readonly range: string;
  readonly hostAddresses: HostAddresses;
}

export class LoadBalancer {
  readonly address: Address;
  readonly #options: LoadBalancerOptions;
  readonly #services: Informer<Service>;
  readonly #events: EventRecorder;
  readonly #unsubscribe: (() => void)[] = [];
  /** What was last said about a service that cannot have an address, so that it is said once. */
  #refusals = new Map<string, string>();

  constructor(options: LoadBalancerOptions) {
    const { system, client } = options;
    this.#options = options;
    this.address = address({ node: options.node, kind: "load-balancer", name: "external" });
    this.#services = options.informers.of<Service>(resources.services);
    this.#events = new EventRecorder({ client, clock: system.clock, component: "service-controller" });
    const kind = actorKind("load-balancer", loadBalancerMachine, {
      awaitServices: () =>
        new Promise((resolve) => {
          const synced = () => resolve({ type: "services.synced" });
          this.#unsubscribe.push(this.#services.subscribe({ changed() {}, synced }));
        }),
      balanceServices: async () => {
        await this.#balance(planLoadBalancer(this.#services.list(), options.range));
        return { type: "services.balanced" } as const;
      },
    });
    system.spawn(kind, {
      address: this.address,
      ...(options.supervisor === undefined ? {} : { supervisor: options.supervisor }),
      input: undefined,
    });
    const changed = () => system.tell(this.address, { type: "services.changed" });
    this.#unsubscribe.push(this.#services.subscribe({ changed }));
  }

  /** Ends the actor; addresses stay until another takes over or the cluster's links are removed. */
  stop(): void {
    this.#options.system.stop(this.address);
    for (const each of this.#unsubscribe) each();
  }

  /** The host answers before anybody is told; nobody is told any more before it stops answering. */
  async #balance({ assign, release, unable, addresses }: LoadBalancerPlan): Promise<void> {
    const { hostAddresses } = this.#options;
    const leaving = release.map(({ address }) => address).filter((address) => !addresses.includes(address));
    await hostAddresses.set([...addresses, ...leaving]);
    const failures: unknown[] = [];
    const attempt = (work: Promise<void>) => work.catch((error) => failures.push(error));
    for (const { key, reason } of unable) this.#refuse(key, reason);
    this.#refusals = new Map(unable.map(({ key, reason }) => [key, reason]));
    for (const { key } of release) await attempt(this.#write(key, undefined));
    for (const { key, address } of assign) {
      this.#say(key, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
      await attempt(this.#write(key, address));
    }
    if (leaving.length > 0) await hostAddresses.set(addresses);
    if (failures.length > 0) throw failures[0];
  }

  async #write(key: string, ip: string | undefined): Promise<void> {
    const [namespace = "", name = ""] = key.split("/");
    const loadBalancer = ip === undefined ? { ingress: null } : { ingress: [{ ip, ipMode: "VIP" }] };
    const [done, reason] = ip === undefined
      ? ["Deleted load balancer", "DeletedLoadBalancer"]
      : ["Ensured load balancer", "EnsuredLoadBalancer"];
    try {
      const written = await this.#options.client.patch<Service>(
        resources.services,
        namespace,
        name,
        "merge",
        { status: { loadBalancer } },
        { subresource: "status" },
      );
      this.#services.learn(written);
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return; // It is gone, and with it what it wanted.
      const message = error instanceof Error ? error.message : String(error);
      this.#say(key, "Warning", "SyncLoadBalancerFailed", `Error syncing load balancer: ${message}`);
      throw error;
    }
    this.#say(key, "Normal", reason!, done!);
  }

  #refuse(key: string, reason: string): void {
    if (this.#refusals.get(key) === reason) return;
    this.#say(key, "Warning", "SyncLoadBalancerFailed", `Error syncing load balancer: ${reason}`);
  }

  #say(key: string, type: "Normal" | "Warning", reason: string, message: string): void {
    const about = this.#services.get(key);
    if (about !== undefined && keyOf(about) === key) this.#events.record({ about, type, reason, message });
  }
}

export function startLoadBalancer(options: LoadBalancerOptions): LoadBalancer {
  return new LoadBalancer(options);
}
