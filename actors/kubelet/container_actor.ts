/** How a container's orders are carried out. */
import { containerMachine } from "../../machines/container/container_machine.ts";
import { backOffMs } from "../../machines/container/back_off.ts";
import { ConfigError } from "../../machines/container/environment.ts";
import { labelNames } from "../../machines/pod/pod_names.ts";
import { type RuntimeContainer, RuntimeError } from "../../ports/container_runtime.ts";
import { actorKind, type Address } from "../system.ts";
import { containerDraft } from "./container_draft.ts";
import { runHook } from "./hooks.ts";
import { findImage, pullImage } from "./images.ts";
import type { ContainerRecord, PodRecord, RunRecord } from "./pod_record.ts";
import type { Probes } from "./probe_actor.ts";
import { settleEnd, tellExit } from "./runs.ts";
import { type KubeletWorld, messageOf } from "./world.ts";

const reasonOf = (error: unknown, otherwise: string): string => {
  const reason = (error as { reason?: unknown }).reason;
  return typeof reason === "string" && reason !== "" ? reason : otherwise;
};

export function containerKind(world: KubeletWorld, probes: Probes) {
  const at = (self: Address) => world.containerAt(self);
  /** Takes down what went wrong, for the status, and lets the order fail. */
  const trouble = (container: ContainerRecord, error: unknown, otherwise: string): never => {
    const reason = reasonOf(error, otherwise);
    container.trouble = { reason, message: messageOf(error) };
    throw Object.assign(new Error(messageOf(error)), { reason });
  };
  return actorKind("container", containerMachine, {
    checkImage: async (_, { self }) => {
      const { record, container } = at(self);
      const image = container.spec.image ?? "";
      try {
        container.image = await findImage(world, record, container);
      } catch (error) {
        world.containerEvent(record, container, "Warning", "InspectFailed", messageOf(error));
        return trouble(container, error, "ImageInspectError");
      }
      if (container.image !== undefined) {
        const text = `Container image "${image}" already present on machine and can be accessed by the pod`;
        world.containerEvent(record, container, "Normal", "Pulled", text);
        return { type: "image.present" } as const;
      }
      if (container.spec.imagePullPolicy === "Never") {
        const message = `Container image "${image}" is not present with pull policy of Never`;
        world.containerEvent(record, container, "Warning", "ErrImageNeverPull", message);
        container.trouble = { reason: "ErrImageNeverPull", message };
      }
      return { type: "image.absent" } as const;
    },
    pullImage: async (_, { self, signal }) => {
      const { record, container } = at(self);
      const image = container.spec.image ?? "";
      try {
        container.image = await pullImage(world, record, container, signal);
      } catch (error) {
        if (!signal.aborted) {
          const said = `Failed to pull image "${image}": ${messageOf(error)}`;
          world.containerEvent(record, container, "Warning", "Failed", said);
          world.containerEvent(record, container, "Warning", "Failed", `Error: ${reasonOf(error, "ErrImagePull")}`);
          world.containerEvent(record, container, "Normal", "BackOff", `Back-off pulling image "${image}"`);
        }
        return trouble(container, error, "ErrImagePull");
      }
      return { type: "image.pulled" } as const;
    },
    forgetImage: () => {},
    createContainer: async (_, { self }) => {
      const { record, container } = at(self);
      try {
        await makeContainer(world, record, container);
      } catch (error) {
        const reason = reasonOf(error, error instanceof ConfigError ? error.reason : "CreateContainerError");
        world.containerEvent(record, container, "Warning", "Failed", `Error: ${messageOf(error)}`);
        return trouble(container, Object.assign(new Error(messageOf(error)), { reason }), reason);
      }
      world.containerEvent(record, container, "Normal", "Created", "Container created");
      return { type: "container.created" } as const;
    },
    startContainer: async (_, order) => {
      const { record, container } = at(order.self);
      const { run } = container;
      if (run === undefined) throw new Error("Cannot start container: it was not made");
      try {
        await world.runtime.start(run.id);
      } catch (error) {
        // The engine may have lost its answer, not the start: what runs is not started again.
        if (await isRunning(world, run.id)) return startedNow(world, record, container, run, order);
        await settleEnd(world, record, container, run).catch(() => {});
        world.containerEvent(record, container, "Warning", "Failed", `Error: ${messageOf(error)}`);
        return trouble(
          container,
          Object.assign(new Error(messageOf(error)), { reason: "RunContainerError" }),
          "",
        );
      }
      return startedNow(world, record, container, run, order);
    },
    runPostStart: async (_, { self, signal }) => {
      const { record, container } = at(self);
      const handler = container.spec.lifecycle?.postStart;
      try {
        if (handler !== undefined) await runHook(world, record, container, handler, signal);
      } catch (error) {
        if (!signal.aborted) {
          const message = `PostStartHook failed: ${messageOf(error)}`;
          world.containerEvent(record, container, "Warning", "FailedPostStartHook", message);
          container.stopReason = "FailedPostStartHook";
        }
        throw error;
      }
      return { type: "hook.succeeded" } as const;
    },
    runPreStop: async (_, { self, signal }) => {
      const { record, container } = at(self);
      const handler = container.spec.lifecycle?.preStop;
      tellKilling(world, record, container);
      try {
        if (handler !== undefined) await runHook(world, record, container, handler, signal);
      } catch (error) {
        if (!signal.aborted) {
          world.containerEvent(
            record,
            container,
            "Warning",
            "FailedPreStopHook",
            `PreStopHook failed: ${messageOf(error)}`,
          );
        }
        throw error;
      }
      return { type: "hook.succeeded" } as const;
    },
    stopContainer: async ({ graceMs }, { self, signal }) => {
      const { record, container } = at(self);
      tellKilling(world, record, container);
      await end(world, record, container, (id) => world.runtime.stop(id, graceMs / 1000, signal));
    },
    killContainer: async (_, { self }) => {
      const { record, container } = at(self);
      tellKilling(world, record, container);
      await end(world, record, container, async (id) => {
        await world.runtime.kill(id);
        await untilExited(world, id);
      });
    },
    endStop: (_, { self }) => void (at(self).container.stopReason = undefined),
    startProbes: ({ probes: names }, { self }) => {
      const { record, container } = at(self);
      for (const name of names) probes.start(record, container, name);
    },
    stopProbes: (_, { self }) => {
      const { record, container } = at(self);
      probes.stop(record, container);
    },
    tellPod: ({ fact }, order) => {
      const { record, container } = at(order.self);
      order.tell(record.address, { type: `container.${fact}`, name: container.name });
    },
  }, world.kindOptions);
}

