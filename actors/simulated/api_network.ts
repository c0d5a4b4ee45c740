/**
 * The way from components to API servers, as a network takes it: requests and answers are delayed, lost, cut off by a
 * partition, and end when a server dies. Whether a request whose answer was lost has been carried out, its sender cannot
 * know, and this is where that comes true.
 */
import { ApiError, type Status } from "../../machines/objects/status.ts";
import type { ApiClient, ApiWatchSink, ListOptions, ResourceRef, Watch, WatchEvent } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SimulatedProcess } from "./simulated_process.ts";

/** An API server as the network knows it. Replaced when its process is started anew. */
export interface ApiPlace {
  readonly process: SimulatedProcess;
  /** Undefined while it does not listen yet. */
  listening(): boolean;
}

export interface NetworkWeather {
  /** Whole milliseconds each way; drawn evenly. */
  delayMs: readonly [least: number, most: number];
  /** Chance that a request is lost on its way there. */
  requestLoss: number;
  /** Chance that it is carried out and its answer lost. */
  answerLoss: number;
  /** How long a sender waits for what never comes. */
  patienceMs: readonly [least: number, most: number];
}

export const calmWeather: NetworkWeather = {
  delayMs: [1, 1],
  requestLoss: 0,
  answerLoss: 0,
  patienceMs: [1_000, 10_000],
};

export type CallVerb = "get" | "list" | "create" | "update" | "patch" | "delete" | "deleteCollection";

export interface Call {
  readonly from: string;
  readonly server: string;
  readonly verb: CallVerb;
  readonly resource: ResourceRef;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: string | undefined;
  /** What was sent, of writes. */
  readonly body?: unknown;
}

export interface CallObserver {
  /** A request is on its way. */
  sent?(call: Call): void;
  /** Its sender was told that it was carried out. */
  answered?(call: Call, result: unknown): void;
  /** Its sender was told something else; `unknown`: it may have been carried out. */
  failed?(call: Call, error: unknown, unknown: boolean): void;
}

type Reach = { readonly name: string; readonly place: ApiPlace; readonly client: ApiClient };

export interface Connection {
  readonly process: SimulatedProcess;
  /** Names of servers, tried in turn. */
  readonly servers: readonly string[];
  /** A client of that server's own process. */
  clientOf(server: string): ApiClient | undefined;
}

export class ApiNetwork {
  readonly counters = { requests: 0, refused: 0, lost: 0, watches: 0, watchesBroken: 0 };
  weather: NetworkWeather = calmWeather;
  observer: CallObserver = {};
  readonly #places = new Map<string, ApiPlace>();
  /** Pairs of hosts between which nothing passes. */
  readonly #cut = new Set<string>();
  readonly #watches = new Set<WatchLine>();

  constructor(readonly clock: Clock, readonly random: { next(): number }) {}

  /** An API server begins to listen under this name. */
  serve(name: string, place: ApiPlace): void {
    this.#places.set(name, place);
  }

  place(name: string): ApiPlace | undefined {
    return this.#places.get(name);
  }

