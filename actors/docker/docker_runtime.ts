/** The container runtime over a Docker Engine, by its API on a unix socket. */
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import {
  type ContainerDraft,
  type ContainerRuntime,
  type ExecOptions,
  type LabelSelector,
  type PullOptions,
  type RuntimeContainer,
  RuntimeError,
  type RuntimeEvent,
  type RuntimeEventSink,
  type RuntimeImage,
  type RuntimeLogChunk,
  type RuntimeLogOptions,
  type RuntimeProcess,
  type RuntimeStats,
  type RuntimeVersion,
} from "../../ports/container_runtime.ts";
import { createBody } from "./create_body.ts";
import { asRuntimeError, connectDocker, type Docker, type DockerImage, type DockerInspect } from "./docker_client.ts";
import { chunksOf, type NodeStream, processStreams } from "./streams.ts";

const never = "0001-01-01T00:00:00Z";
const eventTypes: Readonly<Record<string, RuntimeEvent["type"]>> = {
  start: "started",
  die: "exited",
  destroy: "removed",
  oom: "outOfMemory",
};

export class DockerRuntime implements ContainerRuntime {
  #docker: Promise<Docker> | undefined;

  constructor(readonly socketPath = "/var/run/docker.sock") {}

  async version(): Promise<RuntimeVersion> {
    const info = await this.#ask("ask the engine for its version", (docker) => docker.info());
    const text = (name: string) => String(info[name] ?? "");
    return {
      version: `docker://${text("ServerVersion").replace(/\+.*$/, "")}`,
      operatingSystem: text("OperatingSystem"),
      kernelVersion: text("KernelVersion"),
      architecture: { x86_64: "amd64", aarch64: "arm64" }[text("Architecture")] ?? text("Architecture"),
      cpus: Number(info.NCPU),
      memoryBytes: Number(info.MemTotal),
      cgroupVersion: text("CgroupVersion") === "2" ? "2" : "1",
      rootDirectory: text("DockerRootDir"),
    };
  }

  async inspectImage(reference: string): Promise<RuntimeImage | undefined> {
    try {
      return imageOf(await this.#ask(`inspect image "${reference}"`, (docker) => docker.getImage(reference).inspect()));
    } catch (error) {
      if (error instanceof RuntimeError && error.code === "notFound") return undefined;
      throw error;
    }
  }

  async listImages(): Promise<readonly RuntimeImage[]> {
    return (await this.#ask("list images", (docker) => docker.listImages())).map(imageOf);
  }

  async pullImage(reference: string, options: PullOptions = {}): Promise<void> {
    const { auth, signal } = options;
    const doing = `pull image "${reference}"`;
    const authconfig = auth && {
      username: auth.username,
      password: auth.password,
      serveraddress: auth.serverAddress,
      identitytoken: auth.identityToken,
    };
    // A reference without tag would pull every tag there is.
    const named = /[:@][^/]*$/.test(reference) ? reference : `${reference}:latest`;
    const stream = await this.#ask(doing, (docker) => docker.pull(named, { authconfig, abortSignal: signal }));
    await followProgress(doing, stream, options.progress, signal);
  }

  async loadImage(archive: Uint8Array): Promise<void> {
    const stream = await this.#ask("load image", (docker) => docker.loadImage(Readable.from([Buffer.from(archive)])));
    await followProgress("load image", stream);
  }

  async removeImage(reference: string): Promise<void> {
    await this.#ask(`remove image "${reference}"`, (docker) => docker.getImage(reference).remove());
  }

  async create(draft: ContainerDraft): Promise<{ id: string; existed: boolean }> {
    const doing = `create container "${draft.name}"`;
    try {
      const { id } = await this.#ask(doing, (docker) => docker.createContainer(createBody(draft)));
      return { id, existed: false };
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== "conflict") throw error;
      const there = await this.inspect(draft.name);
      const ours = there !== undefined &&
        Object.entries(draft.labels).every(([name, value]) => there.labels[name] === value);
      if (!ours) throw error;
      return { id: there.id, existed: true };
    }
  }

  async start(id: string): Promise<void> {
    await this.#ask(`start container "${short(id)}"`, (docker) => docker.getContainer(id).start(), [304]);
  }

  async stop(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const t = Math.max(0, Math.ceil(graceSeconds));
    await this.#ask(
      `stop container "${short(id)}"`,
      (docker) => docker.getContainer(id).stop({ t, abortSignal: signal }),
      [404, 304],
    );
  }

