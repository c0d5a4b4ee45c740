/** The API server's own numbers in Prometheus' text form, under kube-apiserver's names. */
import type { Api } from "./api.ts";

type Labels = Readonly<Record<string, string>>;

class Series {
  readonly #values = new Map<string, number>();

  constructor(readonly name: string, readonly help: string, readonly type: "counter" | "gauge") {}

  add(labels: string, by: number): void {
    this.#values.set(labels, (this.#values.get(labels) ?? 0) + by);
  }

  set(labels: Labels, value: number): void {
    this.#values.set(labelText(labels), value);
  }

  lines(): string[] {
    if (this.#values.size === 0) return [];
    const head = [`# HELP ${this.name} ${this.help}`, `# TYPE ${this.name} ${this.type}`];
    return [...head, ...[...this.#values].map(([labels, value]) => `${this.name}${labels} ${value}`)];
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

export class Metrics {
  readonly #requests = new Series(
    "apiserver_request_total",
    "[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, " +
      "scope, component, and HTTP response code.",
    "counter",
  );
  readonly #objects = new Series(
    "apiserver_resource_objects",
    "[ALPHA] Number of stored objects at the time of last check split by kind.",
    "gauge",
  );
  readonly #watchers = new Series(
    "apiserver_longrunning_requests",
    "[STABLE] Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, " +
      "scope and component.",
    "gauge",
  );

  /** The text of the labels, by what they say: made once, not for every request. */
  readonly #labels = new Map<string, string>();

  request(verb: string, group: string, version: string, resource: string, code: number): void {
    const key = `${code} ${verb} ${group} ${version} ${resource}`;
    let labels = this.#labels.get(key);
    if (labels === undefined) {
      labels = labelText({ code: String(code), group, resource, verb: verb.toUpperCase(), version });
      this.#labels.set(key, labels);
    }
    this.#requests.add(labels, 1);
  }

  text(api: Api, further: readonly string[]): string {
    for (const cache of api.cache.caches()) {
      const { group, version, resource } = cache.resource;
      this.#objects.set({ group, resource }, cache.count);
      const watching = [...cache.watchers()].length;
      this.#watchers.set({ group, resource, verb: "WATCH", version }, watching);
    }
    const lines = [this.#requests, this.#objects, this.#watchers].flatMap((series) => series.lines());
    return `${[...lines, ...further].join("\n")}\n`;
  }
}
