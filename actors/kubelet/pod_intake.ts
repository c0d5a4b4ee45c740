/** Taking pods on: a record and an actor for each, from the API's object and what the runtime has of it. */
import type { ContainerInput } from "../../machines/container/container_machine.ts";
import { containerMachine } from "../../machines/container/container_machine.ts";
import { needsAddress } from "../../machines/container/environment.ts";
import { refusalOf } from "../../machines/kubelet/admission.ts";
import { statusMachine } from "../../machines/kubelet/status_machine.ts";
import type { Container, Pod } from "../../machines/objects/object.ts";
import { type PodInput, podMachine } from "../../machines/pod/pod_machine.ts";
import { labelNames } from "../../machines/pod/pod_names.ts";
import { refreshMachine } from "../../machines/volumes/refresh_machine.ts";
import type { RuntimeContainer } from "../../ports/container_runtime.ts";
import { type ActorKind, actorKind } from "../system.ts";
import { pathOf } from "../../machines/container/container_view.ts";
import { containerKind, noteBackOff } from "./container_actor.ts";
import { specHash } from "./container_draft.ts";
import { adopt, type FoundPod } from "./inventory.ts";
import type { ContainerRecord, PodRecord, RunRecord } from "./pod_record.ts";
import { podKind } from "./pod_actor.ts";
import { Probes } from "./probe_actor.ts";
import { statusKind } from "./status_actor.ts";
import { type KubeletWorld, messageOf } from "./world.ts";

export class PodIntake {
  readonly #podKind: ActorKind<typeof podMachine>;
  readonly #containerKind: ActorKind<typeof containerMachine>;
  readonly #statusKind: ActorKind<typeof statusMachine>;
  readonly #volumesKind: ActorKind<typeof refreshMachine>;