  async kill(id: string): Promise<void> {
    await this.#ask(
      `kill container "${short(id)}"`,
      (docker) => docker.getContainer(id).kill({ signal: "SIGKILL" }),
      [404, 409],
    );
  }

  async remove(id: string): Promise<void> {
    const remove = (docker: Docker) => docker.getContainer(id).remove({ force: true, v: true });
    // 409: somebody is removing it at this moment.
    await this.#ask(`remove container "${short(id)}"`, remove, [404, 409]);
  }

  async inspect(id: string): Promise<RuntimeContainer | undefined> {
    try {
      const found = await this.#ask(`inspect container "${short(id)}"`, (docker) => docker.getContainer(id).inspect());
      return containerOf(found);
    } catch (error) {
      if (error instanceof RuntimeError && error.code === "notFound") return undefined;
      throw error;
    }
  }

  async list(labels: LabelSelector): Promise<readonly RuntimeContainer[]> {
    const filters = JSON.stringify({ label: labelFilters(labels) });
    const found = await this.#ask("list containers", (docker) => docker.listContainers({ all: true, filters }));
    const inspected = await Promise.all(found.map(({ Id }) => this.inspect(Id)));
    return inspected.filter((container) => container !== undefined);
  }

  async watch(labels: LabelSelector, sink: RuntimeEventSink): Promise<{ cancel(): void }> {
    const filters = JSON.stringify({
      type: ["container"],
      event: Object.keys(eventTypes),
      label: labelFilters(labels),
    });
    const abort = new AbortController();
    const stream = await this.#ask(
      "follow the engine's events",
      (docker) => docker.getEvents({ filters, abortSignal: abort.signal }),
    );
    let over = false;
    const close = (reason: string) => {
      if (over) return;
      over = true;
      sink.closed(reason);
    };
    readLines(stream, (line) => {
      const event = eventOf(line);
      if (!over && event !== undefined) sink.event(event);
    });
    stream.on("end", () => close("the engine ended its events"));
    stream.on("close", () => close("the connection to the engine was closed"));
    stream.on("error", (error) => close(error.message));
    return {
      cancel() {
        over = true;
        abort.abort();
        stream.destroy();
      },
    };
  }

  async logs(id: string, options: RuntimeLogOptions): Promise<ReadableStream<RuntimeLogChunk>> {
    const { follow = false, timestamps = false, tailLines, since, stdout = true, stderr = true, signal } = options;
    const doing = `read logs of container "${short(id)}"`;
    const container = (await this.#connection()).getContainer(id);
    const { Config } = await this.#ask(doing, () => container.inspect());
    const tail = tailLines === undefined ? "all" : String(tailLines);
    // Without follow dockerode collects everything into one buffer; a stream is wanted in any case.
    const body = { stdout, stderr, timestamps, tail, since: since ?? 0, follow: true, abortSignal: signal };
    if (follow) return chunksOf(await this.#ask(doing, () => container.logs(body)), !Config.Tty);
    const whole = await this.#ask(doing, () => container.logs({ ...body, follow: false })) as unknown as Uint8Array;
    return chunksOf(Readable.from([Buffer.from(whole)]) as unknown as NodeStream, !Config.Tty);
  }

  async exec(id: string, options: ExecOptions): Promise<RuntimeProcess> {
    const { command, stdin = false, stdout = true, stderr = true, tty = false } = options;
    const doing = `run a process in container "${short(id)}"`;
    const exec = await this.#ask(doing, (docker) =>
      docker.getContainer(id).exec({
        Cmd: [...command],
        AttachStdin: stdin,
        AttachStdout: stdout,
        AttachStderr: stderr && !tty,
        Tty: tty,
      }));
    const source = await this.#ask(doing, () => exec.start({ hijack: true, stdin: true, Tty: tty }));
    const streams = processStreams(source, { tty, stdin });
    if (!stdin) source.end?.();
    const exit = streams.ended.then(async () => {
      const { ExitCode } = await this.#ask(doing, () => exec.inspect());
      return { exitCode: ExitCode ?? 137 };
    });
    exit.catch(() => {}); // Whoever asks hears of it; nobody needs to.
    return {
      ...streams,
      exit,
      resize: async (columns, rows) => void await this.#ask(doing, () => exec.resize({ w: columns, h: rows })),
      close: () => void source.destroy(),
    };
  }

  async attach(id: string, options: Omit<ExecOptions, "command">): Promise<RuntimeProcess> {
    const { stdin = false, stdout = true, stderr = true, tty = false } = options;
    const doing = `attach to container "${short(id)}"`;
    const container = (await this.#connection()).getContainer(id);
    const source = await this.#ask(
      doing,
      () => container.attach({ stream: true, hijack: true, stdin, stdout, stderr }),
    );
    const streams = processStreams(source, { tty, stdin });
    return {
      ...streams,
      exit: streams.ended.then(() => ({ exitCode: 0 })),
      resize: async (columns, rows) => void await this.#ask(doing, () => container.resize({ w: columns, h: rows })),
      close: () => void source.destroy(),
    };
  }

  async stats(id: string): Promise<RuntimeStats> {
    const said = await this.#ask(
      `read statistics of container "${short(id)}"`,
      (docker) => docker.getContainer(id).stats({ stream: false, "one-shot": true }),
    );
    const cpu = said.cpu_stats as { cpu_usage?: { total_usage?: number } } | undefined;
    const memory = said.memory_stats as { usage?: number; stats?: Record<string, number> } | undefined;
    const usage = memory?.usage ?? 0;
    // cgroup v1 and v2 name it differently.
    const inactive = memory?.stats?.total_inactive_file ?? memory?.stats?.inactive_file ?? 0;
    return {
      cpuNanoseconds: cpu?.cpu_usage?.total_usage ?? 0,
      memoryBytes: usage,
      workingSetBytes: Math.max(0, usage - inactive),
      readAt: String(said.read),
    };
  }

  #connection(): Promise<Docker> {
    this.#docker ??= connectDocker(this.socketPath);
    return this.#docker;
  }

  /** `fine`: HTTP statuses that mean that there is nothing left to do. */
  async #ask<T>(doing: string, call: (docker: Docker) => Promise<T>, fine: readonly number[] = []): Promise<T> {
    const docker = await this.#connection();
    try {
      return await call(docker);
    } catch (error) {
      if (fine.includes((error as { statusCode?: number }).statusCode ?? 0)) return undefined as T;
      throw asRuntimeError(doing, error);
    }
  }
}

