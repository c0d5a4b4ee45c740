/**
 * Stock kubectl and helm against a cluster. Nothing of the user's own is read or written: every `Kubectl` has a home
 * of its own, and its kubeconfig by `KUBECONFIG`.
 */
import { assertEquals } from "@std/assert";
import { type ClientTool, clientTool, missingClientTool } from "../../tools/client_tools.ts";

/** Why tests with stock clients cannot run here; undefined when they can. Prints it once per test file. */
export function clientsMissing(...tools: ClientTool[]): boolean {
  const reasons = tools.map(missingClientTool).filter((reason) => reason !== undefined);
  for (const reason of reasons) console.log(`Tests with stock clients are skipped: ${reason}`);
  return reasons.length > 0;
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export interface RunOptions {
  /** What the program reads; nothing when absent. */
  readonly input?: string | Uint8Array<ArrayBuffer>;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A program with its environment fixed. */
export class Client {
  constructor(
    readonly program: string,
    readonly env: Readonly<Record<string, string>>,
    readonly fixed: readonly string[] = [],
  ) {}

  /** The same client with arguments that come before all others. */
  with(...fixed: string[]): Client {
    return new Client(this.program, this.env, [...this.fixed, ...fixed]);
  }

  command(args: readonly string[], options: RunOptions = {}): Deno.Command {
    return new Deno.Command(this.program, {
      args: [...this.fixed, ...args],
      env: { ...this.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdin: options.input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** Runs to the end, whatever the outcome. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const { code, stdout, stderr } = await this.#output(args, options);
    return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
  }

  /** What it printed, byte for byte. @throws Error with everything it said when it did not succeed. */
  async bytes(args: readonly string[], options: RunOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { code, stdout, stderr } = await this.#output(args, options);
    if (code !== 0) {
      const said = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
      throw new Error(`Cannot run "${this.line(args)}": it ended with ${code}: ${said}`);
    }
    return stdout as Uint8Array<ArrayBuffer>;
  }

  /** What it printed, without white space at the end. @throws Error with everything it said when it did not succeed. */
  async ok(args: readonly string[] | string, options: RunOptions = {}): Promise<string> {
    const words = typeof args === "string" ? args.split(" ") : args;
    return new TextDecoder().decode(await this.bytes(words, options)).trimEnd();
  }

  /** What it printed as JSON. */
  async json<T>(args: readonly string[] | string, options: RunOptions = {}): Promise<T> {
    const words = typeof args === "string" ? args.split(" ") : args;
    return JSON.parse(await this.ok([...words, "-o", "json"], options));
  }

  /** What it said when it failed, as it must. */
  async fails(args: readonly string[] | string, options: RunOptions = {}): Promise<string> {
    const words = typeof args === "string" ? args.split(" ") : args;
    const { code, out, error } = await this.run(words, options);
    if (code === 0) {
      throw new Error(`Expected "${this.line(words)}" to fail, but it succeeded and said: ${out}${error}`);
    }
    return error.trimEnd();
  }

  line(args: readonly string[]): string {
    return [this.program.replace(/.*\//, ""), ...this.fixed, ...args].join(" ");
  }

  async #output(args: readonly string[], options: RunOptions): Promise<Deno.CommandOutput> {
    const child = this.command(args, options).spawn();
    if (options.input === undefined) return await child.output();
    const bytes = typeof options.input === "string" ? new TextEncoder().encode(options.input) : options.input;
    const writer = child.stdin.getWriter();
    // A program that ends before it has read everything is judged by its outcome.
    const written = writer.write(bytes).then(() => writer.close()).catch(() => {});
    const output = await child.output();
    await written;
    return output;
  }
}

/** kubectl with a home of its own below `directory`. */
export async function kubectl(kubeconfig: string, directory: string): Promise<Client> {
  return await stockClient("kubectl", kubeconfig, directory);
}

export async function helm(kubeconfig: string, directory: string): Promise<Client> {
  return await stockClient("helm", kubeconfig, directory);
}

async function stockClient(tool: ClientTool, kubeconfig: string, directory: string): Promise<Client> {
  const home = `${directory}/home`;
  await Deno.mkdir(home, { recursive: true });
  return new Client(await clientTool(tool), { KUBECONFIG: kubeconfig, HOME: home });
}

/** A program that goes on by itself, with all that it printed. Ends with `stop` or by `await using`. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  readonly #waiting: { found(text: string): boolean; resolve(): void }[] = [];
  #ended = false;
  out = "";
  error = "";

  constructor(command: Deno.Command) {
    this.#child = command.spawn();
    this.#read = Promise.all([
      this.#follow(this.#child.stdout, (text) => this.out += text),
      this.#follow(this.#child.stderr, (text) => this.error += text),
    ]).finally(() => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Resolves when what it printed so far contains `text` or matches it. @throws Error when it ends before. */
  async says(text: string | RegExp, patienceMs = 20_000): Promise<void> {
    const found = (all: string) => typeof text === "string" ? all.includes(text) : text.test(all);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ found, resolve });
    this.#wake();
    const timer = setTimeout(resolve, patienceMs);
    await promise;
    clearTimeout(timer);
    if (found(this.out + this.error)) return;
    throw new Error(
      `Expected ${text} within ${patienceMs} ms${
        this.#ended ? ", but it ended" : ""
      }; it printed: ${this.out}${this.error}`,
    );
  }

  /** Its own end. */
  async ended(): Promise<Outcome> {
    const { code } = await this.#child.status;
    await this.#read;
    return { code, out: this.out, error: this.error };
  }

  async stop(): Promise<Outcome> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #follow(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream() as never) as ReadableStream<string>) {
      add(text);
      this.#wake();
    }
  }

  #wake(): void {
    for (const { found, resolve } of this.#waiting) {
      if (this.#ended || found(this.out + this.error)) resolve();
    }
  }
}

/** One JSON document as a manifest: kubectl reads it as it reads YAML. */
export function manifest(...objects: unknown[]): string {
  return objects.map((object) => JSON.stringify(object)).join("\n---\n");
}

/** Columns of a table as kubectl prints it, by its header. */
export function tableColumns(printed: string): string[] {
  return (printed.split("\n")[0] ?? "").trim().split(/\s{2,}/);
}

export function assertLines(printed: string, expected: readonly string[]): void {
  assertEquals(printed.split("\n"), expected);
}
