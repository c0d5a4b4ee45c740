/**
 * Pods on their way to nodes: the chart of each, the placing of production over what the scheduler has seen, and an API
 * that is late, fails, or binds and does not say so.
 */
import { plainActor, type PlainEnvelope } from "../check/plain_actor.ts";
import { systemActor, type SystemModel, type SystemState } from "../check/system_model.ts";
import type { Node, Pod } from "../objects/object.ts";
import { Cluster, podFacts } from "../scheduler/cluster.ts";
import type { ClusterChange } from "../scheduler/plugin.ts";
import { type Placement, schedulePod } from "../scheduler/schedule.ts";
import { schedulingMachine, type Victim } from "../scheduler/scheduling_machine.ts";
import { isWorthAnotherLook } from "../scheduler/wake_up.ts";

export interface SchedulerSystemOptions {
  readonly pods: readonly {
    readonly name: string;
    readonly priority?: number;
    readonly cpu?: number;
    readonly gated?: boolean;
  }[];
  /** How many CPUs each has. */
  readonly nodes: readonly number[];
  /** Of "failures" and "deletions". */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly machine?: typeof schedulingMachine;
  readonly place?: typeof schedulePod;
  readonly wakes?: typeof isWorthAnotherLook;
}

interface Seen {
  readonly node: string;
  readonly deleting: boolean;
}

interface Scheduler {
  /** The informer's cache. */
  readonly seen: Readonly<Record<string, Seen>>;
  readonly promised: Readonly<Record<string, string>>;
  readonly binding: Readonly<Record<string, string>>;
  readonly nominated: Readonly<Record<string, string>>;
  readonly refused: Readonly<Record<string, readonly string[]>>;
  readonly queue: readonly string[];
}

interface Api {
  readonly pods: Readonly<Record<string, Seen>>;
  readonly mood: "fine" | "refuses" | "bindsInSilence";
}

const without = <T>(record: Readonly<Record<string, T>>, name: string): Readonly<Record<string, T>> => {
  const { [name]: _, ...others } = record;
  return others;
};

