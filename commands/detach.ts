/** `up --detach`: the same command again in a session of its own; this one returns when that one is ready. */
import type { ClusterState } from "./cluster_state.ts";
import { permissionFlags } from "./permissions.ts";
import { isAlive } from "./status.ts";

const patienceMs = 120_000;

export async function detach(state: ClusterState): Promise<void> {
  await Deno.mkdir(state.directory, { recursive: true, mode: 0o700 });
  const log = state.path("chartroom.log");
  const main = new URL("../main.ts", import.meta.url).pathname;
  const config = new URL("../deno.json", import.meta.url).pathname;
  const args = Deno.args.filter((argument) => argument !== "--detach");
  const flags = await permissionFlags("cluster", state);
  const command = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    "--config",
    config,
    "--frozen",
    ...flags,
    main,
    ...args,
  ];
  const script = 'log=$1; shift; echo $$ >"$log.pid"; exec "$@" >"$log" 2>&1 </dev/null';
  const { success } = await new Deno.Command("setsid", { args: ["--fork", "sh", "-c", script, "sh", log, ...command] })
    .output();
  if (!success) throw new Error("Cannot start the cluster in the background: setsid refused");
  const deadline = performance.now() + patienceMs;
  let shown = 0;
  while (performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const text = await Deno.readTextFile(log).catch(() => "");
    await Deno.stderr.write(new TextEncoder().encode(text.slice(shown)));
    shown = text.length;
    const running = await state.running();
    if (running !== undefined && await isAlive(running.pid)) return;
    const pid = Number(await Deno.readTextFile(`${log}.pid`).catch(() => ""));
    if (pid > 0 && !await isAlive(pid)) throw new Error(`Cannot bring the cluster up: it ended; see ${log}`);
  }
  throw new Error(`Cannot bring the cluster up: it is not ready after ${patienceMs / 1000} s; see ${log}`);
}
