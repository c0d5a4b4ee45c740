/** What the scheduler tells the API: bindings, why pods do not fit, and whom it asks to go. */
import { conditionPatch, disruptionTarget } from "../../machines/controllers/pod_conditions.ts";
import type { Pod } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { formatTime } from "../../machines/objects/time.ts";
import type { Cluster } from "../../machines/scheduler/cluster.ts";
import type { SchedulingEvent, Victim } from "../../machines/scheduler/scheduling_machine.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import { EventRecorder } from "../events/event_recorder.ts";
import type { Informer } from "../informer.ts";
import type { ActorSystem } from "../system.ts";

/** Pods with this `schedulerName` are this scheduler's. */
export const schedulerName = "default-scheduler";

export class SchedulerWrites {
  readonly #events: EventRecorder;
  /** Pods whose binding has been asked for, with the node. */
  readonly binding = new Map<string, string>();

  constructor(
    readonly options: { readonly system: ActorSystem; readonly client: ApiClient },
    readonly pods: Informer<Pod>,
    readonly cluster: Cluster,
    /** A place that was promised is free again: whoever did not fit for it must hear so. */
    readonly freed: () => void,
  ) {
    const { client, system } = options;
    this.#events = new EventRecorder({ client, clock: system.clock, component: schedulerName });
  }

  async bind(key: string, node: string): Promise<SchedulingEvent> {
    const pod = this.pods.get(key);
    if (pod === undefined) throw new Error(`Cannot bind pod "${key}": it is gone`);
    const { name, namespace = "", uid } = pod.metadata;
    const target = { apiVersion: "v1", kind: "Node", name: node };
    const binding = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace, uid }, target };
    this.binding.set(key, node);
    try {
      await this.options.client.create(resources.pods, namespace, binding, { name, subresource: "binding" });
    } catch (error) {
      // The answer may have been lost on its way: what the API says of the pod counts.
      if (await this.#nodeInApi(pod) !== node) {
        this.cluster.remove(key);
        this.freed();
        throw error;
      }
    } finally {
      this.binding.delete(key);
    }
    const message = `Successfully assigned ${key} to ${node}`;
    this.#events.record({ about: pod, type: "Normal", reason: "Scheduled", message, action: "Binding" });
    return { type: "pod.bound" };
  }

  /** Asked for: the informer may be late, and the place must not be given away meanwhile. */
  async #nodeInApi({ metadata: { namespace, name, uid } }: Pod): Promise<string | undefined> {
    try {
      const found = await this.options.client.get<Pod>(resources.pods, namespace, name);
      return found.metadata.uid === uid ? found.spec?.nodeName : undefined;
    } catch {
      const key = namespace === undefined ? name : `${namespace}/${name}`;
      return this.pods.get(key)?.spec?.nodeName;
    }
  }

  async report(key: string, message: string): Promise<void> {
    const pod = this.pods.get(key);
    if (pod === undefined) return;
    this.#events.record({ about: pod, type: "Warning", reason: "FailedScheduling", message, action: "Scheduling" });
    const before = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
    const nominated = this.cluster.nominatedNode(key);
    const said = before?.reason === "Unschedulable" && before.message === message;
    if (said && pod.status?.nominatedNodeName === nominated) return;
    const lastTransitionTime = before?.status === "False" && before.lastTransitionTime !== undefined
      ? before.lastTransitionTime
      : formatTime(this.options.system.clock.wallTime());
    const { generation, name, namespace } = pod.metadata;
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      ...(generation !== undefined && { observedGeneration: generation }),
      lastTransitionTime,
    } as const;
    const body = conditionPatch(pod, condition, { nominatedNodeName: nominated ?? null });
    try {
      await this.options.client.patch(resources.pods, namespace, name, "strategic", body, { subresource: "status" });
    } catch {
      // The condition is for people; the pod is looked at again in any case, and may be gone by now.
    }
  }

  async makeRoom(key: string, node: string, victims: readonly Victim[]): Promise<void> {
    const uid = this.pods.get(key)?.metadata.uid;
    await Promise.all(victims.map((victim) => this.#end(victim, `Preempted by pod ${uid} on node ${node}`)));
  }

  async #end({ key, uid }: Victim, message: string): Promise<void> {
    const { client, system } = this.options;
    const pod = this.pods.get(key);
    if (pod === undefined || pod.metadata.uid !== uid || pod.metadata.deletionTimestamp !== undefined) return;
    const { name, namespace } = pod.metadata;
    const why = `${schedulerName}: preempting to accommodate a higher priority pod`;
    const condition = disruptionTarget(pod, "PreemptionByScheduler", why, formatTime(system.clock.wallTime()));
    try {
      const body = conditionPatch(pod, condition);
      await client.patch(resources.pods, namespace, name, "strategic", body, { subresource: "status" });
      await client.delete(resources.pods, namespace, name, { preconditions: { uid } });
    } catch {
      return; // It may be gone; the pod that needs the room is looked at again and chooses anew.
    }
    this.#events.record({ about: pod, type: "Normal", reason: "Preempted", message, action: "Preempting" });
  }
}
