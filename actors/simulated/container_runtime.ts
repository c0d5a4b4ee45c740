/**
 * The container runtime without a world: containers are rows, their processes are behaviours that an image or a draft
 * declares. All delays pass on the given clock and all draws come from the given randomness, so that a run can be
 * repeated.
 */
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
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Behaviour, Pull, SimulatedImage } from "./container_behaviour.ts";
import { type LoggedPiece, logStream, processOf } from "./container_streams.ts";

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** By reference. A change shows at once. */
  readonly images: Record<string, SimulatedImage>;
  /** Wins over the image's own behaviour. */
  behave?(draft: ContainerDraft): Behaviour | undefined;
  /** Wins over the image's own: how it is got for a container with these labels. */
  pull?(reference: string, labels: LabelSelector): Pull | undefined;
  /** What every call takes at most; the draw is uniform. Default 0. */
  readonly latencyMs?: number;
  /** Hears of everything that happens, whoever else does. */
  observe?(event: RuntimeEvent): void;
}

/** Of the draft only what is asked for later: there may be a hundred thousand. */
interface Row {
  readonly name: string;
  readonly image: string;
  readonly labels: LabelSelector;
  readonly id: string;
  readonly createdAt: string;
  readonly behaviour: Behaviour;
  readonly log: LoggedPiece[];
  onLog?: Set<() => void>;
  onEnd?: Set<() => void>;
  state: "created" | "running" | "exited";
  pid: number;
  exitCode: number;
  error: string;
  startedAt?: string;
  finishedAt?: string;
  endsBy?: { cancel(): void };
}

export class SimulatedRuntime implements ContainerRuntime {
  readonly #rows = new Map<string, Row>();
  readonly #byName = new Map<string, Row>();
  /** Images that were got by `options.pull`. */
  readonly #pulled = new Set<string>();
  readonly #watches = new Set<{ labels: LabelSelector; sink: RuntimeEventSink }>();
  /** Beyond every pid of the kernel: whoever takes one for a process of the host finds none. */
  #pids = 2 ** 22 + 1;
  #reachable = true;

  constructor(readonly options: SimulatedRuntimeOptions) {}

