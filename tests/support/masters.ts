/** What the tests of several masters share. */
import { assertEquals } from "@std/assert";
import type { TestCluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";

const root = new URL("../../", import.meta.url).pathname;

export interface Member {
  readonly name: string;
  readonly role: string;
  readonly term: number;
  readonly applied: number;
  readonly pid: number;
  readonly address: string;
}

/** As `member list` shows them. */
export async function members(cluster: TestCluster): Promise<Member[]> {
  const [, ...lines] = (await cluster.chartroom("member", "list")).trim().split("\n");
  return lines.map((line) => {
    const [name = "", , role = "", term, applied, pid, address = ""] = line.split(/ {2,}/);
    return { name, role, term: Number(term), applied: Number(applied), pid: Number(pid), address };
  });
}

export const settled = (cluster: TestCluster) =>
  eventually("there are a leader and two followers", async () => {
    const all = await members(cluster);
    assertEquals(all.map(({ role }) => role).sort(), ["follower", "follower", "leader"]);
    return all;
  });

/** The words after `chartroom` that `token create` prints. */
export async function joinWords(cluster: TestCluster, ...flags: string[]): Promise<string[]> {
  const said = await cluster.chartroom("token", "create", ...flags);
  return /^chartroom (\w+ --join .*)$/m.exec(said)![1]!.split(" ");
}

/** A master or worker in the foreground, until it ends or is killed with the test. */
export class JoinedProcess implements AsyncDisposable {
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #heard: Promise<void>;
  said = "";

  constructor(words: readonly string[], { within = [] }: { within?: readonly string[] } = {}) {
    const [program = "", ...args] = [...within, `${root}chartroom`, ...words];
    this.#child = new Deno.Command(program, {
      args,
      env: { NO_COLOR: "1", CHARTROOM_DENO: Deno.execPath() },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.status = this.#child.status;
    this.#heard = this.#hear(this.#child.stderr);
  }

  async #hear(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.said += text;
  }

  async end(signal: Deno.Signal): Promise<number> {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended.
    }
    const { code } = await this.status;
    await this.#heard;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}
