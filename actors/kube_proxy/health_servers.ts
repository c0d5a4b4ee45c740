/** The proxy's HTTP answers: one port per service that asks for it, and its own health, on each node's address. */
import { type HealthAnswer, healthAnswer, type HealthCheck } from "../../machines/kube_proxy/health_check.ts";
import type { ProxyNode } from "../../machines/kube_proxy/service_ports.ts";

export interface HealthServersOptions {
  readonly nodes: () => readonly Pick<ProxyNode, "name" | "address">[];
  readonly isHealthy: () => boolean;
  /** Wall time in ms. */
  readonly now: () => number;
  /** A port could not be opened; it is tried again with the next change. */
  readonly failed: (message: string) => void;
}

/** Where kube-proxy tells of itself. */
export const healthzPort = 10_256;

export class HealthServers {
  readonly #options: HealthServersOptions;
  readonly #checks = new Map<string, HealthCheck>();
  readonly #open = new Map<string, Deno.HttpServer>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: HealthServersOptions) {
    this.#options = options;
  }

  set(service: string, check: HealthCheck | undefined): void {
    if (check === undefined) this.#checks.delete(service);
    else this.#checks.set(service, check);
  }

  /** Opens and closes ports so that they are those that are asked for. One pass at a time; never fails. */
  reconcile(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#reconcile()).catch((error) => {
      this.#options.failed(`Cannot answer health checks: ${error instanceof Error ? error.message : String(error)}`);
    });
    return this.#turn;
  }

  async #reconcile(): Promise<void> {
    const wanted = new Map<string, { hostname: string; port: number; answer: () => HealthAnswer }>();
    const { nodes, isHealthy } = this.#options;
    for (const { name, address } of nodes()) {
      const add = (port: number, answer: () => HealthAnswer) =>
        wanted.set(`${address}:${port}`, { hostname: address, port, answer });
      add(healthzPort, () => this.#ownHealth());
      for (const [service, { port }] of this.#checks) {
        add(port, () => healthAnswer(this.#checks.get(service)!, name, isHealthy()));
      }
    }
    for (const [place, server] of this.#open) {
      if (wanted.has(place)) continue;
      this.#open.delete(place);
      await server.shutdown();
    }
    for (const [place, { hostname, port, answer }] of wanted) {
      if (this.#open.has(place)) continue;
      try {
        const handler = () => {
          const { status, headers, body } = answer();
          return new Response(JSON.stringify(body), { status, headers });
        };
        this.#open.set(place, Deno.serve({ hostname, port, onListen() {} }, handler));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.failed(`Cannot answer health checks on ${place}: ${reason}`);
      }
    }
  }

  async close(): Promise<void> {
    await this.#turn;
    const servers = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(servers.map((server) => server.shutdown()));
  }

  #ownHealth(): HealthAnswer {
    const { isHealthy, now } = this.#options;
    const time = new Date(now()).toISOString();
    return {
      status: isHealthy() ? 200 : 503,
      headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
      body: { lastUpdated: time, currentTime: time, nodeEligible: true },
    };
  }
}