/** Says why a container waits, for its status; called when its chart has moved. */
export function noteBackOff(world: KubeletWorld, record: PodRecord, container: ContainerRecord, path: string): void {
  const { name, namespace, uid } = record.pod.metadata;
  if (path === "crashBackOff") {
    const crashes = (world.system.get(container.address)?.getSnapshot().context as { crashes: number }).crashes;
    const seconds = backOffMs(crashes) / 1000;
    const shown = seconds >= 60 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${seconds}s`;
    const message = `back-off ${shown} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
    if (container.trouble?.message === message) return;
    container.trouble = { reason: "CrashLoopBackOff", message };
    const text = `Back-off restarting failed container ${container.name} in pod ${name}_${namespace}(${uid})`;
    world.containerEvent(record, container, "Warning", "BackOff", text);
  } else if (path === "preparing.image.backOff" && container.trouble?.reason !== "ImagePullBackOff") {
    const cause = container.trouble;
    const image = container.spec.image ?? "";
    const because = cause === undefined ? "" : `: ${cause.reason}: ${cause.message}`;
    container.trouble = { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}"${because}` };
    world.containerEvent(record, container, "Warning", "Failed", "Error: ImagePullBackOff");
  }
}

function tellKilling(world: KubeletWorld, record: PodRecord, container: ContainerRecord): void {
  if (container.stopReason === "told") return;
  const why = container.stopReason;
  container.stopReason = "told";
  const text = why === undefined ? `Stopping container ${container.name}` : `Container ${container.name} ${why}`;
  world.containerEvent(record, container, "Normal", "Killing", text);
}

/**
 * Ends the run by `how` and tells of its exit, once. Not as an answer: the grace may be over while that waits its turn,
 * the order is called off then, and nobody would hear of the exit.
 */
