/**
 * Priority and fairness: each request that ends by itself is put into the flow that a FlowSchema says, and waits for
 * seats of that flow's priority level. Until schemas are known, and where one names a level that is not there, requests
 * are limited by their number alone (`machinery/in_flight.ts`).
 */
import {
  distinguisherOf,
  type FlowRequest,
  type FlowSchema,
  inOrder,
  matches,
} from "../../machines/flow_control/classify.ts";
import {
  type Level,
  type PriorityLevel,
  PriorityLevels,
  type Seated,
} from "../../machines/flow_control/priority_levels.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Following, followResource, ResourceCopy } from "../auth/follow_resource.ts";
import type { UserInfo } from "../machinery/types.ts";

export const group = "flowcontrol.apiserver.k8s.io";
export const schemasRef = { group, version: "v1", resource: "flowschemas" };
export const levelsRef = { group, version: "v1", resource: "prioritylevelconfigurations" };

/** kube-apiserver's: reads and writes that may be under way together. */
const totalSeats = 600;
/** A quarter of the time that a request may take. */
const patienceMs = 15_000;
/** How many flows of one user are remembered. */
const rememberedFlows = 256;

type Waiter = PromiseWithResolvers<void>;

export interface Flow {
  readonly schema: string;
  readonly level: Level<Waiter>;
  /** Of both objects, as every answer tells. */
  readonly headers: Readonly<Record<string, string>>;
  /** Schema and what it tells flows apart by. */
  readonly name: string;
}

interface Counts {
  dispatched: number;
  readonly rejected: Record<string, number>;
}

