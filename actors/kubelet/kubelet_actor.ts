/** How the kubelet's own orders are carried out: following the runtime, taking on pods, sweeping up. */
import { kubeletMachine } from "../../machines/kubelet/kubelet_machine.ts";
import type { Pod } from "../../machines/objects/object.ts";
import { labelNames, sandboxContainer } from "../../machines/pod/pod_names.ts";
import type { RuntimeContainer, RuntimeEvent } from "../../ports/container_runtime.ts";
import { pauseArchive, pauseImage } from "../docker/pause_image.ts";
import { actorKind } from "../system.ts";
import type { Change } from "../informer.ts";
import { specHash } from "./container_draft.ts";
import { type FoundPod, sortByPod } from "./inventory.ts";
import type { PodIntake } from "./pod_intake.ts";
import type { PodRecord } from "./pod_record.ts";
import { tellExit } from "./runs.ts";
import { type KubeletWorld, messageOf } from "./world.ts";

export interface NodeView {
  labels(): Readonly<Record<string, string>>;
  /** The runtime answered, or stopped answering. */
  runtimeChanged(reachable: boolean, detail: string): void;
  learnNode(): Promise<void>;
}

export class KubeletActor {
  #found = new Map<string, FoundPod>();
  #raw: readonly RuntimeContainer[] = [];
  #following: { cancel(): void } | undefined;
  readonly kind;

  constructor(readonly world: KubeletWorld, readonly intake: PodIntake, readonly node: NodeView) {
    this.kind = actorKind("kubelet", kubeletMachine, {
      prepareRuntime: async () => {
        await this.#prepare();
        return { type: "runtime.prepared" } as const;
      },
      listRuntime: async ({ follow }) => {
        if (follow) {
          await this.#follow();
          // An engine that started anew has rewritten its own packet-filter rules.
          this.world.options.runtimeConnected?.();
        }
        await this.#list();
        return { type: "runtime.listed" } as const;
      },
      unfollowRuntime: () => {
        this.unfollow();
        this.node.runtimeChanged(false, "the container runtime does not answer");
      },
      takeOnPods: () => this.#takeOnPods(),
      sweepOrphans: () => this.#sweep(),
    });
  }

  unfollow(): void {
    this.#following?.cancel();
    this.#following = undefined;
  }

  /** Facts from the API about pods of this node. */
  podsChanged(changes: readonly Change<Pod>[]): void {
    const { world } = this;
    let added = false;
    for (const { type, object } of changes) {
      if (type === "added") added = true;
      const record = world.records.get(object.metadata.uid);
      if (record === undefined) continue;
      if (type === "removed") {
        world.system.tell(record.address, { type: "pod.objectRemoved" });
        continue;
      }
      const before = record.pod;
      record.pod = object;
      this.#noteChanges(record, before);
    }
    if (added) world.system.tell(world.kubeletAddress, { type: "pods.changed" });
  }