export function schedulerSystem(options: SchedulerSystemOptions): SystemModel {
  const { place = schedulePod, wakes = isWorthAnotherLook } = options;
  const budgets = { failures: 0, deletions: 0, ...options.budgets };
  const nodes = options.nodes.map((cpu, index) =>
    ({
      metadata: { name: `node-${index}`, labels: {} },
      spec: {},
      status: { allocatable: { cpu: String(cpu), memory: "64Gi", pods: "110" } },
    }) as unknown as Node
  );
  const needs = new Map(options.pods.map(({ name, cpu = 1 }) => [name, cpu]));
  const priorities = new Map(options.pods.map(({ name, priority = 0 }) => [name, priority]));
  const podOf = (name: string, { node, deleting }: Seen): Pod =>
    ({
      metadata: {
        name,
        namespace: "n",
        uid: name,
        creationTimestamp: "2026-01-01T00:00:00Z",
        ...(deleting && { deletionTimestamp: "2026-01-01T00:01:00Z" }),
      },
      spec: {
        priority: priorities.get(name),
        containers: [{ name: "c", resources: { requests: { cpu: String(needs.get(name)) } } }],
        ...(node !== "" && { nodeName: node }),
      },
    }) as unknown as Pod;
  const nameOf = (key: string) => key.slice("n/".length);

  const clusterOf = ({ seen, promised, nominated }: Scheduler): Cluster => {
    const cluster = new Cluster();
    for (const node of nodes) cluster.setNode(node);
    for (const [name, each] of Object.entries(seen)) {
      const node = each.node || promised[name];
      if (node) cluster.place(podFacts(podOf(name, each)), node);
    }
    for (const [name, node] of Object.entries(nominated)) {
      const each = seen[name];
      if (each !== undefined) cluster.nominate(podFacts(podOf(name, each)), node);
    }
    return cluster;
  };
  const wake = ({ refused, seen }: Scheduler, change: ClusterChange): PlainEnvelope[] =>
    Object.keys(refused).filter((name) => seen[name] !== undefined && wakes(refused[name]!, change))
      .map((name) => ({ to: name, event: { type: "cluster.changed" } }));

  const unbound: Readonly<Record<string, Seen>> = Object.fromEntries(
    options.pods.map(({ name }) => [name, { node: "", deleting: false }]),
  );
  const start: Scheduler = { seen: unbound, promised: {}, binding: {}, nominated: {}, refused: {}, queue: [] };
  const scheduler = plainActor<Scheduler>("scheduler", start, {
    "turn.asked": (data, { pod }) => ({
      data: {
        ...data,
        refused: without(data.refused, pod),
        queue: [...data.queue.filter((each) => each !== pod), pod],
      },
    }),
    "queue.left": (data, { pod }) => ({ data: { ...data, queue: data.queue.filter((each) => each !== pod) } }),
    "turn.comes": (data) => {
      const rank = (name: string) => priorities.get(name) ?? 0;
      const [name] = [...data.queue].sort((a, b) => rank(b) - rank(a) || data.queue.indexOf(a) - data.queue.indexOf(b));
      if (name === undefined) return undefined;
      const queue = data.queue.filter((each) => each !== name);
      const pod = data.seen[name];
      if (pod === undefined) return { data: { ...data, queue } };
      const placement: Placement = place(podFacts(podOf(name, pod)), clusterOf(data), 0, 0);
      const answer = (event: PlainEnvelope["event"]) => [{ to: name, answers: "takeTurn", event }];
      if (placement.fits) {
        const promised = { ...data.promised, [name]: placement.node };
        return {
          data: { ...data, queue, promised, nominated: without(data.nominated, name) },
          sends: [
            ...(![undefined, placement.node].includes(data.nominated[name]) ? wake(data, "podGone") : []),
            ...answer({ type: "turn.placed", node: placement.node }),
          ],
        };
      }
      const { refusedBy, preemption, nominated } = placement;
      const victims = (preemption?.victims ?? []).map(({ key, pod }) => ({ key, uid: pod.metadata.uid }));
      return {
        data: {
          ...data,
          queue,
          refused: { ...data.refused, [name]: [...refusedBy] },
          nominated: nominated === undefined ? without(data.nominated, name) : { ...data.nominated, [name]: nominated },
        },
        sends: [
          ...(![undefined, nominated].includes(data.nominated[name]) ? wake(data, "podGone") : []),
          ...answer({ type: "turn.refused", message: "", preempts: preemption?.node ?? "", victims }),
        ],
      };
    },
    "bind.begun": (data, { pod, node }) => ({ data: { ...data, binding: { ...data.binding, [pod]: node } } }),
    "bind.ended": (data, { pod, failed }) => {
      const after = { ...data, binding: without(data.binding, pod) };
      if (!failed) return { data: after };
      const now = { ...after, promised: without(after.promised, pod) };
      return { data: now, sends: wake(now, "podGone") };
    },
    "pod.seen": (data, { pod, node, deleting }) => {
      const before = data.seen[pod];
      const seen = { ...data.seen, [pod]: { node, deleting } };
      const after = { ...data, seen };
      if (node === "") return { data: after };
      const now = { ...after, promised: without(after.promised, pod), nominated: without(after.nominated, pod) };
      const isOurs = data.binding[pod] === node;
      return {
        data: isOurs ? now : { ...now, refused: without(now.refused, pod) },
        sends: [
          ...(isOurs ? [] : [{ to: pod, event: { type: "pod.removed" } }]),
          ...wake(now, before?.node ? "podChanged" : "podAdded"),
        ],
      };
    },
    "pod.unseen": (data, { pod }) => {
      const held = Boolean(data.seen[pod]?.node) || data.promised[pod] !== undefined ||
        data.nominated[pod] !== undefined;
      const now = {
        ...data,
        seen: without(data.seen, pod),
        promised: without(data.promised, pod),
        nominated: without(data.nominated, pod),
        refused: without(data.refused, pod),
      };
      return {
        data: now,
        sends: [{ to: pod, event: { type: "pod.removed" } }, ...(held ? wake(now, "podGone") : [])],
      };
    },
  }, { events: ({ queue }) => queue.length > 0 ? [{ event: { type: "turn.comes" } }] : [] });

  const shown = (name: string, { node, deleting }: Seen): PlainEnvelope => ({
    to: "scheduler",
    event: { type: "pod.seen", pod: name, node, deleting },
  });
  const ended = (data: Api, name: string) => {
    const pod = data.pods[name];
    if (pod === undefined || pod.deleting) return undefined;
    // Without a node there is no kubelet that would have to end it.
    if (pod.node === "") {
      return {
        data: { ...data, pods: without(data.pods, name) },
        sends: [{ to: "scheduler", event: { type: "pod.unseen", pod: name } }],
      };
    }
    const next = { ...pod, deleting: true };
    return { data: { ...data, pods: { ...data.pods, [name]: next } }, sends: [shown(name, next)] };
  };
  const api = plainActor<Api>("api", { pods: unbound, mood: "fine" }, {
    "trouble.begins": (data, { mood }) => ({ data: { ...data, mood } }),
    "bind.asked": (data, { pod: name, node }) => {
      const pod = data.pods[name];
      const may = pod !== undefined && pod.node === "" && !pod.deleting && data.mood !== "refuses";
      const bound = { node, deleting: false };
      const after: Api = { pods: may ? { ...data.pods, [name]: bound } : data.pods, mood: "fine" };
      // Whether it is bound is asked for when the answer was lost.
      const well = may || (pod?.node === node && data.mood !== "refuses");
      const event = well ? { type: "pod.bound" } : { type: "bind.failed", reason: "Error", message: "refused" };
      const ending: PlainEnvelope[] = [
        { to: "scheduler", event: { type: "bind.ended", pod: name, failed: !well } },
        { to: name, answers: "bindPod", event },
      ];
      const seen = may ? [shown(name, bound)] : [];
      return { data: after, sends: data.mood === "bindsInSilence" ? [...seen, ...ending] : [...ending, ...seen] };
    },
    "victims.ended": (data, { victims }) => {
      let after = data;
      const sends: PlainEnvelope[] = [];
      for (const { key } of victims as readonly Victim[]) {
        const reaction = ended(after, nameOf(key));
        if (reaction === undefined) continue;
        after = reaction.data;
        sends.push(...reaction.sends);
      }
      return { data: after, sends };
    },
    "user.deletes": (data, { pod }) => ended(data, pod),
    "kubelet.ended": (data, { pod }) => ({
      data: { ...data, pods: without(data.pods, pod) },
      sends: [{ to: "scheduler", event: { type: "pod.unseen", pod } }],
    }),
  }, {
    events: ({ pods, mood }) => [
      ...(mood === "fine"
        ? (["refuses", "bindsInSilence"] as const).map((next) => ({
          event: { type: "trouble.begins", mood: next },
          spends: "failures",
        }))
        : []),
      ...Object.entries(pods).flatMap(([pod, { deleting }]) =>
        deleting ? [{ event: { type: "kubelet.ended", pod } }] : [
          { event: { type: "user.deletes", pod }, spends: "deletions" },
        ]
      ),
    ],
  });

  const pods = options.pods.map(({ name, gated = false }) =>
    systemActor(name, options.machine ?? schedulingMachine, {
      input: { key: `n/${name}`, gated },
      // Whoever put the gate there takes it away when it likes.
      ...(gated && { events: [{ event: { type: "gates.removed" } }] }),
      facts: { "turn.placed": [], "turn.refused": [] },
      sends: {
        takeTurn: () => ({ to: "scheduler", event: { type: "turn.asked", pod: name } }),
        leaveQueue: () => ({ to: "scheduler", event: { type: "queue.left", pod: name } }),
        bindPod: ({ node }: { node: string }) => [
          { to: "scheduler", event: { type: "bind.begun", pod: name, node } },
          { to: "api", event: { type: "bind.asked", pod: name, node } },
        ],
        makeRoom: ({ victims }: { victims: readonly Victim[] }) => ({
          to: "api",
          event: { type: "victims.ended", by: name, victims },
        }),
      },
      // Nothing may depend on the look that comes every five minutes.
      allows: (event) => !event.type.includes("flushInterval"),
    })
  );
  const of = (state: SystemState): Api => state.of(api).view;
  const used = (state: SystemState, node: string) =>
    Object.entries(of(state).pods).filter(([, pod]) => pod.node === node)
      .reduce((sum, [name]) => sum + needs.get(name)!, 0);

  return {
    actors: [...pods, scheduler, api],
    network: { order: "ordered" },
    processes: [{ name: "scheduler-process", actors: ["scheduler", ...needs.keys()], restarts: () => [] }],
    budgets,
    always: {
      "no node has more than it can hold": (state) =>
        options.nodes.every((cpu, index) => used(state, `node-${index}`) <= cpu),
    },
    eachStep: {
      "only pods of lower priority make room": (_, { move }) => {
        if (move.do !== "deliver" || move.message.event.type !== "victims.ended") return true;
        const { by, victims } = move.message.event as unknown as { by: string; victims: readonly Victim[] };
        return victims.every(({ key }) => priorities.get(nameOf(key))! < priorities.get(by)!);
      },
      "nobody is bound twice": (before, _, after) =>
        Object.entries(of(before).pods).every(([name, { node }]) =>
          node === "" || (of(after).pods[name]?.node ?? node) === node
        ),
    },
    sometimes: {
      "somebody is bound": (state) => Object.values(of(state).pods).some(({ node }) => node !== ""),
    },
    eventuallyAlways: {
      "no pod waits while there is room for it": (state) =>
        Object.entries(of(state).pods).every(([name, pod]) =>
          pod.node !== "" || pod.deleting || state.locals.some((local) => local.name === name && local.is("gated")) ||
          options.nodes.every((cpu, index) => used(state, `node-${index}`) + needs.get(name)! > cpu)
        ),
      "no pod waits for one of lower priority": (state) =>
        Object.entries(of(state).pods).every(([name, { node, deleting }]) =>
          node !== "" || deleting ||
          Object.entries(of(state).pods).every(([other, each]) =>
            each.node === "" || priorities.get(other)! >= priorities.get(name)! || needs.get(other)! < needs.get(name)!
          )
        ),
    },
    fairness: {
      weak: [
        "deliver",
        "timer",
        (move) =>
          move.do === "event" && (move.event.type === "turn.comes" || move.event.type === "kubelet.ended")
            ? `${move.event.type} ${JSON.stringify(move.event)}`
            : undefined,
      ],
    },
    limits: { states: 400_000 },
  };
}