export class FlowControl {
  readonly #clock: Clock;
  readonly #levels = new PriorityLevels<Waiter>(totalSeats);
  readonly #uids = new Map<string, string>();
  #schemas: readonly FlowSchema[] = [];
  /** By user and what is asked: users are the same objects for as long as their connections last. */
  #known = new WeakMap<UserInfo, Map<string, Flow | undefined>>();
  /** By schema and level. */
  readonly #counts = new Map<string, Counts>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Follows the objects from now on. */
  follow(client: ApiClient): Following {
    const schemas = new ResourceCopy<FlowSchema>(client, schemasRef);
    const levels = new ResourceCopy<PriorityLevel>(client, levelsRef);
    const told = () => this.use([...schemas.values()], [...levels.values()]);
    const follow = <T extends FlowSchema | PriorityLevel>(copy: ResourceCopy<T>, ref: typeof schemasRef) =>
      followResource<T>(client, this.#clock, ref, {
        replaced: (objects) => (copy.replaced(objects), told()),
        changed: (type, object) => (copy.changed(type, object), told()),
      });
    const both = [follow(schemas, schemasRef), follow(levels, levelsRef)];
    return {
      ready: Promise.all(both.map(({ ready }) => ready)).then(() => {}),
      stop: () => both.forEach((each) => each.stop()),
    };
  }

  use(schemas: readonly FlowSchema[], levels: readonly PriorityLevel[]): void {
    this.#levels.configure(levels);
    this.#schemas = inOrder(schemas);
    this.#uids.clear();
    for (const { metadata } of levels) this.#uids.set(metadata.name, metadata.uid ?? "");
    this.#known = new WeakMap();
    this.#dispatch();
  }

  /** The request's flow; undefined: no schema is there for it. */
  flowOf(user: UserInfo, request: Omit<FlowRequest, "user">): Flow | undefined {
    let flows = this.#known.get(user);
    if (flows === undefined) this.#known.set(user, flows = new Map());
    const { verb, group, resource, subresource, namespace, path, resourceRequest } = request;
    const key = resourceRequest ? `${verb} ${group} ${resource} ${subresource} ${namespace}` : `${verb} ${path}`;
    let flow = flows.get(key);
    if (flow !== undefined || flows.has(key)) return flow;
    flow = this.#classified({ ...request, user });
    if (flows.size >= rememberedFlows) flows.clear();
    flows.set(key, flow);
    return flow;
  }

  #classified(request: FlowRequest): Flow | undefined {
    for (const schema of this.#schemas) {
      if (!matches(schema, request)) continue;
      const level = this.#levels.get(schema.spec?.priorityLevelConfiguration.name ?? "");
      if (level === undefined) continue;
      const { name, uid = "" } = schema.metadata;
      return {
        schema: name,
        level,
        headers: {
          "x-kubernetes-pf-flowschema-uid": uid,
          "x-kubernetes-pf-prioritylevel-uid": this.#uids.get(level.name) ?? "",
        },
        name: `${name}\0${distinguisherOf(schema, request)}`,
      };
    }
    return undefined;
  }

  /** @throws ApiError 429 when there is no seat, and none comes free in time. */
  async run<T>(flow: Flow, seats: number, work: () => Promise<T>): Promise<T> {
    const { level } = flow;
    const counts = this.#countsOf(flow);
    const waiter: Waiter = Promise.withResolvers();
    const arrival = this.#levels.arrive(level, flow.name, waiter, seats, this.#clock.now());
    if (arrival.type === "rejected") throw this.#rejected(counts, arrival.reason);
    if (arrival.type === "wait") await this.#turn(arrival.seated, counts);
    counts.dispatched++;
    try {
      return await work();
    } finally {
      this.#levels.finish(arrival.seated, this.#clock.now());
      this.#dispatch();
    }
  }

  async #turn(seated: Seated<Waiter>, counts: Counts): Promise<void> {
    const { promise, reject } = seated.item;
    const wake = this.#clock.wakeAt(this.#clock.now() + patienceMs, () => {
      if (this.#levels.leave(seated)) reject(this.#rejected(counts, "time-out"));
    });
    await promise.finally(() => wake.cancel());
  }

  #rejected(counts: Counts, reason: string): ApiError {
    counts.rejected[reason] = (counts.rejected[reason] ?? 0) + 1;
    const text = "Too many requests, please try again later.";
    return new ApiError(429, "TooManyRequests", text, { retryAfterSeconds: 1 });
  }

  #dispatch(): void {
    for (;;) {
      const seated = this.#levels.next(this.#clock.now());
      if (seated === undefined) return;
      seated.item.resolve();
    }
  }

  #countsOf({ schema, level }: Flow): Counts {
    const key = `flow_schema="${schema}",priority_level="${level.name}"`;
    let counts = this.#counts.get(key);
    if (counts === undefined) this.#counts.set(key, counts = { dispatched: 0, rejected: {} });
    return counts;
  }

  /** Lines for `/metrics`, under kube-apiserver's names. */
  metrics(): string[] {
    const series = (name: string, type: string, help: string, values: readonly string[]) =>
      values.length === 0
        ? []
        : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values.map((each) => name + each)];
    const levels = [...this.#levels.levels()];
    const ofLevels = (value: (level: Level<Waiter>) => number) =>
      levels.map((level) => `{priority_level="${level.name}"} ${value(level)}`);
    const counts = [...this.#counts];
    const prefix = "apiserver_flowcontrol_";
    return [
      ...series(
        `${prefix}dispatched_requests_total`,
        "counter",
        "[BETA] Number of requests executed by API Priority and Fairness subsystem",
        counts.map(([labels, { dispatched }]) => `{${labels}} ${dispatched}`),
      ),
      ...series(
        `${prefix}rejected_requests_total`,
        "counter",
        "[BETA] Number of requests rejected by API Priority and Fairness subsystem",
        counts.flatMap(([labels, { rejected }]) =>
          Object.entries(rejected).map(([reason, count]) => `{${labels},reason="${reason}"} ${count}`)
        ),
      ),
      ...series(
        `${prefix}nominal_limit_seats`,
        "gauge",
        "[BETA] Nominal number of execution seats configured for each priority level",
        ofLevels(({ nominal }) => nominal),
      ),
      ...series(
        `${prefix}current_executing_seats`,
        "gauge",
        "[BETA] Concurrency (number of seats) occupied by the currently executing requests in the API Priority and " +
          "Fairness subsystem",
        ofLevels(({ executing }) => executing),
      ),
      ...series(
        `${prefix}current_inqueue_seats`,
        "gauge",
        "[ALPHA] Number of seats currently pending in queues of the API Priority and Fairness subsystem",
        ofLevels(({ waiting }) => waiting),
      ),
    ];
  }
}
