/** Runs the scheduler: a table from the charts' orders to the queue, the plain placing function and the API. */
import { Cluster, holdsPlace, nodeMatters, podMatters } from "../../machines/scheduler/cluster.ts";
import type { ClusterChange } from "../../machines/scheduler/plugin.ts";
import { podFacts } from "../../machines/scheduler/pod_facts.ts";
import { type Placement, schedulePod } from "../../machines/scheduler/schedule.ts";
import { schedulerMachine } from "../../machines/scheduler/scheduler_machine.ts";
import { type SchedulingEvent, schedulingMachine } from "../../machines/scheduler/scheduling_machine.ts";
import { TurnQueue } from "../../machines/scheduler/turn_queue.ts";
import { isWorthAnotherLook } from "../../machines/scheduler/wake_up.ts";
import { keyOf, type Node, type Pod } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { formatTime } from "../../machines/objects/time.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Random } from "../../ports/random.ts";
import { startCandidate } from "../controllers/leader_election_actor.ts";
import { EventRecorder } from "../events/event_recorder.ts";
import { type Change, type Informer, SharedInformers } from "../informer.ts";
import { actorKind, type ActorSystem, type Address, address, type OrderContext } from "../system.ts";

export interface SchedulerOptions {
  readonly system: ActorSystem;
  /** The process' name in addresses. */
  readonly node: string;
  readonly identity: string;
  readonly client: ApiClient;
  readonly random: Random;
}

/** Pods with this `schedulerName` are this scheduler's. */
const schedulerName = "default-scheduler";

/** Runs for office at once and schedules while in office. */
export function startScheduler(options: SchedulerOptions): Address {
  let running: Scheduler | undefined;
  return startCandidate({
    ...options,
    component: "kube-scheduler",
    startLeading: (self) => {
      running = new Scheduler(options, self);
    },
    stopLeading: () => {
      running?.stop();
      running = undefined;
    },
  });
}