  #noteChanges(record: PodRecord, before: Pod): void {
    const { world } = this;
    const { pod } = record;
    const { deletionTimestamp, deletionGracePeriodSeconds, labels, annotations } = pod.metadata;
    if (
      deletionTimestamp !== undefined &&
      (before.metadata.deletionTimestamp === undefined ||
        before.metadata.deletionGracePeriodSeconds !== deletionGracePeriodSeconds)
    ) this.intake.deletionAsked(record);
    if (labels !== before.metadata.labels || annotations !== before.metadata.annotations) {
      if (world.system.get(record.volumesAddress) !== undefined) {
        world.system.tell(record.volumesAddress, { type: "sources.changed" });
      }
    }
    for (const spec of [...pod.spec?.containers ?? [], ...pod.spec?.initContainers ?? []]) {
      const container = record.containers.get(spec.name);
      if (container === undefined || container.spec === spec) continue;
      const changed = specHash(container.spec) !== specHash(spec);
      container.spec = spec;
      if (changed && container.role !== "init") {
        container.stopReason = "definition changed, will be restarted";
        world.system.tell(container.address, { type: "container.changed" });
      }
    }
    if (pod.spec?.ephemeralContainers !== before.spec?.ephemeralContainers) this.intake.addEphemeral(record);
    // Readiness gates and conditions that others write.
    if (before.status !== pod.status) world.moved(record);
  }

  async #prepare(): Promise<void> {
    const { runtime } = this.world;
    const { architecture } = await runtime.version();
    if (await runtime.inspectImage(pauseImage) === undefined) await runtime.loadImage(pauseArchive(architecture));
    await this.node.learnNode();
  }

  async #follow(): Promise<void> {
    this.unfollow();
    const { world } = this;
    this.#following = await world.runtime.watch(world.owner, {
      event: (event) => this.#heard(event),
      closed: (message) => {
        this.#following = undefined;
        if (!world.stopping) world.system.tell(world.kubeletAddress, { type: "runtime.lost", message });
      },
    });
  }

  /** Everything there is; runs that ended unheard are told now. */
  async #list(): Promise<void> {
    const { world } = this;
    this.#raw = await world.runtime.list(world.owner);
    this.#found = sortByPod(this.#raw);
    const state = new Map(this.#raw.map(({ id, state }) => [id, state]));
    for (const record of world.records.values()) {
      const { sandbox } = record;
      if (sandbox !== undefined && sandbox.pid !== 0 && !sandbox.removing && state.get(sandbox.id) !== "running") {
        this.#sandboxDied(record);
      }
      for (const container of record.containers.values()) {
        const { run } = container;
        if (run === undefined || !run.startAnswered || run.exitTold || state.get(run.id) === "running") continue;
        void tellExit(world, record, container, run).catch(() => {}); // The next list finds it again.
      }
    }
    this.node.runtimeChanged(true, "");
  }

  #heard(event: RuntimeEvent): void {
    const { world } = this;
    const record = world.records.get(event.labels[labelNames.podUid] ?? "");
    if (record === undefined || (event.type !== "exited" && event.type !== "removed")) return;
    if (event.labels[labelNames.container] === sandboxContainer) {
      if (record.sandbox?.id === event.id && !record.sandbox.removing && record.sandbox.pid !== 0) {
        this.#sandboxDied(record);
      }
      return;
    }
    const container = record.containers.get(event.labels[labelNames.container] ?? "");
    const run = container?.run;
    if (container === undefined || run?.id !== event.id || run.exitTold) return;
    tellExit(world, record, container, run).catch((error) => {
      // The engine answers no more: the list after its return finds the end.
      world.podEvent(record, "Warning", "FailedSync", `error determining status: ${messageOf(error)}`);
    });
  }

  #sandboxDied(record: PodRecord): void {
    record.sandbox!.pid = 0;
    const { world } = this;
    world.podEvent(record, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    world.system.tell(record.address, { type: "sandbox.died" });
  }

  #takeOnPods(): void {
    const { world } = this;
    const { cpu, memory } = world.node;
    const pods = world.options.capacity?.pods ?? 110;
    for (const pod of world.pods?.list() ?? []) {
      const { uid } = pod.metadata;
      if (world.records.has(uid)) continue;
      this.intake.takeOn(pod, this.#found.get(uid), { labels: this.node.labels(), cpu, memory, pods });
      this.#found.delete(uid);
    }
  }

  #sweep(): void {
    const { world } = this;
    const wanted = new Set([
      ...world.records.keys(),
      ...(world.pods?.list() ?? []).map(({ metadata }) => metadata.uid),
    ]);
    const byPod = Map.groupBy(this.#raw, ({ labels }) => labels[labelNames.podUid] ?? "");
    for (const [uid, containers] of byPod) if (uid !== "" && !wanted.has(uid)) this.intake.takeDown(uid, containers);
    void this.#sweepRest(wanted).catch((error) => {
      // What is left now is found by the next sweep.
      const subject = { metadata: { name: world.options.nodeName, uid: world.options.nodeName } };
      world.events.record(subject, "Node", "Warning", "OrphanCleanUpFailed", messageOf(error));
    });
  }

  /** Directories and links of pods that neither the API nor the runtime knows. */
  async #sweepRest(wanted: ReadonlySet<string>): Promise<void> {
    const { world } = this;
    for (const uid of await world.volumes.known()) {
      if (!wanted.has(uid) && !world.records.has(uid)) this.intake.takeDown(uid, []);
    }
    const listed = new Set(this.#raw.map(({ id }) => id));
    const inUse = new Set([...world.records.values()].map(({ sandbox }) => sandbox?.id));
    for (const id of (await world.options.network.list()).keys()) {
      if (!listed.has(id) && !inUse.has(id)) await world.options.network.detach(id);
    }
  }
}
