/** A node whose containers understand a handful of commands. */
import { ApiError } from "../../../machines/objects/status.ts";
import type {
  ByteStream,
  ConnectedProcess,
  ContainerTarget,
  LogOptions,
  NodeStreams,
  ProcessOptions,
} from "../../../ports/node_streams.ts";

const encoder = new TextEncoder();

export class FakeStreams implements NodeStreams {
  readonly seen: unknown[] = [];
  /** Processes that were started and not let go of. */
  running = 0;
  /** Ends logs that are followed. */
  endLogs: (() => void) | undefined;

  logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    this.seen.push({ target, options });
    if (target.container === "waiting") {
      return Promise.reject(
        new ApiError(
          400,
          "BadRequest",
          `container "waiting" in pod "${target.pod}" is waiting to start: ContainerCreating`,
        ),
      );
    }
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(encoder.encode("first\n"));
        if (!options.follow) return controller.close();
        this.endLogs = () => {
          controller.enqueue(encoder.encode("last\n"));
          controller.close();
        };
        signal.addEventListener("abort", () => this.seen.push("log let go"));
      },
    });
    return Promise.resolve(stream);
  }

  exec(target: ContainerTarget, command: readonly string[], options: ProcessOptions): Promise<ConnectedProcess> {
    this.seen.push({ target, command, options });
    if (command[0] === "missing") {
      return Promise.reject(new Error('exec: "missing": executable file not found in $PATH'));
    }
    return Promise.resolve(this.#process(command, options));
  }

  attach(target: ContainerTarget, options: ProcessOptions): Promise<ConnectedProcess> {
    this.seen.push({ target, options });
    return Promise.resolve(this.#process(["cat"], options));
  }

  #process(command: readonly string[], options: ProcessOptions): ConnectedProcess {
    this.running++;
    const input = new TransformStream<Uint8Array, Uint8Array>();
    const output = new TransformStream<Uint8Array, Uint8Array>();
    const errors = new TransformStream<Uint8Array, Uint8Array>();
    const sizes: string[] = [];
    let resized: (() => void) | undefined;
    const exit = Promise.withResolvers<{ exitCode: number }>();
    let open = true;
    const run = async (): Promise<number> => {
      const out = output.writable.getWriter();
      const err = errors.writable.getWriter();
      let exitCode = 0;
      switch (command[0]) {
        case "echo":
          await out.write(encoder.encode(command.slice(1).join(" ") + "\n"));
          break;
        case "cat":
          for await (const chunk of input.readable) await out.write(chunk);
          break;
        case "both":
          await out.write(encoder.encode("to stdout\n"));
          if (options.stderr && !options.tty) await err.write(encoder.encode("to stderr\n"));
          break;
        case "big":
          for (let round = 0; round < 64; round++) await out.write(new Uint8Array(65_536).fill(97));
          break;
        case "size":
          while (sizes.length === 0) await new Promise<void>((resolve) => resized = resolve);
          await out.write(encoder.encode(sizes[0]!));
          break;
        case "sleep":
          await new Promise<void>(() => {});
          break;
        case "exit":
          exitCode = Number(command[1]);
      }
      void out.close();
      void err.close();
      return exitCode;
    };
    run().then((exitCode) => exit.resolve({ exitCode }), (error) => exit.reject(error));
    return {
      ...(options.stdin ? { stdin: input.writable } : {}),
      ...(options.stdout ? { stdout: output.readable } : {}),
      ...(options.stderr && !options.tty ? { stderr: errors.readable } : {}),
      resize(columns, rows) {
        sizes.push(`${columns}x${rows}\n`);
        resized?.();
        return Promise.resolve();
      },
      exit: exit.promise,
      close: () => {
        if (open) this.running--;
        open = false;
        exit.resolve({ exitCode: 137 });
      },
    };
  }

  /** Port 7 gives back what it gets, in capitals; others refuse. */
  portForward(target: Omit<ContainerTarget, "container">, port: number): Promise<ByteStream> {
    this.seen.push({ target, port });
    if (port !== 7) return Promise.reject(new Error(`dial tcp 127.0.0.1:${port}: connect: connection refused`));
    const decoder = new TextDecoder();
    const echo = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => controller.enqueue(encoder.encode(decoder.decode(chunk).toUpperCase())),
    });
    return Promise.resolve({ readable: echo.readable, writable: echo.writable, close() {} });
  }

  pods() {
    return [{ metadata: { name: "p" } }];
  }
}
