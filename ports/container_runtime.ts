/**
 * The engine that runs containers, as the kubelet needs it. Real: actors/docker/; simulated: actors/simulated/.
 *
 * The truth about what runs is here: names are idempotency keys, labels say whose a container is. Times are RFC 3339
 * with fractions, ids are the engine's own.
 */

export interface RuntimeVersion {
  /** As in `containerRuntimeVersion`: `docker://20.10.24`. */
  readonly version: string;
  readonly operatingSystem: string;
  readonly kernelVersion: string;
  /** GOARCH: "amd64", "arm64". */
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly cgroupVersion: "1" | "2";
  /** Where the engine keeps images and containers, for disk figures. */
  readonly rootDirectory: string;
}

export interface RuntimeImage {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** What the image says about its process. */
  readonly user?: string;
  readonly stopSignal?: string;
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly serverAddress?: string;
  readonly identityToken?: string;
}

export interface PullOptions {
  readonly auth?: RegistryAuth;
  /** Labels of the container that it is for. */
  readonly labels?: LabelSelector;
  readonly signal?: AbortSignal;
  /** What the engine says on the way. */
  progress?(text: string): void;
}

export interface RuntimeMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  readonly propagation?: "private" | "rslave" | "rshared";
}

/** Limits and shares of a container; absent: none. */
export interface RuntimeResources {
  readonly cpuShares?: number;
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly memoryBytes?: number;
  readonly oomScoreAdj?: number;
}

export interface RuntimeSecurity {
  /** `uid[:gid]`; absent: the image's. */
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly privileged?: boolean;
  readonly addCapabilities?: readonly string[];
  readonly dropCapabilities?: readonly string[];
  readonly readOnlyRoot?: boolean;
  readonly noNewPrivileges?: boolean;
  /** "default": the engine's profile. "unconfined", or the profile's JSON. */
  readonly seccomp?: string;
  readonly appArmor?: string;
}

export interface ContainerDraft {
  /** Two characters or more; the idempotency key. */
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Absent: the image's. */
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: readonly string[];
  readonly workingDirectory?: string;
  readonly hostname?: string;
  readonly tty?: boolean;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly stopSignal?: string;
  readonly mounts?: readonly RuntimeMount[];
  /** "none", "host", or "container:ID". */
  readonly network: string;
  /** "shareable" for a sandbox, "host", or "container:ID". */
  readonly ipc: string;
  readonly pid?: string;
  readonly uts?: "host";
  readonly dns?: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly resources?: RuntimeResources;
  readonly security?: RuntimeSecurity;
}

export interface RuntimeContainer {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: "created" | "running" | "exited";
  /** Of the process in the host's namespace; 0 when it does not run. */
  readonly pid: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why the engine could not start it. */
  readonly error: string;
  readonly createdAt: string;
  /** Absent until it has been started, or has ended. */
  readonly startedAt?: string;
  readonly finishedAt?: string;
}

export type RuntimeEvent = {
  readonly type: "started" | "exited" | "removed" | "outOfMemory";
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of `exited`. */
  readonly exitCode?: number;
  readonly at: string;
};

export interface RuntimeEventSink {
  event(event: RuntimeEvent): void;
  /** The engine has ended the stream or is gone; called once, never after cancel. */
  closed(reason: string): void;
}

export interface RuntimeLogOptions {
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  readonly tailLines?: number;
  /** Unix seconds, with a fraction. */
  readonly since?: number;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly signal?: AbortSignal;
}

export interface RuntimeLogChunk {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}

export interface ExecOptions {
  readonly command: readonly string[];
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly tty?: boolean;
}

/** A process in a container, or the container's own, with its streams. With a tty everything comes as stdout. */
export interface RuntimeProcess {
  readonly stdin: WritableStream<Uint8Array> | undefined;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  resize(columns: number, rows: number): Promise<void>;
  /** For attach: when the streams have ended, with 0. */
  readonly exit: Promise<{ readonly exitCode: number }>;
  close(): void;
}

export interface RuntimeStats {
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  readonly workingSetBytes: number;
  readonly readAt: string;
}

/** Labels that a container must have. */
export type LabelSelector = Readonly<Record<string, string>>;

/** Why the engine refused. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
  constructor(
    readonly code: "notFound" | "conflict" | "unreachable" | "refused",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Every call throws RuntimeError. */
export interface ContainerRuntime {
  version(): Promise<RuntimeVersion>;

  /** Undefined when it is not there. `labels`: those of the container that it is for. */
  inspectImage(reference: string, labels?: LabelSelector): Promise<RuntimeImage | undefined>;
  listImages(): Promise<readonly RuntimeImage[]>;
  pullImage(reference: string, options?: PullOptions): Promise<void>;
  /** A tar archive as `docker save` writes it. */
  loadImage(archive: Uint8Array): Promise<void>;
  removeImage(reference: string): Promise<void>;

  /**
   * Idempotent by name: a container of that name whose labels are all in the draft, in the draft's values, is the answer.
   *
   * @throws RuntimeError "conflict" when the name belongs to somebody else; "notFound" when the image is not there.
   */
  create(draft: ContainerDraft): Promise<{ readonly id: string; readonly existed: boolean }>;
  /** Idempotent. */
  start(id: string): Promise<void>;
  /** Sends the stop signal, after the grace kills; resolves when it has ended. One that does not run: at once. */
  stop(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void>;
  /** SIGKILL; resolves when it was sent. One that does not run: at once. */
  kill(id: string): Promise<void>;
  /** Kills, and removes with its anonymous volumes. One that is not there: at once. */
  remove(id: string): Promise<void>;
  /** Undefined when it is not there. */
  inspect(id: string): Promise<RuntimeContainer | undefined>;
  /** Those that have all labels, running or not. Exit details are complete. */
  list(labels: LabelSelector): Promise<readonly RuntimeContainer[]>;
  /** What happens to containers with these labels from now on. */
  watch(labels: LabelSelector, sink: RuntimeEventSink): Promise<{ cancel(): void }>;

  logs(id: string, options: RuntimeLogOptions): Promise<ReadableStream<RuntimeLogChunk>>;
  exec(id: string, options: ExecOptions): Promise<RuntimeProcess>;
  attach(id: string, options: Omit<ExecOptions, "command">): Promise<RuntimeProcess>;
  stats(id: string): Promise<RuntimeStats>;
}
