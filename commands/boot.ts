/** `up --boot`: a cluster that comes back with its host; and how it stops doing so. */
import { fileURLToPath } from "node:url";
import { bootUnit, unitDirectory, unitName } from "./boot_unit.ts";
import type { ClusterState } from "./cluster_state.ts";
import { Progress } from "./progress.ts";

/** There while systemd runs, as its own programs look for it. */
const runsHere = "/run/systemd/system";
const patienceMs = 180_000;

/** What the launcher and Deno go by, as far as it is set. */
function ownEnvironment(): Record<string, string> {
  const all = {
    HOME: Deno.env.get("HOME"),
    PATH: Deno.env.get("PATH"),
    XDG_DATA_HOME: Deno.env.get("XDG_DATA_HOME"),
    XDG_CACHE_HOME: Deno.env.get("XDG_CACHE_HOME"),
    DENO_DIR: Deno.env.get("DENO_DIR"),
    CHARTROOM_DENO: Deno.env.get("CHARTROOM_DENO"),
  };
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => value ? [[name, value]] : []));
}

/** `args`: of the command line. Resolves when the cluster is ready, started by systemd. */
export async function installBoot(state: ClusterState, args: readonly string[]): Promise<void> {
  const command = [fileURLToPath(new URL("../chartroom", import.meta.url)), ...bootArguments(state, args)];
  if (!await exists(runsHere)) {
    throw new Error(
      `Cannot start cluster "${state.name}" with this machine: systemd does not run here (there is no ${runsHere}); ` +
        `have whatever starts programs here run, as root: ${command.join(" ")}`,
    );
  }
  if (Deno.uid() !== 0) throw new Error(`Cannot start cluster "${state.name}" with this machine: that takes root`);
  const unit = unitName(state.name);
  const progress = new Progress();
  await progress.step(`Unit ${unit} installed`, async () => {
    await Deno.writeTextFile(
      `${unitDirectory}/${unit}`,
      bootUnit({ name: state.name, command, environment: ownEnvironment() }),
    );
    await systemctl("daemon-reload");
    await systemctl("enable", unit);
  });
  if (await state.holder() !== undefined) {
    progress.say(`Cluster "${state.name}" runs already; from the next start of this machine on, systemd starts it.`);
    return;
  }
  await state.forgetRunning();
  await progress.step("Cluster ready", async () => {
    await systemctl("start", unit);
    await untilReady(state, unit);
  });
  progress.say(`To use it:\n\n  export KUBECONFIG=${state.path("kubeconfig")}\n\nWhat it says: journalctl -u ${unit}`);
}

/** Nothing to do where it was never installed. */
export async function removeBoot(state: ClusterState): Promise<boolean> {
  const unit = unitName(state.name);
  const path = `${unitDirectory}/${unit}`;
  if (!await exists(path)) return false;
  if (await exists(runsHere)) await systemctl("disable", unit);
  await Deno.remove(path);
  if (await exists(runsHere)) await systemctl("daemon-reload");
  return true;
}

/** The same cluster with the same options, in the foreground. */
export function bootArguments({ name, directory }: ClusterState, args: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === "--name" || word === "--state") at++;
    else if (!/^--(boot|detach|install|name=.*|state=.*)$/s.test(word)) kept.push(word);
  }
  return [...kept, "--name", name, "--state", directory];
}

async function untilReady(state: ClusterState, unit: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (await state.running() === undefined) {
    if (performance.now() > deadline || await isOver(unit)) {
      throw new Error(`Cannot bring cluster "${state.name}" up: see journalctl -u ${unit}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function isOver(unit: string): Promise<boolean> {
  const { stdout } = await new Deno.Command("systemctl", { args: ["is-active", unit], stderr: "null" }).output();
  return ["failed", "inactive"].includes(new TextDecoder().decode(stdout).trim());
}

async function systemctl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("systemctl", { args }).output();
  if (success) return;
  throw new Error(`Cannot run "systemctl ${args.join(" ")}": ${new TextDecoder().decode(stderr).trim()}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
