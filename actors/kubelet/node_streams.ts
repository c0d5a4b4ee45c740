/** Logs, exec, attach and port-forward of this node's pods, as the kubelet's HTTPS server offers them. */
import { ApiError } from "../../machines/objects/status.ts";
import type {
  ByteStream,
  ConnectedProcess,
  ContainerTarget,
  LogOptions,
  NodeStreams,
  ProcessOptions,
} from "../../ports/node_streams.ts";
import type { RuntimeProcess } from "../../ports/container_runtime.ts";
import { openForward } from "./port_forward.ts";
import type { ContainerRecord, PodRecord } from "./pod_record.ts";
import type { KubeletWorld } from "./world.ts";

const defaultContainer = "kubectl.kubernetes.io/default-container";

export class KubeletStreams implements NodeStreams {
  constructor(readonly world: KubeletWorld) {}

  pods(): readonly unknown[] {
    return [...this.world.records.values()].filter(({ orphan }) => !orphan).map(({ pod }) => pod);
  }

  async logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { record, container } = this.#container(target);
    const { name } = container;
    const running = container.run;
    const id = options.previous
      ? container.last?.containerId.replace("docker://", "") ??
        (running?.facts.finishedAt === undefined ? undefined : running.id)
      : running?.facts.startedAt === undefined
      ? container.last?.containerId.replace("docker://", "")
      : running.id;
    if (id === undefined) {
      const pod = record.pod.metadata.name;
      throw badRequest(
        options.previous
          ? `previous terminated container "${name}" in pod "${pod}" not found`
          : `container "${name}" in pod "${pod}" is waiting to start: ${this.#waitingReason(record, name)}`,
      );
    }
    const since = sinceOf(options, this.world.system.clock.wallTime());
    const chunks = await this.world.runtime.logs(id, {
      follow: options.follow,
      timestamps: options.timestamps,
      signal,
      ...(options.tailLines === undefined ? {} : { tailLines: options.tailLines }),
      ...(since === undefined ? {} : { since }),
    });
    let left = options.limitBytes ?? Infinity;
    return chunks.pipeThrough(
      new TransformStream({
        transform({ bytes }, controller) {
          const part = bytes.length <= left ? bytes : bytes.slice(0, left);
          left -= part.length;
          controller.enqueue(part);
          if (left <= 0) controller.terminate();
        },
      }),
    );
  }

  async exec(target: ContainerTarget, command: readonly string[], options: ProcessOptions): Promise<ConnectedProcess> {
    const { container } = this.#container(target);
    const process = await this.world.runtime.exec(this.#runningId(container), { command, ...options });
    return connected(process, options);
  }

  async attach(target: ContainerTarget, options: ProcessOptions): Promise<ConnectedProcess> {
    const { container } = this.#container(target);
    const tty = container.spec.tty ?? false;
    const process = await this.world.runtime.attach(this.#runningId(container), { ...options, tty });
    return connected(process, { ...options, tty });
  }

  async portForward(target: Omit<ContainerTarget, "container">, port: number): Promise<ByteStream> {
    const record = this.#pod(target);
    const { sandbox } = record;
    if (sandbox === undefined || sandbox.pid === 0) {
      throw badRequest(`pod ${record.pod.metadata.name} does not run, cannot forward ports to it`);
    }
    return await openForward(sandbox.pid, port);
  }

  #pod({ namespace, pod, uid }: Omit<ContainerTarget, "container">): PodRecord {
    for (const record of this.world.records.values()) {
      const { metadata } = record.pod;
      if (metadata.namespace !== namespace || metadata.name !== pod || record.orphan) continue;
      if (uid === undefined || metadata.uid === uid) return record;
    }
    throw new ApiError(404, "NotFound", `pod does not exist`, { name: pod, kind: "pods" });
  }

  #container(target: ContainerTarget): { record: PodRecord; container: ContainerRecord } {
    const record = this.#pod(target);
    const apps = [...record.containers.values()].filter(({ role }) => role === "app");
    const name = target.container || record.pod.metadata.annotations?.[defaultContainer] || apps[0]?.name || "";
    const container = record.containers.get(name);
    if (container === undefined) {
      throw badRequest(`container ${name} is not valid for pod ${record.pod.metadata.name}`);
    }
    return { record, container };
  }

  #runningId(container: ContainerRecord): string {
    const { run } = container;
    if (run?.facts.startedAt === undefined || run.facts.finishedAt !== undefined) {
      throw new ApiError(404, "NotFound", `container not found ("${container.name}")`);
    }
    return run.id;
  }

  #waitingReason(record: PodRecord, name: string): string {
    const all = [...record.pod.status?.containerStatuses ?? [], ...record.pod.status?.initContainerStatuses ?? []];
    return all.find((each) => each.name === name)?.state?.waiting?.reason ?? "ContainerCreating";
  }
}

function badRequest(message: string): ApiError {
  return new ApiError(400, "BadRequest", message);
}

/** Unix seconds. */
function sinceOf({ sinceSeconds, sinceTime }: LogOptions, wallTime: number): number | undefined {
  if (sinceTime !== undefined) return Date.parse(sinceTime) / 1000;
  return sinceSeconds === undefined ? undefined : wallTime / 1000 - sinceSeconds;
}

function connected(process: RuntimeProcess, options: ProcessOptions): ConnectedProcess {
  if (!options.stdout) void process.stdout.cancel();
  if (!options.stderr || options.tty) void process.stderr.cancel();
  return {
    ...(process.stdin === undefined ? {} : { stdin: process.stdin }),
    ...(options.stdout ? { stdout: process.stdout } : {}),
    ...(options.stderr && !options.tty ? { stderr: process.stderr } : {}),
    resize: (columns, rows) => process.resize(columns, rows),
    exit: process.exit,
    close: () => process.close(),
  };
}