  /** The engine goes away: every call fails, event streams end. Containers live on. */
  disconnect(): void {
    this.#reachable = false;
    const watches = [...this.#watches];
    this.#watches.clear();
    for (const { sink } of watches) sink.closed("the engine is gone");
  }

  reconnect(): void {
    this.#reachable = true;
  }

  /** Everything there is, as it is now. */
  containers(): RuntimeContainer[] {
    return [...this.#rows.values()].map(containerOf);
  }

  /** The process of a container ends by itself. */
  exit(id: string, exitCode: number): void {
    const row = this.#row(id);
    if (row.state === "running") this.#end(row, exitCode);
  }

  async version(): Promise<RuntimeVersion> {
    await this.#latency();
    return {
      version: "docker://simulated",
      operatingSystem: "Simulated",
      kernelVersion: "6.1.0",
      architecture: "amd64",
      cpus: 4,
      memoryBytes: 8 * 2 ** 30,
      cgroupVersion: "2",
      rootDirectory: "/var/lib/docker",
    };
  }

  async inspectImage(reference: string, labels?: LabelSelector): Promise<RuntimeImage | undefined> {
    await this.#latency();
    const pull = labels === undefined ? undefined : this.options.pull?.(reference, labels);
    if (pull !== undefined && !this.#pulled.has(reference)) return undefined;
    const image = this.options.images[reference] ?? this.#byId(reference)?.[1];
    if (image === undefined || image.remote) return undefined;
    const [name] = this.#byId(reference) ?? [reference];
    return imageOf(name, image);
  }

  async listImages(): Promise<readonly RuntimeImage[]> {
    await this.#latency();
    return Object.entries(this.options.images).filter(([, { remote }]) => !remote)
      .map(([name, image]) => imageOf(name, image));
  }

  async pullImage(reference: string, { signal, progress, labels = {} }: PullOptions = {}): Promise<void> {
    await this.#latency();
    const image = this.options.images[reference];
    const declared = this.options.pull?.(reference, labels);
    progress?.("Pulling");
    await this.#sleep(declared?.delayMs ?? image?.pullDelayMs ?? 0);
    if (signal?.aborted) throw refused(`pull image "${reference}"`, "it was called off");
    if (image === undefined) throw refused(`pull image "${reference}"`, "manifest unknown");
    const error = declared === undefined ? image.pullError : declared.error;
    if (error !== undefined) throw refused(`pull image "${reference}"`, error);
    if (declared === undefined) this.options.images[reference] = { ...image, remote: false };
    else this.#pulled.add(reference);
  }

  /** The archive's contents mean nothing here: the pause image is what is loaded. */
  async loadImage(archive: Uint8Array): Promise<void> {
    await this.#latency();
    const name = /"RepoTags":\["([^"]+)"\]/.exec(new TextDecoder().decode(archive))?.[1];
    if (name === undefined) throw refused("load image", "the archive names none");
    this.options.images[name] = {};
  }

  async removeImage(reference: string): Promise<void> {
    await this.#latency();
    if (this.options.images[reference] === undefined) throw missing(`remove image "${reference}"`, "No such image");
    delete this.options.images[reference];
  }

  async create(draft: ContainerDraft): Promise<{ id: string; existed: boolean }> {
    await this.#latency();
    const doing = `create container "${draft.name}"`;
    const there = this.#byName.get(draft.name);
    if (there !== undefined) {
      if (matches(there.labels, draft.labels)) return { id: there.id, existed: true };
      throw new RuntimeError("conflict", `Cannot ${doing}: the name is in use by container "${there.id}"`);
    }
    const image = this.options.images[draft.image] ?? this.#byId(draft.image)?.[1];
    if (image === undefined || image.remote) throw missing(doing, `No such image: ${draft.image}`);
    const bytes = this.options.random.bytes(32);
    const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const row: Row = {
      name: draft.name,
      image: draft.image,
      labels: draft.labels,
      id,
      createdAt: this.#time(),
      behaviour: this.options.behave?.(draft) ?? image,
      log: [],
      state: "created",
      pid: 0,
      exitCode: 0,
      error: "",
    };
    this.#rows.set(id, row);
    this.#byName.set(row.name, row);
    return { id, existed: false };
  }

  async start(id: string): Promise<void> {
    await this.#latency();
    const row = this.#row(id);
    if (row.state === "running") return;
    const { behaviour } = row;
    await this.#sleep(behaviour.startDelayMs ?? 0);
    if (!this.#rows.has(row.id)) throw missing(`start container "${id}"`, "it was removed");
    if (behaviour.startError !== undefined) {
      Object.assign(row, { state: "exited", exitCode: 127, error: behaviour.startError, finishedAt: this.#time() });
      throw refused(`start container "${id}"`, behaviour.startError);
    }
    row.state = "running";
    row.pid = this.#pids++;
    row.startedAt = this.#time();
    delete row.finishedAt;
    this.#tell("started", row);
    this.#say(row, "stdout", behaviour.stdout);
    this.#say(row, "stderr", behaviour.stderr);
    if (behaviour.endsAfterMs !== undefined) {
      const { clock } = this.options;
      row.endsBy = clock.wakeAt(clock.now() + behaviour.endsAfterMs, () => this.#end(row, behaviour.exitCode ?? 0));
    }
  }

  async stop(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    await this.#latency();
    const row = this.#find(id);
    if (row?.state !== "running") return;
    if (row.behaviour.ignoresStopSignal) await this.#sleep(graceSeconds * 1000, row);
    if (signal?.aborted) throw refused(`stop container "${id}"`, "it was called off");
    if (row.state !== "running") return;
    const killed = row.behaviour.ignoresStopSignal || graceSeconds === 0;
    this.#end(row, killed ? 137 : row.behaviour.stopExitCode ?? 143);
  }

  async kill(id: string): Promise<void> {
    await this.#latency();
    const row = this.#find(id);
    if (row?.state === "running") this.#end(row, 137);
  }

  async remove(id: string): Promise<void> {
    await this.#latency();
    const row = this.#find(id);
    if (row === undefined) return;
    if (row.state === "running") this.#end(row, 137);
    this.#rows.delete(row.id);
    this.#byName.delete(row.name);
    this.#tell("removed", row);
  }

  async inspect(id: string): Promise<RuntimeContainer | undefined> {
    await this.#latency();
    const row = this.#find(id);
    return row === undefined ? undefined : containerOf(row);
  }

  async list(labels: LabelSelector): Promise<readonly RuntimeContainer[]> {
    await this.#latency();
    return [...this.#rows.values()].filter((row) => matches(row.labels, labels)).map(containerOf);
  }

  async watch(labels: LabelSelector, sink: RuntimeEventSink): Promise<{ cancel(): void }> {
    await this.#latency();
    const watch = { labels, sink };
    this.#watches.add(watch);
    return { cancel: () => void this.#watches.delete(watch) };
  }

  async logs(id: string, options: RuntimeLogOptions): Promise<ReadableStream<RuntimeLogChunk>> {
    await this.#latency();
    return logStream(this.#row(id), options);
  }

  async exec(id: string, options: ExecOptions): Promise<RuntimeProcess> {
    await this.#latency();
    const row = this.#row(id);
    const doing = `run a process in container "${id}"`;
    if (row.state !== "running") throw new RuntimeError("conflict", `Cannot ${doing}: it is not running`);
    const run = (stdin: string) => row.behaviour.exec?.(options.command, stdin) ?? { exitCode: 0 };
    return processOf(options, run);
  }

  async attach(id: string, options: Omit<ExecOptions, "command">): Promise<RuntimeProcess> {
    await this.#latency();
    const row = this.#row(id);
    const said = row.log.map(({ stream, text }) => ({ stream, text }));
    const join = (wanted: string) => said.filter(({ stream }) => stream === wanted).map(({ text }) => text).join("");
    return processOf(options, () => ({ exitCode: 0, stdout: join("stdout"), stderr: join("stderr") }));
  }

  async stats(id: string): Promise<RuntimeStats> {
    await this.#latency();
    this.#row(id);
    return { cpuNanoseconds: 0, memoryBytes: 0, workingSetBytes: 0, readAt: this.#time() };
  }

  #end(row: Row, exitCode: number): void {
    if (row.state !== "running") return;
    row.endsBy?.cancel();
    row.state = "exited";
    row.pid = 0;
    row.exitCode = exitCode;
    row.finishedAt = this.#time();
    for (const listener of [...row.onEnd ?? [], ...row.onLog ?? []]) listener();
    this.#tell("exited", row);
  }

  #say(row: Row, stream: "stdout" | "stderr", text: string | undefined): void {
    if (text === undefined) return;
    row.log.push({ stream, text, at: this.#time() });
    for (const listener of row.onLog ?? []) listener();
  }

  #tell(type: RuntimeEvent["type"], row: Row): void {
    const { id, labels, exitCode } = row;
    const event: RuntimeEvent = { type, id, labels, at: this.#time(), ...(type === "exited" ? { exitCode } : {}) };
    this.options.observe?.(event);
    for (const watch of [...this.#watches]) if (matches(labels, watch.labels)) watch.sink.event(event);
  }

  #find(id: string): Row | undefined {
    return this.#rows.get(id) ?? this.#byName.get(id);
  }

  #row(id: string): Row {
    const row = this.#find(id);
    if (row === undefined) throw missing(`use container "${id}"`, "No such container");
    return row;
  }

  #byId(id: string): [string, SimulatedImage] | undefined {
    return Object.entries(this.options.images).find(([name]) => idOf(name) === id);
  }

  #time(): string {
    return new Date(this.options.clock.wallTime()).toISOString();
  }

  async #latency(): Promise<void> {
    if (!this.#reachable) throw new RuntimeError("unreachable", "Cannot reach the engine: it is gone");
    const { latencyMs = 0, random } = this.options;
    if (latencyMs > 0) await this.#sleep(random.next() * latencyMs);
  }

  /** Ends early when the container ends. */
  #sleep(milliseconds: number, row?: Row): Promise<void> {
    if (milliseconds <= 0) return Promise.resolve();
    const { clock } = this.options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = clock.wakeAt(clock.now() + milliseconds, resolve);
    if (row !== undefined) {
      (row.onEnd ??= new Set()).add(() => {
        wake.cancel();
        resolve();
      });
    }
    return promise;
  }
}

function containerOf(row: Row): RuntimeContainer {
  const { id, name, image, labels, state, pid, exitCode, error, createdAt, startedAt, finishedAt } = row;
  return {
    id,
    name,
    imageId: idOf(image),
    labels,
    state,
    pid,
    exitCode,
    oomKilled: false,
    error,
    createdAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
  };
}

const idOf = (name: string): string => name.startsWith("sha256:") ? name : `sha256:${name}`;

function imageOf(name: string, image: SimulatedImage): RuntimeImage {
  const { sizeBytes = 1_000_000, user, stopSignal } = image;
  return {
    id: idOf(name),
    tags: [name],
    digests: [],
    sizeBytes,
    ...(user === undefined ? {} : { user }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
  };
}

function matches(labels: Readonly<Record<string, string>>, wanted: LabelSelector): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

const missing = (doing: string, why: string) => new RuntimeError("notFound", `Cannot ${doing}: ${why}`);
const refused = (doing: string, why: string) => new RuntimeError("refused", `Cannot ${doing}: ${why}`);