  constructor(readonly world: KubeletWorld) {
    this.#podKind = podKind(world, {
      superviseContainers: (record) => this.#superviseContainers(record),
      keepVolumesFresh: (record) => this.#keepVolumesFresh(record),
    });
    this.#containerKind = containerKind(world, new Probes(world));
    this.#statusKind = statusKind(world);
    this.#volumesKind = actorKind("volumes", refreshMachine, {
      refreshVolumes: async (_, { self }) => {
        const record = world.recordAt(self);
        return await world.onVolumes(record, async () => {
          try {
            await world.volumes.refresh(record);
          } catch (error) {
            world.podEvent(record, "Warning", "FailedMount", messageOf(error));
            throw error;
          }
          return { type: "volumes.refreshed" } as const;
        });
      },
    });
  }

  takeOn(pod: Pod, found: FoundPod | undefined, node: Parameters<typeof refusalOf>[2]): void {
    const { world } = this;
    const { uid } = pod.metadata;
    const record = this.#recordOf(pod, found, false);
    const isNew = found === undefined && pod.status?.startTime === undefined;
    const others = [...world.records.values()].filter((each) => !each.orphan).map((each) => each.pod)
      .filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed");
    const refusal = isNew ? refusalOf(pod, others, node) : undefined;
    world.records.set(uid, record);
    world.sources.podTakenOn();
    if (refusal !== undefined) {
      record.because = { reason: refusal.reason, message: `Pod was rejected: ${refusal.message}` };
      world.podEvent(record, "Warning", refusal.reason, refusal.message);
    }
    this.#spawn(record, { ...inputOf(world, record, found), ...(refusal === undefined ? {} : refused) });
    world.system.spawn(this.#statusKind, {
      address: record.statusAddress,
      supervisor: record.address,
      input: undefined,
    });
    world.moved(record);
    if (pod.metadata.deletionTimestamp !== undefined) this.deletionAsked(record);
  }

  /** A pod of the runtime that the API does not know: everything of it goes. */
  takeDown(uid: string, found: readonly RuntimeContainer[]): void {
    const labels = found[0]?.labels ?? {};
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: labels[labelNames.podName] ?? "unknown",
        namespace: labels[labelNames.podNamespace] ?? "unknown",
        uid,
        resourceVersion: "",
        creationTimestamp: this.world.now(),
      },
      spec: { containers: [] },
    } as unknown as Pod;
    const record = this.#recordOf(pod, undefined, true);
    this.world.records.set(uid, record);
    this.#spawn(record, {
      inits: [],
      apps: [],
      restartPolicy: "Never",
      graceMs: 0,
      found: { sandbox: "none", initialized: true, orphan: true },
    });
  }

  deletionAsked(record: PodRecord): void {
    const seconds = record.pod.metadata.deletionGracePeriodSeconds ?? 30;
    this.world.system.tell(record.address, { type: "pod.deletionAsked", graceMs: seconds * 1000 });
  }

  #spawn(record: PodRecord, input: PodInput): void {
    const { world } = this;
    const handle = world.system.spawn(this.#podKind, {
      address: record.address,
      supervisor: world.kubeletAddress,
      input,
      // After a fault the records stand for what the runtime has.
      recover: () => ({
        ...input,
        found: {
          ...input.found,
          sandbox: record.sandbox === undefined ? "none" : "up",
          initialized: [...record.containers.values()].some(({ role, run }) => role === "app" && run !== undefined),
        },
      }),
    });
    handle.subscribe((snapshot) => {
      if (snapshot.status === "done") {
        world.records.delete(record.pod.metadata.uid);
        world.system.stop(record.statusAddress);
      } else {
        this.#startEphemeral(record);
        world.moved(record);
      }
    });
  }

  /** Containers that were added to a pod while it runs (kubectl debug). */
  addEphemeral(record: PodRecord): void {
    for (const spec of (record.pod.spec?.ephemeralContainers ?? []) as Container[]) {
      if (record.containers.has(spec.name)) continue;
      const container = this.#containerRecord(record.pod, spec, "ephemeral", undefined);
      record.containers.set(spec.name, container);
      this.#supervise(record, container);
    }
    this.#startEphemeral(record);
  }

  #startEphemeral(record: PodRecord): void {
    const snapshot = this.world.system.get(record.address)?.getSnapshot();
    if (snapshot === undefined || !snapshot.matches({ active: "running" })) return;
    for (const container of record.containers.values()) {
      if (container.role !== "ephemeral" || container.asked || container.found !== "nothing") continue;
      container.asked = true;
      this.world.system.tell(container.address, { type: "container.startAsked" });
    }
  }

  #superviseContainers(record: PodRecord): void {
    for (const container of record.containers.values()) this.#supervise(record, container);
  }

  #supervise(record: PodRecord, container: ContainerRecord): void {
    const { world } = this;
    const handle = world.system.spawn(this.#containerKind, {
      address: container.address,
      supervisor: record.address,
      input: containerInput(record, container),
      recover: () => {
        const { run } = container;
        const ended = run?.facts.finishedAt !== undefined;
        const outcome = run?.facts.exitCode === 0 ? "completed" : "failed";
        const found = run === undefined ? "nothing" : ended ? outcome : "running";
        return { ...containerInput(record, container), found };
      },
    });
    // Its definition was changed while no kubelet looked.
    if (container.found === "running" && container.foundHash !== specHash(container.spec)) {
      container.stopReason = "definition changed, will be restarted";
      world.system.tell(container.address, { type: "container.changed" });
    }
    handle.subscribe((snapshot) => {
      noteBackOff(world, record, container, pathOf(snapshot.value));
      world.moved(record);
    });
  }

  #keepVolumesFresh(record: PodRecord): void {
    const { world } = this;
    if (world.options.standIn !== undefined || world.system.get(record.volumesAddress) !== undefined) return;
    world.system.spawn(this.#volumesKind, {
      address: record.volumesAddress,
      supervisor: record.address,
      input: undefined,
    });
    world.volumes.follow(record, () => {
      if (world.system.get(record.volumesAddress) === undefined) return;
      world.system.tell(record.volumesAddress, { type: "sources.changed" });
    });
  }

  #recordOf(pod: Pod, found: FoundPod | undefined, orphan: boolean): PodRecord {
    const { world } = this;
    const sandbox = found?.sandbox;
    const record: PodRecord = {
      pod,
      address: world.addressOf("pod", pod),
      statusAddress: world.addressOf("podStatus", pod),
      volumesAddress: world.addressOf("volumes", pod),
      containers: new Map(),
      startTime: (pod.status?.startTime as string | undefined) ?? world.now(),
      sandbox: sandbox === undefined
        ? undefined
        : { id: sandbox.container.id, attempt: sandbox.attempt, pid: sandbox.container.pid, removing: false },
      nextSandbox: sandbox === undefined ? 0 : sandbox.attempt,
      // Until the network is looked at, what the API was told last.
      podIPs: (pod.status?.podIPs ?? []).map(({ ip }) => ip as string),
      sandboxWork: Promise.resolve(),
      volumeWork: Promise.resolve(),
      statusWork: Promise.resolve(),
      because: pod.status?.reason === undefined
        ? undefined
        : { reason: pod.status.reason as string, message: (pod.status.message as string | undefined) ?? "" },
      orphan,
    };
    for (const spec of (pod.spec?.initContainers ?? []) as Container[]) {
      const role = spec.restartPolicy === "Always" ? "sidecar" : "init";
      record.containers.set(spec.name, this.#containerRecord(pod, spec, role, found));
    }
    for (const spec of (pod.spec?.containers ?? []) as Container[]) {
      record.containers.set(spec.name, this.#containerRecord(pod, spec, "app", found));
    }
    for (const spec of (pod.spec?.ephemeralContainers ?? []) as Container[]) {
      record.containers.set(spec.name, this.#containerRecord(pod, spec, "ephemeral", found));
    }
    return record;
  }

  #containerRecord(
    pod: Pod,
    spec: Container,
    role: ContainerRecord["role"],
    found: FoundPod | undefined,
  ): ContainerRecord {
    const there = found?.containers.get(spec.name);
    const adopted = adopt(there, spec.image ?? "");
    const run: RunRecord | undefined = adopted.facts === undefined || there === undefined ? undefined : {
      id: there.current.id,
      attempt: there.attempt,
      facts: adopted.facts,
      startAnswered: true,
      ending: adopted.facts.finishedAt === undefined ? undefined : Promise.resolve(adopted.facts.exitCode ?? 0),
      exitTold: adopted.facts.finishedAt !== undefined,
    };
    return {
      name: spec.name,
      role,
      address: this.world.addressOf("container", pod, spec.name),
      spec,
      nextAttempt: adopted.nextAttempt,
      run,
      last: adopted.last,
      trouble: undefined,
      image: undefined,
      asked: false,
      stopReason: undefined,
      found: adopted.found,
      foundHash: adopted.hash,
      crashes: adopted.crashes,
    };
  }
}