const short = (id: string): string => /^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id;

const labelFilters = (labels: LabelSelector): string[] =>
  Object.entries(labels).map(([name, value]) => `${name}=${value}`);

function containerOf(found: DockerInspect): RuntimeContainer {
  const { State } = found;
  const time = (text: string) => text === never || text === "" ? undefined : text;
  const startedAt = time(State.StartedAt);
  const finishedAt = State.Running ? undefined : time(State.FinishedAt);
  return {
    id: found.Id,
    name: found.Name.replace(/^\//, ""),
    imageId: found.Image,
    labels: found.Config.Labels ?? {},
    // One that could not be started stays "created" at the engine, with an error and an exit code.
    state: State.Running ? "running" : finishedAt === undefined && State.Error === "" ? "created" : "exited",
    pid: State.Pid,
    exitCode: State.ExitCode,
    oomKilled: State.OOMKilled,
    error: State.Error,
    createdAt: found.Created,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
  };
}

function imageOf(image: DockerImage): RuntimeImage {
  const { User, StopSignal } = image.Config ?? {};
  return {
    id: image.Id,
    tags: image.RepoTags?.filter((tag) => tag !== "<none>:<none>") ?? [],
    digests: image.RepoDigests?.filter((digest) => digest !== "<none>@<none>") ?? [],
    sizeBytes: image.Size,
    ...(User ? { user: User } : {}),
    ...(StopSignal ? { stopSignal: StopSignal } : {}),
  };
}

function eventOf(line: string): RuntimeEvent | undefined {
  const said = JSON.parse(line) as {
    readonly Action?: string;
    readonly timeNano?: number;
    readonly Actor?: { readonly ID: string; readonly Attributes: Record<string, string> };
  };
  const type = eventTypes[said.Action ?? ""];
  if (type === undefined || said.Actor === undefined) return undefined;
  const { ID, Attributes } = said.Actor;
  const at = new Date((said.timeNano ?? 0) / 1e6).toISOString();
  const exitCode = Attributes.exitCode;
  return { type, id: ID, labels: Attributes, at, ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }) };
}

function readLines(stream: NodeStream, onLine: (line: string) => void): void {
  const decoder = new TextDecoder();
  let rest = "";
  stream.on("data", (piece) => {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") onLine(line);
  });
}

/** Pulls and loads report as lines of JSON; an error comes as one of them. */
function followProgress(
  doing: string,
  stream: NodeStream,
  progress?: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: string | undefined;
    readLines(stream, (line) => {
      const said = JSON.parse(line) as { error?: string; status?: string; progress?: string };
      if (said.error !== undefined) failure = said.error;
      else if (said.status !== undefined) progress?.([said.status, said.progress].filter(Boolean).join(" "));
    });
    const end = () => {
      if (signal?.aborted) reject(new RuntimeError("refused", `Cannot ${doing}: it was called off`));
      else if (failure !== undefined) reject(new RuntimeError("refused", failure));
      else resolve();
    };
    stream.on("end", end);
    stream.on("close", end);
    stream.on("error", (error) => reject(asRuntimeError(doing, error)));
    signal?.addEventListener("abort", () => stream.destroy(), { once: true });
  });
}
