/** Runs the scheduler: a table from the charts' orders to the queue, the plain placing function and the API. */
import { Cluster, holdsPlace, nodeMatters, podMatters } from "../../machines/scheduler/cluster.ts";
import type { ClusterChange } from "../../machines/scheduler/plugin.ts";
import { podFacts } from "../../machines/scheduler/pod_facts.ts";
import { type Placement, schedulePod } from "../../machines/scheduler/schedule.ts";
import { schedulerMachine } from "../../machines/scheduler/scheduler_machine.ts";
import { type SchedulingEvent, schedulingMachine } from "../../machines/scheduler/scheduling_machine.ts";
import { TurnQueue } from "../../machines/scheduler/turn_queue.ts";
import { isWorthAnotherLook } from "../../machines/scheduler/wake_up.ts";
import {
  keyOf,
  type KubeObject,
  type Namespace,
  type Node,
  type PersistentVolumeClaim,
  type Pod,
} from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Random } from "../../ports/random.ts";
import { startCandidate } from "../controllers/leader_election_actor.ts";
import { type Change, type Informer, SharedInformers } from "../informer.ts";
import { actorKind, type ActorSystem, type Address, address, type OrderContext } from "../system.ts";
import { schedulerName, SchedulerWrites } from "./scheduler_writes.ts";

export interface SchedulerOptions {
  readonly system: ActorSystem;
  /** The process' name in addresses. */
  readonly node: string;
  readonly identity: string;
  readonly client: ApiClient;
  readonly random: Random;
}

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
  readonly #cluster: Cluster;
  readonly #queue = new TurnQueue<{ key: string; order: OrderContext<SchedulingEvent> }>();
  readonly #informers: SharedInformers;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #namespaces: Informer<Namespace>;
  readonly #writes: SchedulerWrites;
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
    this.#claims = this.#informers.of<PersistentVolumeClaim>(resources.persistentVolumeClaims);
    this.#namespaces = this.#informers.of<Namespace>(resources.namespaces);
    this.#cluster = new Cluster({
      namespaces: () => this.#namespaces.list().map(({ metadata }) => metadata.name),
      labelsOf: (namespace) => this.#namespaces.get(namespace)?.metadata.labels,
      claim: (key) => this.#claims.get(key),
    });
    const writes = new SchedulerWrites({ system, client }, this.#pods, this.#cluster, () => this.#wake("podGone"));
    this.#writes = writes;
    this.#kind = actorKind("scheduling", schedulingMachine, {
      takeTurn: ({ key }, order) => this.#enqueue(key, order),
      bindPod: ({ key, node }) => writes.bind(key, node),
      reportUnschedulable: ({ key, message }) => writes.report(key, message),
      makeRoom: ({ key, node, victims }) => writes.makeRoom(key, node, victims),
      leaveQueue: ({ key }) => this.#queue.remove(key),
    });
    const kind = actorKind("scheduler", schedulerMachine, {
      watchCaches: async () => {
        const read = [this.#nodes, this.#pods, this.#claims, this.#namespaces];
        await Promise.all(read.map((informer) => this.#synced(informer as Informer<KubeObject>)));
        return { type: "caches.synced" } as const;
      },
      followCluster: () => {
        this.#unsubscribe.push(
          this.#nodes.subscribe({ changed: (changes) => this.#nodesChanged(changes) }),
          this.#claims.subscribe({ changed: () => this.#wake("claimChanged") }),
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

  #synced(informer: Informer<KubeObject>): Promise<void> {
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
        // Of what it asked for itself, its own actor hears by the answer.
        if (this.#writes.binding.get(key) !== pod.spec?.nodeName) this.#tell(key, pod, { type: "pod.removed" });
        this.#wake(change.type === "added" || !change.previous.spec?.nodeName ? "podAdded" : "podChanged");
      } else if (change.type === "removed" || pod.spec?.nodeName) {
        // Room that was being made for it is free, too.
        const held = this.#cluster.nodeOf(key) !== undefined || this.#cluster.nominatedNode(key) !== undefined;
        this.#cluster.remove(key);
        this.#cluster.forgetNomination(key);
        this.#tell(key, pod, { type: "pod.removed" });
        if (held) this.#wake("podGone");
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
    const nominated = pod.status?.nominatedNodeName;
    if (nominated && this.#cluster.nominatedNode(key) === undefined) this.#cluster.nominate(podFacts(pod), nominated);
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
      try {
        this.#place(turn.key, turn.order);
      } catch (error) {
        turn.order.fail(error); // One pod that cannot be judged must not end the scheduler.
      }
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
    const cluster = this.#cluster;
    const facts = podFacts(pod);
    const count = cluster.nodes.length;
    const nominatedBefore = cluster.nominatedNode(key);
    const placement: Placement = schedulePod(facts, cluster, this.#start, this.#options.random.next());
    this.#start = count === 0 ? 0 : (this.#start + placement.seen) % count;
    if (placement.fits) {
      cluster.place(facts, placement.node);
      if (nominatedBefore !== undefined && nominatedBefore !== placement.node) this.#wake("podGone");
      order.answer({ type: "turn.placed", node: placement.node });
      return;
    }
    const { message, preemption, nominated } = placement;
    if (nominated === undefined) cluster.forgetNomination(key);
    else cluster.nominate(facts, nominated);
    // What was kept free for it is not any more.
    if (nominatedBefore !== undefined && nominatedBefore !== nominated) this.#wake("podGone");
    this.#refused.set(key, placement.refusedBy);
    const victims = (preemption?.victims ?? []).map((victim) => ({ key: victim.key, uid: victim.pod.metadata.uid }));
    order.answer({ type: "turn.refused", message, preempts: preemption?.node ?? "", victims });
  }
}