async function end(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  how: (id: string) => Promise<void>,
): Promise<void> {
  const { run } = container;
  const tell = (exitCode: number) => world.system.tell(container.address, { type: "container.exited", exitCode });
  if (run === undefined) return tell(137);
  await how(run.id);
  const exitCode = await settleEnd(world, record, container, run);
  if (run.exitTold) return;
  run.exitTold = true;
  tell(exitCode);
}

/** SIGKILL takes effect a moment after it was sent: waits for it through the runtime's own stop. */
async function untilExited(world: KubeletWorld, id: string): Promise<void> {
  await world.runtime.stop(id, 0);
}

async function startedNow(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  run: RunRecord,
  order: { answer(fact: { type: "container.started" }): void },
): Promise<void> {
  run.facts = { ...run.facts, startedAt: run.facts.startedAt ?? world.now() };
  container.trouble = undefined;
  world.containerEvent(record, container, "Normal", "Started", "Container started");
  order.answer({ type: "container.started" });
  run.startAnswered = true;
  // It ended before its start was answered: now its actor may hear of it.
  if (run.ending !== undefined) await tellExit(world, record, container, run);
}

async function isRunning(world: KubeletWorld, id: string): Promise<boolean> {
  try {
    return (await world.runtime.inspect(id))?.state === "running";
  } catch {
    return false; // Not known now: the next attempt looks again before it makes anything.
  }
}

/** The attempt before may run although its start failed: no two of one container at once. */
async function endEarlierRun(world: KubeletWorld, record: PodRecord, container: ContainerRecord): Promise<void> {
  const { run } = container;
  if (run === undefined || run.facts.finishedAt !== undefined) return;
  if ((await world.runtime.inspect(run.id))?.state !== "running") return;
  await world.runtime.kill(run.id);
  await untilExited(world, run.id);
  await settleEnd(world, record, container, run);
}

async function makeContainer(world: KubeletWorld, record: PodRecord, container: ContainerRecord): Promise<void> {
  if (record.sandbox === undefined) throw new Error("Cannot make container: its pod has no sandbox");
  await endEarlierRun(world, record, container);
  const draft = await containerDraft(world, record, container);
  let made: { id: string };
  try {
    made = await world.runtime.create(draft);
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== "conflict") throw error;
    const there = await world.runtime.inspect(draft.name);
    if (there === undefined || !isOurs(world, record, there)) throw error;
    // Made for an earlier sandbox of this pod, or with other contents: nobody needs it.
    await world.runtime.remove(there.id);
    made = await world.runtime.create(draft);
  }
  const { run } = container;
  if (run?.facts.finishedAt !== undefined) container.last = run.facts;
  const outdated = container.last === undefined ? undefined : container.nextAttempt - 2;
  container.run = freshRun(made.id, container);
  container.nextAttempt++;
  if (outdated !== undefined && outdated >= 0) {
    // The new one is there: what cannot be removed now goes with the pod, and makes this one no failure.
    await removeAttempt(world, record, container, outdated).catch(() => {});
  }
}

function isOurs(world: KubeletWorld, record: PodRecord, { labels }: RuntimeContainer): boolean {
  return labels[labelNames.podUid] === record.pod.metadata.uid &&
    Object.entries(world.owner).every(([name, value]) => labels[name] === value);
}

function freshRun(id: string, container: ContainerRecord): RunRecord {
  return {
    id,
    attempt: container.nextAttempt,
    facts: {
      containerId: `docker://${id}`,
      imageId: imageIdOf(container),
      image: container.spec.image ?? "",
    },
    startAnswered: false,
    ending: undefined,
    exitTold: false,
  };
}

export function imageIdOf({ image, spec }: ContainerRecord): string {
  if (image === undefined) return "";
  const repository = (spec.image ?? "").replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  const digest = image.digests.find((each) => each.startsWith(`${repository}@`)) ?? image.digests[0];
  return digest === undefined ? `docker://${image.id}` : `docker-pullable://${digest}`;
}

/** The last two attempts stay: one that runs, one for `logs --previous`. */
async function removeAttempt(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  attempt: number,
): Promise<void> {
  const { name, namespace, uid } = record.pod.metadata;
  await world.runtime.remove(["k8s", container.name, name, namespace, uid, attempt].join("_"));
}