  cut(host: string, other: string): void {
    this.#cut.add(pair(host, other));
    for (const line of [...this.#watches]) {
      if (pair(line.fromHost, line.toHost) === pair(host, other)) line.breakLater(this.patience());
    }
  }

  join(host: string, other: string): void {
    this.#cut.delete(pair(host, other));
  }

  heal(): void {
    this.#cut.clear();
  }

  isCut(host: string, other: string): boolean {
    return this.#cut.has(pair(host, other));
  }

  /** Connections for watches break, as a proxy in between does it now and then. */
  breakWatches(host: string): void {
    for (const line of [...this.#watches]) if (line.fromHost === host || line.toHost === host) line.breakLater(0);
  }

  connect(connection: Connection): ApiClient {
    return new NetworkClient(this, connection);
  }

  delay(): number {
    return this.#draw(this.weather.delayMs);
  }

  patience(): number {
    return this.#draw(this.weather.patienceMs);
  }

  chance(of: number): boolean {
    return of > 0 && this.random.next() < of;
  }

  keep(line: WatchLine): void {
    this.counters.watches++;
    this.#watches.add(line);
  }

  forget(line: WatchLine): void {
    this.#watches.delete(line);
  }

  #draw([least, most]: readonly [number, number]): number {
    return least === most ? least : least + Math.floor(this.random.next() * (most - least + 1));
  }
}

function pair(host: string, other: string): string {
  return host < other ? `${host} ${other}` : `${other} ${host}`;
}

class NetworkClient implements ApiClient {
  #server = 0;

  constructor(readonly network: ApiNetwork, readonly connection: Connection) {}

  get<T>(resource: ResourceRef, namespace: string | undefined, name: string): Promise<T> {
    return this.#call({ verb: "get", resource, namespace, name }, (client) => client.get<T>(resource, namespace, name));
  }

  list<T>(resource: ResourceRef, options: ListOptions = {}) {
    const { namespace } = options;
    return this.#call({ verb: "list", resource, namespace, name: "" }, (client) => client.list<T>(resource, options));
  }

  create<T>(...[resource, namespace, body, options]: Parameters<ApiClient["create"]>): Promise<T> {
    const { metadata = {} } = body as { metadata?: { name?: string } };
    const name = options?.name ?? metadata.name ?? "";
    const call = { verb: "create", resource, namespace, name, subresource: options?.subresource, body } as const;
    return this.#call(call, (client) => client.create<T>(resource, namespace, body, options));
  }

  update<T>(...[resource, body, options]: Parameters<ApiClient["update"]>): Promise<T> {
    const { name, namespace } = (body as { metadata: { name: string; namespace?: string } }).metadata;
    const call = { verb: "update", resource, namespace, name, subresource: options?.subresource, body } as const;
    return this.#call(call, (client) => client.update<T>(resource, body, options));
  }

  patch<T>(...[resource, namespace, name, type, body, options]: Parameters<ApiClient["patch"]>): Promise<T> {
    const call = { verb: "patch", resource, namespace, name, subresource: options?.subresource, body } as const;
    return this.#call(call, (client) => client.patch<T>(resource, namespace, name, type, body, options));
  }

  delete(...[resource, namespace, name, options]: Parameters<ApiClient["delete"]>): Promise<unknown> {
    const call = { verb: "delete", resource, namespace, name } as const;
    return this.#call(call, (client) => client.delete(resource, namespace, name, options));
  }

  deleteCollection(...[resource, options = {}]: Parameters<ApiClient["deleteCollection"]>): Promise<void> {
    const call = { verb: "deleteCollection", resource, namespace: options.namespace, name: "" } as const;
    return this.#call(call, (client) => client.deleteCollection(resource, options));
  }

  watch<T>(resource: ResourceRef, options: ListOptions, sink: ApiWatchSink<T>): Watch {
    const { network, connection: { process } } = this;
    const server = this.#serverNow();
    const line = new WatchLine(network, process, network.place(server)?.process.host.name ?? server, (status) => {
      this.#server++;
      sink.closed(status);
    });
    network.keep(line);
    if (network.isCut(process.host.name, line.toHost)) line.breakLater(network.patience());
    else {
      network.clock.wakeAt(network.clock.now() + network.delay(), () => {
        if (line.over) return;
        const reached = this.#reach(server);
        if (reached === undefined) return line.breakLater(network.delay());
        line.open(reached.place.process, (own) => reached.client.watch<T>(resource, options, own), sink);
      });
    }
    return { cancel: () => line.cancel() };
  }

  #serverNow(): string {
    const { servers } = this.connection;
    return servers[this.#server % servers.length] ?? "";
  }

  #reach(name: string): Reach | undefined {
    const place = this.network.place(name);
    if (place === undefined || !place.process.alive || !place.listening()) return undefined;
    const client = this.connection.clientOf(name);
    return client === undefined ? undefined : { name, place, client };
  }

  #call<T>(
    what: Omit<Call, "from" | "server" | "subresource"> & { readonly subresource?: string | undefined },
    run: (client: ApiClient) => Promise<T>,
    attempt = 0,
  ): Promise<T> {
    const { network, connection: { process, servers } } = this;
    const { clock, observer, weather } = network;
    const server = this.#serverNow();
    const call: Call = { subresource: undefined, ...what, from: process.name, server };
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let over = false;
    const later = (ms: number, act: () => void) => void clock.wakeAt(clock.now() + ms, act);
    const fail = (ms: number, unknown: boolean, why: string) => {
      if (over) return;
      over = true;
      this.#server++;
      later(ms, () => {
        if (!process.alive) return;
        const error = new ApiError(503, "ServiceUnavailable", `Cannot reach the API server ${server}: ${why}`);
        observer.failed?.(call, error, unknown);
        reject(error);
      });
    };
    if (!process.alive) return promise;
    network.counters.requests++;
    observer.sent?.(call);
    const toHost = network.place(server)?.process.host.name ?? server;
    const isCut = () => network.isCut(process.host.name, toHost);
    if (isCut() || network.chance(weather.requestLoss)) {
      network.counters.lost++;
      fail(network.patience(), false, "no answer");
      return promise;
    }
    later(network.delay(), () => {
      const reached = this.#reach(server);
      if (reached === undefined) {
        network.counters.refused++;
        // A connection that is refused has changed nothing: the next server is asked at once.
        if (attempt + 1 < servers.length && process.alive) {
          this.#server++;
          this.#call(what, run, attempt + 1).then(resolve, reject);
          return;
        }
        return fail(network.delay(), false, "connection refused");
      }
      const forgetDeath = reached.place.process.onDeath(() => fail(network.delay(), true, "the connection was closed"));
      const answer = (tell: () => void) => {
        forgetDeath();
        if (over || !reached.place.process.alive) return;
        if (isCut() || network.chance(weather.answerLoss)) {
          network.counters.lost++;
          return fail(network.patience(), true, "no answer");
        }
        over = true;
        later(network.delay(), () => process.alive && tell());
      };
      run(reached.client).then(
        (value) =>
          answer(() => {
            observer.answered?.(call, value);
            resolve(value);
          }),
        (error) =>
          answer(() => {
            observer.failed?.(call, error, isUnknown(error));
            reject(error);
          }),
      );
    });
    return promise;
  }
}

