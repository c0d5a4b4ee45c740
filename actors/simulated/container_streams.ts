/** Streams of simulated containers: what they said, and commands that answer at once. */
import type { ExecOptions, RuntimeLogChunk, RuntimeLogOptions, RuntimeProcess } from "../../ports/container_runtime.ts";

export interface LoggedPiece {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
  readonly at: string;
}

export interface LogSource {
  readonly log: readonly LoggedPiece[];
  onLog?: Set<() => void>;
  readonly state: string;
}

const encoder = new TextEncoder();

/** Pieces so far and, when followed, those to come until the process ends. */
export function logStream(source: LogSource, options: RuntimeLogOptions): ReadableStream<RuntimeLogChunk> {
  const { follow = false, timestamps = false, tailLines, since, stdout = true, stderr = true, signal } = options;
  const wanted = { stdout, stderr };
  const chunkOf = ({ stream, text, at }: LoggedPiece): RuntimeLogChunk => ({
    stream,
    bytes: encoder.encode(timestamps ? text.replace(/^(?=.)/gm, `${at} `) : text),
  });
  const lines = (pieces: readonly LoggedPiece[]) =>
    pieces.filter(({ stream, at }) => wanted[stream] && (since === undefined || Date.parse(at) / 1000 >= since))
      .flatMap((piece) => (piece.text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((text) => ({ ...piece, text })));
  let told = 0;
  let listener = () => {};
  return new ReadableStream<RuntimeLogChunk>({
    start(controller) {
      const flush = () => {
        const fresh = lines(source.log.slice(told));
        const shown = told === 0 && tailLines !== undefined ? (tailLines === 0 ? [] : fresh.slice(-tailLines)) : fresh;
        told = source.log.length;
        for (const piece of shown) controller.enqueue(chunkOf(piece));
        if (follow && source.state === "running" && !signal?.aborted) return;
        source.onLog?.delete(listener);
        controller.close();
      };
      listener = flush;
      (source.onLog ??= new Set()).add(listener);
      signal?.addEventListener("abort", () => source.onLog?.has(listener) && flush(), { once: true });
      flush();
    },
    cancel: () => void source.onLog?.delete(listener),
  });
}

type Answer = { readonly exitCode: number; readonly stdout?: string; readonly stderr?: string };

/** A process that reads its input to the end, when it has one, and then answers. */
export function processOf(options: Omit<ExecOptions, "command">, run: (stdin: string) => Answer): RuntimeProcess {
  const { stdin = false, stdout = true, stderr = true, tty = false } = options;
  const input = Promise.withResolvers<string>();
  const answer = input.promise.then(run);
  let read = "";
  const decoder = new TextDecoder();
  if (!stdin) input.resolve("");
  const output = (text: (given: Answer) => string | undefined, wanted: boolean) =>
    new ReadableStream<Uint8Array>({
      async start(controller) {
        const said = text(await answer);
        if (wanted && said) controller.enqueue(encoder.encode(said));
        controller.close();
      },
    });
  return {
    stdin: !stdin ? undefined : new WritableStream<Uint8Array>({
      write: (bytes) => void (read += decoder.decode(bytes, { stream: true })),
      close: () => input.resolve(read),
      abort: () => input.resolve(read),
    }),
    stdout: output((given) => (given.stdout ?? "") + (tty ? given.stderr ?? "" : ""), stdout),
    stderr: output((given) => given.stderr, stderr && !tty),
    resize: () => Promise.resolve(),
    exit: answer.then(({ exitCode }) => ({ exitCode })),
    close: () => input.resolve(read),
  };
}
