/** Follows services and their endpoint slices, and knows which services' rules have to be looked at again. */
import { type EndpointSlice, keyOf, type Service } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { serviceOf } from "../../machines/kube_proxy/service_ports.ts";
import type { Change, Informer, SharedInformers } from "../informer.ts";

export class ServiceTracker {
  readonly services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #byService = new Map<string, Map<string, EndpointSlice>>();
  readonly #unsubscribe: (() => void)[] = [];
  #dirty = new Set<string>();

  constructor(informers: SharedInformers) {
    this.services = informers.of<Service>(resources.services);
    this.#slices = informers.of<EndpointSlice>(resources.endpointSlices);
  }

  /** From now on `changed` is called once per batch that concerns a service, and at once for what is there already. */
  follow(changed: () => void): void {
    this.#unsubscribe.push(
      this.services.subscribe({
        changed: (changes) => {
          for (const { object } of changes) this.#dirty.add(keyOf(object));
          changed();
        },
      }),
      this.#slices.subscribe({
        changed: (changes) => {
          for (const change of changes) this.#takeSlice(change);
          changed();
        },
      }),
    );
  }

  /** Resolves when both have been listed once. */
  async synced(): Promise<void> {
    await Promise.all([this.services, this.#slices].map((informer) =>
      new Promise<void>((resolve) => {
        const unsubscribe = informer.subscribe({ changed() {}, synced: resolve });
        this.#unsubscribe.push(unsubscribe);
      })
    ));
  }

  slicesOf(service: string): EndpointSlice[] {
    return [...this.#byService.get(service)?.values() ?? []];
  }

  /** Services that changed since this was asked last, as `namespace/name`. */
  takeDirty(): Set<string> {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    return dirty;
  }

  touchAll(): void {
    for (const service of this.services.values()) this.#dirty.add(keyOf(service));
  }

  stop(): void {
    for (const each of this.#unsubscribe) each();
  }

  #takeSlice(change: Change<EndpointSlice>): void {
    const { object } = change;
    const former = change.type === "updated" ? serviceOf(change.previous) : undefined;
    const service = serviceOf(object);
    if (former !== undefined && former !== service) this.#drop(former, object);
    if (service === undefined) return;
    this.#dirty.add(service);
    if (change.type === "removed") return this.#drop(service, object);
    let slices = this.#byService.get(service);
    if (slices === undefined) this.#byService.set(service, slices = new Map());
    slices.set(keyOf(object), object);
  }

  #drop(service: string, slice: EndpointSlice): void {
    this.#dirty.add(service);
    const slices = this.#byService.get(service);
    slices?.delete(keyOf(slice));
    if (slices?.size === 0) this.#byService.delete(service);
  }
}