/** The server itself does not know whether its store took the write, or says so in these words. */
function isUnknown(error: unknown): boolean {
  return !(error instanceof ApiError) || error.code >= 500;
}

/** One watch on its way: events arrive in order, and the end after them. */
class WatchLine {
  over = false;
  #cancelled = false;
  #handle: Watch | undefined;
  #forgetDeath: (() => void) | undefined;
  readonly #forgetOwnDeath: () => void;
  /** Nothing arrives before what was sent before it. */
  #lastAt = 0;

  constructor(
    readonly network: ApiNetwork,
    readonly from: SimulatedProcess,
    readonly toHost: string,
    readonly ended: (status: Status | undefined) => void,
  ) {
    this.#forgetOwnDeath = from.onDeath(() => this.cancel());
  }

  get fromHost(): string {
    return this.from.host.name;
  }

  open<T>(server: SimulatedProcess, watch: (sink: ApiWatchSink<T>) => Watch, sink: ApiWatchSink<T>): void {
    this.#forgetDeath = server.onDeath(() => this.breakLater(this.network.delay()));
    this.#handle = watch({
      events: (batch: readonly WatchEvent<T>[]) => {
        if (this.over || this.network.isCut(this.fromHost, this.toHost)) return;
        this.#later(this.network.delay(), () => {
          if (!this.#cancelled && this.from.alive) this.#deliver(() => sink.events(batch));
        });
      },
      closed: (status) => this.#end(this.network.delay(), status),
    });
  }

  /** The connection is gone; the watcher notices after so long. */
  breakLater(ms: number): void {
    if (this.over) return;
    this.network.counters.watchesBroken++;
    this.#end(ms, undefined);
  }

  cancel(): void {
    this.#cancelled = true;
    this.#close();
  }

  #end(ms: number, status: Status | undefined): void {
    if (this.over) return;
    this.#close();
    this.#later(ms, () => {
      if (!this.#cancelled && this.from.alive) this.#deliver(() => this.ended(status));
    });
  }

  #close(): void {
    this.over = true;
    this.network.forget(this);
    this.#forgetDeath?.();
    this.#forgetOwnDeath?.();
    this.#handle?.cancel();
  }

  #later(ms: number, act: () => void): void {
    const { clock } = this.network;
    this.#lastAt = Math.max(this.#lastAt, clock.now() + ms);
    clock.wakeAt(this.#lastAt, act);
  }

  /** Through the process: one that is stalled or slow reads late. */
  #deliver(act: () => void): void {
    this.from.soon(act);
  }
}
