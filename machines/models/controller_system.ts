/**
 * Controllers over an API: the plans that ship, run as `actors/controllers` runs them (one reconciliation of a key at a
 * time, woken by the changes that its caches show, its own writes learned at once), with caches that lag as they like,
 * writes that others overtake, and a controller manager that dies between any two of them.
 */
import type { Controller, Write } from "../controllers/controller.ts";
import { type PlainActor, plainActor, type PlainEvent, type Reaction, type Reactions } from "../check/plain_actor.ts";
import type { Move, PossibleEvent, SystemModel } from "../check/system_model.ts";
import type { EventObject } from "xstate";
import { keyOf, type KubeObject, type Pod } from "../objects/object.ts";
import { resourceName, type ResourceRef, resources } from "../objects/resources.ts";
import { PaperApi, type PaperState, Refusal, type Versions, withObject } from "./paper_api.ts";

export interface ClusterData extends PaperState {
  /** What the manager's caches show. */
  readonly caches: Versions;
  /** Keys that are to be reconciled: `controller key`. */
  readonly awake: Readonly<Record<string, true>>;
  /** Plans under way: the version of what is left to write. */
  readonly plans: Readonly<Record<string, string>>;
}

/** What somebody may do to the objects; undefined: nothing to do it to. */
export interface Deed {
  /** Absent: it is what somebody always does sooner or later, as often as there is something to do. */
  readonly spends?: string;
  act(api: PaperApi, data: ClusterData): ClusterData | undefined;
}

export interface ControllerSystemOptions {
  readonly controllers: readonly Controller[];
  /** Everything there is at the start, made and then left alone until nothing moves. */
  readonly start: (api: PaperApi, empty: ClusterData) => ClusterData;
  readonly deeds?: Readonly<Record<string, Deed>>;
  /** With "crashes": how often the manager dies; with "failures": how often a pod fails. */
  readonly budgets?: Readonly<Record<string, number>>;
  /** Pods that run end well by themselves. */
  readonly completes?: boolean;
  /** Whether the pod's kubelet lives; absent: it does. */
  readonly kubelet?: (api: PaperApi, data: ClusterData, pod: Pod) => boolean;
  readonly rules: (cluster: PlainActor<ClusterData>, api: PaperApi) => Partial<SystemModel>;
  readonly states?: number;
  /** Wall time of a plan; default 0. */
  readonly now?: (api: PaperApi, data: ClusterData) => number;
}

const noPlan = (id: string, { [id]: _, ...others }: ClusterData["plans"]) => others;

