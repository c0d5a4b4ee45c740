/** Writing a pod's status to the API, when it differs from what is there. */
import { containerSnapshot, pathOf } from "../../machines/container/container_view.ts";
import { statusMachine } from "../../machines/kubelet/status_machine.ts";
import type { Pod } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { ContainerView, PodView } from "../../machines/pod/pod_view.ts";
import { podStatus } from "../../machines/pod/pod_status.ts";
import { statusPatch } from "../../machines/pod/status_patch.ts";
import { resources } from "../../ports/api_client.ts";
import { actorKind } from "../system.ts";
import { inTurn, type PodRecord } from "./pod_record.ts";
import type { KubeletWorld } from "./world.ts";

export function statusKind(world: KubeletWorld) {
  return actorKind("podStatus", statusMachine, {
    writeStatus: async (_, { self }) => {
      const record = world.recordAt(self);
      await world.options.share?.settle();
      await writeStatus(world, record);
      return { type: "status.written" } as const;
    },
  }, world.kindOptions);
}

/** One write at a time per pod; nothing when the API has it already. A pod that is gone needs no status. */
export function writeStatus(world: KubeletWorld, record: PodRecord): Promise<void> {
  const result = inTurn(record.statusWork, async () => {
    const status = podStatus(viewOf(world, record));
    const patch = statusPatch(record.pod.status ?? {}, status);
    if (patch === undefined) return;
    const { namespace, name, uid } = record.pod.metadata;
    try {
      const answer = await world.client.patch<Pod>(resources.pods, namespace, name, "strategic", {
        metadata: { uid },
        status: patch,
      }, {
        subresource: "status",
      });
      // The watch brings the same later; what is decided meanwhile must not be decided on the old one. Through the
      // informer, so that a deletion that is first seen here is acted on.
      world.pods?.learn(answer);
    } catch (error) {
      // Gone, or another pod has its name: 409 is what a wrong uid is answered with.
      if (error instanceof ApiError && (error.code === 404 || error.code === 409)) return;
      throw error;
    }
  });
  record.statusWork = result.catch(() => {});
  return result;
}

export function viewOf(world: KubeletWorld, record: PodRecord): PodView {
  const snapshot = world.system.get(record.address)?.getSnapshot();
  const path = snapshot === undefined ? "" : firstOf(snapshot.value);
  const ended = path === "succeeded" ? "Succeeded" as const : path === "failed" ? "Failed" as const : undefined;
  return {
    pod: record.pod,
    now: world.now(),
    startTime: record.startTime,
    hostIPs: world.hostIPs,
    podIPs: record.podIPs,
    sandboxReady: record.sandbox !== undefined && record.podIPs.length > 0 && !record.sandbox.removing,
    ...(ended === undefined ? finalPhase(world, record, path) : { ended }),
    ...(record.because === undefined ? {} : { because: record.because }),
    containers: [...record.containers.values()].flatMap((container): ContainerView[] => {
      const chart = world.system.get(container.address)?.getSnapshot();
      if (chart === undefined) return [];
      return [{
        name: container.name,
        image: container.spec.image ?? "",
        role: container.role,
        chart: containerSnapshot(chart),
        ...(container.trouble === undefined ? {} : { trouble: container.trouble }),
        ...(container.run === undefined ? {} : { run: container.run.facts }),
        ...(container.last === undefined ? {} : { last: container.last }),
        restartCount: container.run?.attempt ?? Math.max(0, container.nextAttempt - 1),
      }];
    }),
  };
}

/** A pod whose containers were all stopped for its deletion has ended, too. */
function finalPhase(world: KubeletWorld, record: PodRecord, path: string): { ended?: "Succeeded" | "Failed" } {
  const before = record.pod.status?.phase;
  if (before === "Succeeded" || before === "Failed") return { ended: before };
  if (path !== "terminating") return {};
  const standing = world.system.get(record.address)?.getSnapshot().context as { standing: Record<string, string> };
  const apps = [...record.containers.values()].filter(({ role }) => role === "app");
  const over = apps.every(({ name }) => ["stopped", "completed", "failed"].includes(standing.standing[name] ?? ""));
  if (!over) return {};
  const runs = apps.map(({ run }) => run?.facts);
  return { ended: runs.every((run) => run?.exitCode === 0) ? "Succeeded" : "Failed" };
}

function firstOf(value: unknown): string {
  return typeof value === "string" ? value : Object.keys(value as object)[0] ?? pathOf(value);
}
