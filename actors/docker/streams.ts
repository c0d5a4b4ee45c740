/** Docker's streams as web streams: the multiplexed form (8 bytes of header, then a piece of stdout or stderr). */
import { Buffer } from "node:buffer";
import type { RuntimeLogChunk } from "../../ports/container_runtime.ts";

/** A node stream, as far as it is used here. */
export interface NodeStream {
  on(event: "data", listener: (piece: Uint8Array) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "drain", listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(error?: Error): unknown;
  write?(bytes: Uint8Array): boolean;
  end?(): unknown;
}

const headerSize = 8;

/** Takes a multiplexed stream apart. */
export class Demultiplexer {
  #rest: Uint8Array = new Uint8Array(0);
  constructor(readonly emit: (chunk: RuntimeLogChunk) => void) {}

  push(piece: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (this.#rest.length >= headerSize) {
      const view = new DataView(this.#rest.buffer, this.#rest.byteOffset, this.#rest.byteLength);
      const size = view.getUint32(4);
      if (this.#rest.length < headerSize + size) return;
      const bytes = this.#rest.slice(headerSize, headerSize + size);
      this.emit({ stream: this.#rest[0] === 2 ? "stderr" : "stdout", bytes });
      this.#rest = this.#rest.subarray(headerSize + size);
    }
  }
}

/** Chunks of a stream, multiplexed or, with a tty, plain. The source waits while the reader does not read. */
export function chunksOf(source: NodeStream, multiplexed: boolean): ReadableStream<RuntimeLogChunk> {
  let over = false;
  return new ReadableStream<RuntimeLogChunk>({
    start(controller) {
      const emit = (chunk: RuntimeLogChunk) => {
        if (over) return;
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 1) <= 0) source.pause();
      };
      const demultiplexer = new Demultiplexer(emit);
      const end = (error?: Error) => {
        if (over) return;
        over = true;
        if (error === undefined) controller.close();
        else controller.error(error);
      };
      source.on("data", (piece) => multiplexed ? demultiplexer.push(piece) : emit({ stream: "stdout", bytes: piece }));
      source.on("end", () => end());
      source.on("close", () => end());
      source.on("error", (error) => end(error));
    },
    pull() {
      source.resume();
    },
    cancel() {
      over = true;
      source.destroy();
    },
  }, { highWaterMark: 16 });
}

export interface ProcessStreams {
  readonly stdin: WritableStream<Uint8Array> | undefined;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly ended: Promise<void>;
}

/** Both directions of a hijacked connection. */
export function processStreams(source: NodeStream, options: { tty: boolean; stdin: boolean }): ProcessStreams {
  const ended = Promise.withResolvers<void>();
  const outputs = { stdout: output(source), stderr: output(source) };
  const demultiplexer = new Demultiplexer(({ stream, bytes }) => outputs[stream].push(bytes));
  source.on("data", (piece) => options.tty ? outputs.stdout.push(piece) : demultiplexer.push(piece));
  const end = () => {
    outputs.stdout.close();
    outputs.stderr.close();
    ended.resolve();
  };
  source.on("end", end);
  source.on("close", end);
  source.on("error", end);
  return {
    stdin: options.stdin ? input(source) : undefined,
    stdout: outputs.stdout.readable,
    stderr: outputs.stderr.readable,
    ended: ended.promise,
  };
}

function output(source: NodeStream) {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let over = false;
  const readable = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    pull: () => void source.resume(),
    // Nobody reads this one any more; what still comes is thrown away, the other one goes on.
    cancel: () => void (over = true),
  }, { highWaterMark: 64 });
  return {
    readable,
    push(bytes: Uint8Array) {
      if (over) return;
      controller.enqueue(bytes);
      if ((controller.desiredSize ?? 1) <= 0) source.pause();
    },
    close() {
      if (over) return;
      over = true;
      controller.close();
    },
  };
}

function input(source: NodeStream): WritableStream<Uint8Array> {
  let drained = Promise.withResolvers<void>();
  const wake = () => {
    drained.resolve();
    drained = Promise.withResolvers<void>();
  };
  source.on("drain", wake);
  source.on("close", wake);
  return new WritableStream<Uint8Array>({
    async write(bytes) {
      const waiting = drained.promise;
      if (source.write?.(bytes) === false) await waiting;
    },
    close: () => void source.end?.(),
    abort: () => void source.end?.(),
  });
}