export function controllerSystem({ controllers, ...options }: ControllerSystemOptions): SystemModel {
  const api = new PaperApi();
  const budgets = { crashes: 0, failures: 0, ...options.budgets };
  const watched = new Map(
    controllers.flatMap(({ watches, reads = [] }) => [...watches.map(({ resource }) => resource), ...reads])
      .map((resource) => [resourceName(resource), resource]),
  );
  const byName = new Map(controllers.map((each) => [each.name, each]));

  /** The caches show another object; everybody whom that concerns wakes up. */
  const shown = (data: ClusterData, resource: ResourceRef, key: string, version: string | undefined): ClusterData => {
    const name = resourceName(resource);
    const before = data.caches[name]?.[key];
    if (!watched.has(name) || before === version) return data;
    const caches = withObject(data.caches, resource, key, version);
    const was = before === undefined ? undefined : api.object(before);
    const is = version === undefined ? undefined : api.object(version);
    const awake = { ...data.awake };
    const wake = (object: KubeObject, previous?: KubeObject) => {
      for (const { name: controller, watches } of controllers) {
        for (const watch of watches) {
          if (resourceName(watch.resource) !== name) continue;
          for (const each of watch.keys(object, previous, api.caches(caches))) awake[`${controller} ${each}`] = true;
        }
      }
    };
    if (is !== undefined && is.metadata.uid === was?.metadata.uid) wake(is, was);
    else {
      // Made again under the same name is told as gone and new, as an informer does.
      if (was !== undefined) wake(was);
      if (is !== undefined) wake(is);
    }
    return { ...data, caches, awake };
  };
  const synced = (data: ClusterData, name: string): ClusterData => {
    const resource = watched.get(name)!;
    const keys = new Set([...Object.keys(data.caches[name] ?? {}), ...Object.keys(data.objects[name] ?? {})]);
    return [...keys].sort().reduce((now, key) => shown(now, resource, key, data.objects[name]?.[key]), data);
  };
  const lags = ({ caches, objects }: ClusterData, name: string) => {
    const [seen, real] = [caches[name] ?? {}, objects[name] ?? {}];
    const keys = Object.keys(real);
    return keys.length !== Object.keys(seen).length || keys.some((key) => seen[key] !== real[key]);
  };
  const changePod = (data: ClusterData, name: string, change: (pod: Pod) => Pod | undefined): Reaction<ClusterData> => {
    const pod = api.get<Pod>(data, resources.pods, name)!;
    const next = change(pod);
    return {
      data: next === undefined
        ? api.drop(data, resources.pods, name)
        : api.put(data, resources.pods, next as unknown as KubeObject),
    };
  };

  const deeds = options.deeds ?? {};
  const reactions: Reactions<ClusterData> = {
    "caches.caughtUp": (data, { resource }) => ({ data: synced(data, resource) }),
    "plan.made": (data, { id }: PlainEvent) => {
      const [controller = "", key = ""] = id.split(" ");
      const { [id]: _, ...awake } = data.awake;
      let names = 0;
      const plan = byName.get(controller)!.plan(key, api.caches(data.caches), {
        now: options.now?.(api, data) ?? 0,
        suffix: () => `s${++names}`,
      });
      const writes = (plan?.writes ?? []).flatMap((each) => each as Write | Write[])
        .filter(({ type }) => type !== "event");
      if (writes.length === 0) return { data: { ...data, awake } };
      return { data: { ...data, awake, plans: { ...data.plans, [id]: api.version(writes) } } };
    },
    "plan.written": (data, { id }: PlainEvent) => {
      const [write, ...left] = api.content<Write[]>(data.plans[id]!);
      const plans = left.length === 0 ? noPlan(id, data.plans) : { ...data.plans, [id]: api.version(left) };
      let written: ClusterData;
      try {
        written = api.write(data, write!);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { data: { ...data, plans: noPlan(id, data.plans), awake: { ...data.awake, [id]: true } } };
      }
      let now: ClusterData = { ...written, plans };
      for (const [name, resource] of watched) {
        const [before, after] = [data.objects[name] ?? {}, now.objects[name] ?? {}];
        if (before === after) continue;
        for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
          if (before[key] !== after[key]) now = shown(now, resource, key, after[key]);
        }
      }
      return { data: now };
    },
    "manager.restarted": (data) => {
      let fresh: ClusterData = { ...data, caches: {}, plans: {}, awake: {} };
      for (const name of watched.keys()) fresh = synced(fresh, name);
      return { data: fresh };
    },
    "pod.becameReady": (data, { pod }: PlainEvent) =>
      changePod(data, pod, (each) => ({
        ...each,
        status: {
          phase: "Running",
          podIP: each.metadata.uid.replace("uid-", "10.0.0."),
          conditions: [{ type: "Ready", status: "True" }],
        },
      } as Pod)),
    "pod.stopped": (data, { pod }: PlainEvent) =>
      changePod(data, pod, (each) => ({ ...each, status: { phase: "Failed" } } as Pod)),
    "pod.failed": (data, { pod }: PlainEvent) =>
      changePod(data, pod, (each) => ({ ...each, status: { phase: "Failed" } } as Pod)),
    "pod.succeeded": (data, { pod }: PlainEvent) =>
      changePod(data, pod, (each) => ({ ...each, status: { phase: "Succeeded" } } as Pod)),
    "pod.ended": (data, { pod }: PlainEvent) => changePod(data, pod, () => undefined),
    ...Object.fromEntries(
      Object.entries(deeds).map(([name, { act }]) => [name, (data: ClusterData) => {
        const after = act(api, data);
        return after === undefined ? undefined : { data: after };
      }]),
    ),
  };

  const events = (data: ClusterData): PossibleEvent<EventObject>[] => {
    const happens: PossibleEvent<PlainEvent>[] = [];
    for (const name of watched.keys()) {
      if (lags(data, name)) happens.push({ event: { type: "caches.caughtUp", resource: name } });
    }
    for (const id of Object.keys(data.awake).sort()) {
      if (data.plans[id] === undefined) happens.push({ event: { type: "plan.made", id } });
    }
    for (const id of Object.keys(data.plans).sort()) {
      const [write] = api.content<Write[]>(data.plans[id]!);
      happens.push({ event: { type: "plan.written", id, write: sayWrite(write!) } });
    }
    for (const pod of api.list<Pod>(data, resources.pods)) {
      const key = keyOf(pod);
      if (options.kubelet?.(api, data, pod) === false) continue;
      const { phase, conditions = [] } = pod.status ?? {};
      if (pod.metadata.deletionTimestamp !== undefined) {
        const isHeld = (pod.metadata.finalizers ?? []).length > 0;
        if (!isHeld) happens.push({ event: { type: "pod.ended", pod: key } });
        else if (phase !== "Failed" && phase !== "Succeeded") {
          happens.push({ event: { type: "pod.stopped", pod: key } });
        }
      } else if (phase !== "Failed" && phase !== "Succeeded") {
        const isReady = conditions.some(({ type, status }) => type === "Ready" && status === "True");
        if (!isReady) happens.push({ event: { type: "pod.becameReady", pod: key } });
        else if (options.completes) happens.push({ event: { type: "pod.succeeded", pod: key } });
        happens.push({ event: { type: "pod.failed", pod: key }, spends: "failures" });
      }
    }
    for (const [name, { spends }] of Object.entries(deeds)) {
      happens.push({ event: { type: name }, ...(spends !== undefined && { spends }) });
    }
    happens.push({ event: { type: "manager.restarted" }, spends: "crashes" });
    return happens;
  };

  const fair = new Set([
    "caches.caughtUp",
    "plan.made",
    "plan.written",
    "pod.becameReady",
    "pod.succeeded",
    "pod.stopped",
    "pod.ended",
    ...Object.entries(deeds).flatMap(([name, { spends }]) => spends === undefined ? [name] : []),
  ]);
  const empty: ClusterData = { objects: {}, made: 0, caches: {}, awake: {}, plans: {} };
  const start = settled(synchronized(options.start(api, empty)));
  const cluster = plainActor<ClusterData>("cluster", start, reactions, { events });
  const { leadsTo, ...rules } = options.rules(cluster, api);
  return {
    actors: [cluster],
    budgets,
    ...rules,
    ...(leadsTo && { leadsTo }),
    fairness: {
      weak: [(move: Move) => {
        if (move.do !== "event" || !fair.has(move.event.type)) return undefined;
        const { type, id, resource, pod } = move.event as PlainEvent;
        return `${type} ${id ?? resource ?? pod}`;
      }],
    },
    limits: { states: options.states ?? 200_000 },
  };

  function synchronized(data: ClusterData): ClusterData {
    return [...watched.keys()].reduce((now, name) => synced(now, name), data);
  }

  /** Lets everything happen that happens by itself, one thing after the other, until nothing is left. */
  function settled(from: ClusterData): ClusterData {
    let data = from;
    for (let round = 0; round < 1_000; round++) {
      const next = events(data).filter(({ event, spends }) => spends === undefined && fair.has(event.type))
        .map(({ event }) => reactions[event.type]!(data, event as PlainEvent))
        .find((reaction) => reaction !== undefined);
      if (next === undefined) return data;
      data = next.data;
    }
    throw new Error("Cannot start: the controllers do not come to rest");
  }
}

function sayWrite(write: Write): string {
  if (write.type === "event") return "event";
  const { resource } = write.resource;
  if (write.type === "create") {
    const { metadata } = write.object as KubeObject;
    return `create ${resource} ${metadata.name ?? metadata.generateName}`;
  }
  if (write.type === "delete" || write.type === "patch") return `${write.type} ${resource} ${write.name}`;
  if (write.type !== "update") return `${(write as Write).type} ${resource}`;
  const { replicas } = (write.object["spec"] ?? {}) as { replicas?: number };
  const size = write.subresource === undefined && replicas !== undefined ? ` to ${replicas}` : "";
  return `update ${resource} ${write.object.metadata.name}${write.subresource ? ` ${write.subresource}` : ""}${size}`;
}
