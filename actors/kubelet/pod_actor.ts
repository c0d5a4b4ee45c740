/** How a pod's orders are carried out. */
import { podMachine } from "../../machines/pod/pod_machine.ts";
import { labelNames } from "../../machines/pod/pod_names.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { resources } from "../../ports/api_client.ts";
import { actorKind, type Address } from "../system.ts";
import { sandboxDraft, writeHostsFile } from "./container_draft.ts";
import type { PodRecord } from "./pod_record.ts";
import { writeStatus } from "./status_actor.ts";
import { type KubeletWorld, messageOf } from "./world.ts";

export interface Children {
  superviseContainers(record: PodRecord): void;
  keepVolumesFresh(record: PodRecord): void;
}

/** API refusals that mean: it is gone, or another one has its name. */
const isGone = (error: unknown) => error instanceof ApiError && (error.code === 404 || error.code === 409);

export function podKind(world: KubeletWorld, children: Children) {
  const at = (self: Address) => world.recordAt(self);
  const tellAll = (record: PodRecord, names: readonly string[], event: { type: string }) => {
    for (const name of names) {
      const container = record.containers.get(name);
      if (container !== undefined) world.system.tell(container.address, event, record.address);
    }
  };
  return actorKind("pod", podMachine, {
    superviseContainers: (_, { self }) => children.superviseContainers(at(self)),
    createSandbox: async (_, { self }) => {
      const record = at(self);
      return await world.onSandbox(record, async () => {
        try {
          await makeSandbox(world, record);
        } catch (error) {
          throw sandboxFailure(world, record, error);
        }
        return { type: "sandbox.created" } as const;
      });
    },
    startSandbox: async (_, { self }) => {
      const record = at(self);
      return await world.onSandbox(record, async () => {
        try {
          await wireSandbox(world, record);
        } catch (error) {
          throw sandboxFailure(world, record, error);
        }
        return { type: "sandbox.started" } as const;
      });
    },
    mountVolumes: async (_, { self }) => {
      const record = at(self);
      return await world.onVolumes(record, async () => {
        try {
          await world.volumes.mount(record);
        } catch (error) {
          world.podEvent(record, "Warning", "FailedMount", messageOf(error));
          throw error;
        }
        return { type: "volumes.mounted" } as const;
      });
    },
    forgetPreparation: () => {},
    keepVolumesFresh: (_, { self }) => children.keepVolumesFresh(at(self)),
    prepareContainers: ({ names }, { self }) => tellAll(at(self), names, { type: "container.prepareAsked" }),
    startContainers: ({ names }, { self }) => tellAll(at(self), names, { type: "container.startAsked" }),
    stopContainers: ({ names, graceMs }, { self }) => {
      const record = at(self);
      tellAll(record, [...names, ...ephemeral(record)], { type: "container.stopAsked", graceMs } as { type: string });
    },
    removeSandbox: async ({ everything }, { self }) => {
      const record = at(self);
      // They were started beside the pod's own: nothing waits for their end.
      tellAll(record, ephemeral(record), { type: "container.stopAsked", graceMs: 0 } as { type: string });
      return await world.onSandbox(record, async () => {
        if (everything) await removeEverything(world, record);
        else await dropSandbox(world, record);
        world.moved(record);
        return { type: "sandbox.removed" } as const;
      });
    },
    unmountVolumes: async (_, { self }) => {
      const record = at(self);
      return await world.onVolumes(record, async () => {
        world.system.stop(record.volumesAddress);
        await world.volumes.unmountAll(record.pod);
        return { type: "volumes.unmounted" } as const;
      });
    },
    explainEnd: (because, { self }) => {
      const record = at(self);
      record.because = because;
      world.podEvent(record, "Normal", because.reason, because.message);
    },
    reportStatus: async (_, { self }) => {
      await writeStatus(world, at(self));
      return { type: "status.reported" } as const;
    },
    deleteObject: async (_, { self }) => {
      const { pod } = at(self);
      const { namespace, name, uid } = pod.metadata;
      try {
        await world.client.delete(resources.pods, namespace, name, {
          gracePeriodSeconds: 0,
          preconditions: { uid },
        });
      } catch (error) {
        if (!isGone(error)) throw error;
      }
      return { type: "object.deleted" } as const;
    },
  }, world.kindOptions);
}

function ephemeral({ containers }: PodRecord): string[] {
  return [...containers.values()].filter(({ role }) => role === "ephemeral").map(({ name }) => name);
}

function sandboxFailure(world: KubeletWorld, record: PodRecord, error: unknown): unknown {
  world.podEvent(record, "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${messageOf(error)}`);
  return error;
}

async function makeSandbox(world: KubeletWorld, record: PodRecord): Promise<void> {
  const draft = sandboxDraft(world, record);
  const { id } = await world.runtime.create(draft);
  record.sandbox = { id, attempt: record.nextSandbox, pid: 0, removing: false };
}

async function wireSandbox(world: KubeletWorld, record: PodRecord): Promise<void> {
  const { sandbox } = record;
  if (sandbox === undefined) throw new Error("Cannot start sandbox: it was not made");
  await world.runtime.start(sandbox.id);
  const found = await world.runtime.inspect(sandbox.id);
  if (found?.state !== "running") throw new Error(`Cannot start sandbox: it is ${found?.state ?? "gone"}`);
  sandbox.pid = found.pid;
  if (record.pod.spec?.hostNetwork) record.podIPs = [...world.hostIPs];
  else {
    const podKey = `${record.pod.metadata.namespace}/${record.pod.metadata.name}`;
    const { podIP } = await world.options.network.attach({ id: sandbox.id, pid: sandbox.pid, podKey });
    record.podIPs = [podIP];
  }
  await writeHostsFile(world, record);
  world.moved(record);
}

/** The sandbox goes, the pod's other containers stay. */
async function dropSandbox(world: KubeletWorld, record: PodRecord): Promise<void> {
  const { sandbox } = record;
  if (sandbox === undefined) return;
  sandbox.removing = true;
  await world.options.network.detach(sandbox.id);
  await world.runtime.remove(sandbox.id);
  record.sandbox = undefined;
  record.nextSandbox = sandbox.attempt + 1;
}

async function removeEverything(world: KubeletWorld, record: PodRecord): Promise<void> {
  const { uid } = record.pod.metadata;
  const sandbox = record.sandbox;
  if (sandbox !== undefined) sandbox.removing = true;
  const found = await world.runtime.list({ ...world.owner, [labelNames.podUid]: uid });
  const sandboxes = found.filter(({ labels }) => labels[labelNames.container] === "POD");
  const others = found.filter((each) => !sandboxes.includes(each));
  if (record.orphan) {
    await Promise.all(others.map(({ id, labels }) => world.runtime.stop(id, Number(labels[labelNames.grace] ?? 30))));
  }
  await Promise.all(others.map(({ id }) => world.runtime.remove(id)));
  for (const { id } of sandboxes) {
    await world.options.network.detach(id);
    await world.runtime.remove(id);
  }
  record.sandbox = undefined;
}
