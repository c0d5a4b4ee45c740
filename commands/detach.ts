/** `up --detach`: the same command again in a session of its own; this one returns when that one is ready. */
import type { ClusterState } from "./cluster_state.ts";
import { withoutStoreOptions } from "./external_store_note.ts";
import { ownCommand } from "./own_command.ts";
import { lastLine } from "./up.ts";

const patienceMs = 180_000;

/** `role`: whose permissions the process gets. */
export async function detach(state: ClusterState, role: string): Promise<void> {
  // Says so if it runs already, before its log is begun anew.
  (await state.lock()).release();
  await state.forgetRunning();
  const log = state.path("chartroom.log");
  // What an earlier run said is not shown as if this one had.
  await Deno.writeTextFile(log, "", { mode: 0o600 });
  const { program, args } = await ownCommand(
    role,
    state,
    withoutStoreOptions(Deno.args).filter((argument) => argument !== "--detach"),
  );
  const script = 'log=$1; shift; exec "$@" >>"$log" 2>&1 </dev/null';
  const child = new Deno.Command("setsid", {
    args: ["sh", "-c", script, "sh", log, program, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  child.unref();
  let code: number | undefined;
  void child.status.then((status) => code = status.code);
  const shower = new LogShower(log);
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    // In this order: what it said before it ended is there when its end is.
    const ended = code;
    await shower.show();
    if (shower.text.includes(lastLine) && await state.running() !== undefined) return;
    if (ended !== undefined) {
      throw new Error(`Cannot bring the cluster up: its process ended with ${ended}; see ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Cannot bring the cluster up: it is not ready after ${patienceMs / 1000} s; see ${log}`);
}

/** Shows what is added to a file. */
class LogShower {
  text = "";
  #shown = 0;

  constructor(readonly path: string) {}

  async show(): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = await Deno.readFile(this.path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    const added = bytes.subarray(this.#shown);
    this.#shown = bytes.length;
    this.text += new TextDecoder().decode(added);
    for (let written = 0; written < added.length;) written += await Deno.stderr.write(added.subarray(written));
  }
}
