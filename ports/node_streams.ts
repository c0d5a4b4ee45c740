/** What the kubelet's HTTPS server offers of the pods on its node: logs, exec, attach, port-forward. */

export interface ContainerTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly uid?: string;
  /** Empty: the pod's only container, or the one its annotation `kubectl.kubernetes.io/default-container` names. */
  readonly container: string;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339. */
  readonly sinceTime?: string;
  readonly limitBytes?: number;
}

export interface ProcessOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** stdout and stderr come as one, as stdout. */
  readonly tty: boolean;
}

/** A process whose streams are connected. Cancelling `stdout` and `stderr` and closing `stdin` lets go of it. */
export interface ConnectedProcess {
  readonly stdin?: WritableStream<Uint8Array>;
  readonly stdout?: ReadableStream<Uint8Array>;
  readonly stderr?: ReadableStream<Uint8Array>;
  resize(columns: number, rows: number): Promise<void>;
  /** Resolves when the process has ended; for attach, when the streams have. */
  readonly exit: Promise<{ exitCode: number }>;
  close(): void;
}

/** A byte stream both ways, for a forwarded port. */
export interface ByteStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  close(): void;
}

/** Refusals are thrown as `ApiError` with Kubernetes' wording (404 for an unknown container, 400 for one not started). */
export interface NodeStreams {
  logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  exec(target: ContainerTarget, command: readonly string[], options: ProcessOptions): Promise<ConnectedProcess>;
  attach(target: ContainerTarget, options: ProcessOptions): Promise<ConnectedProcess>;
  /** A connection to `port` on the pod's own loopback address. */
  portForward(target: Omit<ContainerTarget, "container">, port: number): Promise<ByteStream>;
  /** The pods the kubelet knows, for GET /pods. */
  pods(): readonly unknown[];
}