class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #cluster = new Cluster();
  readonly #queue = new TurnQueue<{ key: string; order: OrderContext<SchedulingEvent> }>();
  readonly #informers: SharedInformers;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #events: EventRecorder;
  readonly #address: Address;
  /** Pods that did not fit, with the filters that refused them. */
  readonly #refused = new Map<string, readonly string[]>();
  readonly #kind;
  #unsubscribe: (() => void)[] = [];
  #start = 0;
  #turnsScheduled = false;
  #stopped = false;

  constructor(options: SchedulerOptions, supervisor: Address) {
    const { system, node, client } = options;
    this.#options = options;
    this.#address = address({ node, kind: "scheduler", name: schedulerName });
    this.#informers = new SharedInformers(system, { node, scope: "scheduler", client, supervisor });
    this.#pods = this.#informers.of<Pod>(resources.pods);
    this.#nodes = this.#informers.of<Node>(resources.nodes);
    this.#events = new EventRecorder({ client, clock: system.clock, component: schedulerName });
    this.#kind = actorKind("scheduling", schedulingMachine, {
      takeTurn: ({ key }, order) => this.#enqueue(key, order),
      bindPod: ({ key, node }) => this.#bind(key, node),
      reportUnschedulable: ({ key, message }) => this.#report(key, message),
      leaveQueue: ({ key }) => this.#queue.remove(key),
    });
    const kind = actorKind("scheduler", schedulerMachine, {
      watchCaches: async () => {
        await Promise.all([this.#synced(this.#nodes), this.#synced(this.#pods)]);
        return { type: "caches.synced" } as const;
      },
      followCluster: () => {
        this.#unsubscribe.push(
          this.#nodes.subscribe({ changed: (changes) => this.#nodesChanged(changes) }),
          this.#pods.subscribe({ changed: (changes) => this.#podsChanged(changes) }),
        );
      },
    });
    system.spawn(kind, { address: this.#address, supervisor, input: undefined });
  }

  stop(): void {
    this.#stopped = true;
    for (const each of this.#unsubscribe) each();
    this.#options.system.stop(this.#address);
    this.#informers.stop();
  }

  #synced(informer: Informer<Pod> | Informer<Node>): Promise<void> {
    return new Promise((resolve) => {
      this.#unsubscribe.push(informer.subscribe({ changed() {}, synced: resolve }));
    });
  }

  #nodesChanged(changes: readonly Change<Node>[]): void {
    for (const change of changes) {
      if (change.type === "removed") {
        this.#cluster.removeNode(change.object.metadata.name);
        continue;
      }
      const news = change.type === "added" || nodeMatters(change.object, change.previous);
      this.#cluster.setNode(change.object);
      if (news) this.#wake(change.type === "added" ? "nodeAdded" : "nodeChanged");
    }
  }

  #podsChanged(changes: readonly Change<Pod>[]): void {
    for (const change of changes) {
      const { object: pod } = change;
      const key = keyOf(pod);
      if (change.type === "updated" && !podMatters(pod, change.previous)) continue;
      if (change.type !== "removed" && holdsPlace(pod)) {
        this.#cluster.place(podFacts(pod), pod.spec?.nodeName ?? "");
        this.#tell(key, pod, { type: "pod.removed" });
        if (change.type === "added") this.#wake("podAdded");
      } else if (change.type === "removed" || pod.spec?.nodeName) {
        const placed = this.#cluster.nodeOf(key) !== undefined;
        this.#cluster.remove(key);
        this.#tell(key, pod, { type: "pod.removed" });
        if (placed) this.#wake("podGone");
      } else {
        this.#pending(pod, change.type === "updated");
      }
    }
  }

  /** A pod without a node: if it is ours, it gets an actor of its own. */
  #pending(pod: Pod, changed: boolean): void {
    if ((pod.spec?.schedulerName ?? schedulerName) !== schedulerName) return;
    if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === "Failed") return;
    const key = keyOf(pod);
    const gated = (pod.spec?.schedulingGates ?? []).length > 0;
    const at = this.#addressOf(pod);
    if (this.#options.system.get(at) === undefined) {
      this.#options.system.spawn(this.#kind, { address: at, supervisor: this.#address, input: { key, gated } });
    } else if (changed) {
      this.#options.system.tell(at, { type: gated ? "cluster.changed" : "gates.removed" });
      if (this.#refused.has(key)) this.#options.system.tell(at, { type: "cluster.changed" });
    }
  }

  #addressOf({ metadata: { namespace, name, uid } }: Pod): Address {
    return address({ node: this.#options.node, kind: "scheduling", namespace, name, uid });
  }

  #tell(key: string, pod: Pod, event: SchedulingEvent): void {
    this.#refused.delete(key);
    const at = this.#addressOf(pod);
    if (this.#options.system.get(at) !== undefined) this.#options.system.tell(at, event);
  }

  #wake(change: ClusterChange): void {
    for (const [key, refusedBy] of this.#refused) {
      if (!isWorthAnotherLook(refusedBy, change)) continue;
      const pod = this.#pods.get(key);
      if (pod !== undefined) this.#options.system.tell(this.#addressOf(pod), { type: "cluster.changed" });
    }
  }

  #enqueue(key: string, order: OrderContext<SchedulingEvent>): void {
    this.#refused.delete(key);
    this.#queue.push(key, this.#pods.get(key)?.spec?.priority ?? 0, { key, order });
    if (this.#turnsScheduled) return;
    this.#turnsScheduled = true;
    this.#options.system.clock.soon(() => this.#takeTurns());
  }

  /** Places pods for a few milliseconds, then lets the world in. */
  #takeTurns(): void {
    const { clock } = this.#options.system;
    const deadline = clock.now() + 4;
    this.#turnsScheduled = false;
    for (let turn = this.#queue.shift(); turn !== undefined && !this.#stopped; turn = this.#queue.shift()) {
      this.#place(turn.key, turn.order);
      if (clock.now() >= deadline) break;
    }
    if (this.#queue.size > 0 && !this.#stopped) {
      this.#turnsScheduled = true;
      clock.soon(() => this.#takeTurns());
    }
  }

  #place(key: string, order: OrderContext<SchedulingEvent>): void {
    const pod = this.#pods.get(key);
    if (pod === undefined || !order.outstanding) return;
    const facts = podFacts(pod);
    const { nodes } = this.#cluster;
    const placement: Placement = schedulePod(facts, nodes, this.#start, this.#options.random.next());
    this.#start = nodes.length === 0 ? 0 : (this.#start + placement.seen) % nodes.length;
    if (placement.fits) {
      this.#cluster.place(facts, placement.node);
      order.answer({ type: "turn.placed", node: placement.node });
    } else {
      this.#refused.set(key, placement.refusedBy);
      order.answer({ type: "turn.refused", message: placement.message });
    }
  }

  async #bind(key: string, node: string): Promise<SchedulingEvent> {
    const pod = this.#pods.get(key);
    if (pod === undefined) throw new Error(`Cannot bind pod "${key}": it is gone`);
    const { name, namespace = "", uid } = pod.metadata;
    const target = { apiVersion: "v1", kind: "Node", name: node };
    const binding = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace, uid }, target };
    try {
      await this.#options.client.create(resources.pods, namespace, binding, { name, subresource: "binding" });
    } catch (error) {
      // The answer may have been lost on its way: what the API says of the pod counts.
      if (!this.#pods.get(key)?.spec?.nodeName) this.#cluster.remove(key);
      throw error;
    }
    const message = `Successfully assigned ${key} to ${node}`;
    this.#events.record({ about: pod, type: "Normal", reason: "Scheduled", message, action: "Binding" });
    return { type: "pod.bound" };
  }

  async #report(key: string, message: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod === undefined) return;
    this.#events.record({ about: pod, type: "Warning", reason: "FailedScheduling", message, action: "Scheduling" });
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
    const before = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
    if (before?.reason === "Unschedulable" && before.message === message) return;
    const lastTransitionTime = before?.status === "False"
      ? before.lastTransitionTime
      : formatTime(this.#options.system.clock.wallTime());
    const observedGeneration = pod.metadata.generation;
    const { name, namespace, uid } = pod.metadata;
    const body = {
      metadata: { uid },
      status: { conditions: [{ ...condition, observedGeneration, lastTransitionTime }] },
    };
    try {
      await this.#options.client.patch(resources.pods, namespace, name, "strategic", body, { subresource: "status" });
    } catch {
      // The condition is for people; the pod is looked at again in any case, and may be gone by now.
    }
  }
}
