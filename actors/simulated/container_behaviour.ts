/** What the containers of the simulated runtime do, as it is declared by their image or for one of them. */

/** How a container's process behaves. */
export interface Behaviour {
  /** From the order to start until it runs. */
  readonly startDelayMs?: number;
  /** The engine refuses to start it, with this text. */
  readonly startError?: string;
  /** It ends by itself after so long; absent: it runs until it is stopped. */
  readonly endsAfterMs?: number;
  /** Of its own end. Default 0. */
  readonly exitCode?: number;
  /** What it says once it runs. */
  readonly stdout?: string;
  readonly stderr?: string;
  /** It sits out the stop signal. */
  readonly ignoresStopSignal?: boolean;
  /** Exit code after the stop signal. Default 143. */
  readonly stopExitCode?: number;
  /** What a command in it does. Default: nothing, with exit code 0. */
  exec?(command: readonly string[], stdin: string): { exitCode: number; stdout?: string; stderr?: string };
}

export interface SimulatedImage extends Behaviour {
  readonly sizeBytes?: number;
  readonly user?: string;
  readonly stopSignal?: string;
  /** Not there until it is pulled. */
  readonly remote?: boolean;
  readonly pullDelayMs?: number;
  readonly pullError?: string;
}

/** An image that is not there until it is pulled. */
export interface Pull {
  readonly delayMs?: number;
  /** It cannot be had, for this reason. */
  readonly error?: string;
}