const refused = { found: { sandbox: "none", initialized: false, phase: "Failed" } } as const;

function inputOf(world: KubeletWorld, record: PodRecord, found: FoundPod | undefined): PodInput {
  const { pod } = record;
  const containers = [...record.containers.values()];
  const deadline = pod.spec?.activeDeadlineSeconds;
  const passed = world.system.clock.wallTime() - Date.parse(record.startTime);
  const phase = pod.status?.phase;
  const sandbox = found?.sandbox;
  return {
    inits: containers.filter(({ role }) => role === "init" || role === "sidecar").map(({ name, role }) => ({
      name,
      sidecar: role === "sidecar",
    })),
    apps: containers.filter(({ role }) => role === "app").map(({ name }) => name),
    restartPolicy: (pod.spec?.restartPolicy ?? "Always") as PodInput["restartPolicy"],
    graceMs: (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000,
    ...(deadline === undefined ? {} : { deadlineMs: Math.max(0, deadline * 1000 - passed) }),
    found: {
      sandbox: sandbox === undefined ? "none" : sandbox.container.state === "running" ? "up" : "dead",
      initialized: containers.some(({ role, run }) => role === "app" && run !== undefined),
      ...(phase === "Succeeded" || phase === "Failed" ? { phase } : {}),
    },
  };
}

function containerInput({ pod }: PodRecord, container: ContainerRecord): ContainerInput {
  const { role, spec, found, crashes } = container;
  const ofPod = (pod.spec?.restartPolicy ?? "Always") as ContainerInput["restartPolicy"];
  const own = {
    sidecar: "Always",
    ephemeral: "Never",
    init: ofPod === "Always" ? "OnFailure" : ofPod,
    app: ofPod,
  } as const;
  const image = spec.image ?? "";
  const latest = !image.includes("@") && (!/:[^/]*$/.test(image) || image.endsWith(":latest"));
  return {
    role: role === "ephemeral" ? "app" : role,
    restartPolicy: own[role],
    pullPolicy: (spec.imagePullPolicy ?? (latest ? "Always" : "IfNotPresent")) as ContainerInput["pullPolicy"],
    needsAddress: needsAddress(spec),
    postStart: spec.lifecycle?.postStart !== undefined,
    preStop: spec.lifecycle?.preStop !== undefined,
    startupProbe: spec.startupProbe !== undefined,
    readinessProbe: spec.readinessProbe !== undefined,
    found,
    standing: standingOf(pod, container),
    crashes,
    graceMs: (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000,
  };
}

/** What the API says of the run that was found; of another run it says nothing. */
function standingOf({ status }: Pod, { name, found, run }: ContainerRecord): ContainerInput["standing"] {
  if (found !== "running" || run === undefined) return "none";
  const all = [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []];
  const said = all.find((each) => each.name === name && each.containerID === `docker://${run.id}`);
  if (said === undefined) return "none";
  return said.ready ? "ready" : said.started ? "started" : "none";
}
