/** How runs of containers end: asked for once, told once, whoever hears of it first. */
import type { Run } from "../../machines/pod/pod_view.ts";
import type { RuntimeContainer } from "../../ports/container_runtime.ts";
import { messageFile } from "./container_draft.ts";
import type { ContainerRecord, PodRecord, RunRecord } from "./pod_record.ts";
import type { KubeletWorld } from "./world.ts";

/** Kubernetes shows whole seconds. */
export const wholeSeconds = (time: string): string => time.replace(/\.\d+/, "").replace(/([+-]\d\d:\d\d)$/, "Z");

/** SIGKILL's exit code, for a container that is gone without a trace. */
const vanished = 137;
const mostMessageBytes = 4096;
const mostLogBytes = 2048;
const mostLogLines = 80;

/** The facts of a run as the runtime has them. */
export function factsOf(found: RuntimeContainer, image: string): Run {
  const base: Run = {
    containerId: `docker://${found.id}`,
    imageId: `docker://${found.imageId}`,
    image,
    ...(found.startedAt === undefined ? {} : { startedAt: wholeSeconds(found.startedAt) }),
  };
  if (found.state !== "exited") return base;
  const { exitCode, oomKilled, error } = found;
  const reason = oomKilled
    ? "OOMKilled"
    : found.startedAt === undefined || (error !== "" && exitCode !== 0)
    ? "ContainerCannotRun"
    : exitCode === 0
    ? "Completed"
    : "Error";
  return {
    ...base,
    finishedAt: wholeSeconds(found.finishedAt ?? found.createdAt),
    exitCode,
    reason,
    ...(error === "" ? {} : { message: error }),
  };
}

/** Resolves with the exit code when the record has everything there is to know of the end. */
export function settleEnd(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  run: RunRecord,
): Promise<number> {
  if (run.ending !== undefined) return run.ending;
  const ending = (async () => {
    const found = await world.runtime.inspect(run.id);
    if (found === undefined) {
      run.facts = {
        ...run.facts,
        finishedAt: world.now(),
        exitCode: vanished,
        reason: "ContainerStatusUnknown",
        message: "The container could not be located when the pod was terminated",
      };
      return vanished;
    }
    if (found.state === "running") throw new Error(`Cannot tell how container "${found.name}" ended: it runs`);
    const facts = factsOf(found, run.facts.image);
    const message = facts.message ?? await terminationMessage(world, record, container, run, facts.exitCode ?? 0);
    run.facts = {
      ...facts,
      ...(facts.startedAt === undefined && run.facts.startedAt !== undefined ? { startedAt: run.facts.startedAt } : {}),
      ...(message === "" ? {} : { message }),
    };
    return found.exitCode;
  })();
  run.ending = ending;
  // What could not be found out now (the engine is gone, or it runs yet) is asked anew the next time.
  ending.catch(() => {
    if (run.ending === ending) run.ending = undefined;
  });
  return ending;
}

/** Tells the container's actor of an exit, unless it has heard of it or its start is still being answered. */
export async function tellExit(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  run: RunRecord,
): Promise<void> {
  const exitCode = await settleEnd(world, record, container, run);
  if (run.exitTold || !run.startAnswered || container.run !== run) return;
  run.exitTold = true;
  world.system.tell(container.address, { type: "container.exited", exitCode });
}

async function terminationMessage(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  run: RunRecord,
  exitCode: number,
): Promise<string> {
  const text = await world.files.readEnd(
    messageFile(world, record, container.name, run.attempt),
    mostMessageBytes,
  );
  if (text !== "" || container.spec.terminationMessagePolicy !== "FallbackToLogsOnError" || exitCode === 0) return text;
  const chunks = await world.runtime.logs(run.id, { tailLines: mostLogLines });
  const decoder = new TextDecoder();
  let log = "";
  for await (const { bytes } of chunks) log += decoder.decode(bytes, { stream: true });
  return log.slice(-mostLogBytes);
}
