/**
 * How long a cluster takes from the start of its process until it listens and until its node is Ready, and what it
 * costs when it is idle; with a new state directory, and with one that has been used.
 *
 *     deno run -A bench/startup_bench.ts [--runtime simulated] [--split]
 *
 * Goals: Ready within 0.5 s with warm caches (1 s at most); idle under 200 MB resident for a master and a node in one
 * process, and under 1 % of a core.
 */
import { ClusterState } from "../commands/cluster_state.ts";
import { ownCommand } from "../commands/own_command.ts";

const idleSeconds = 20;
const directory = await Deno.makeTempDir({ prefix: "chartroom-bench-" });
const state = new ClusterState("bench-startup", `${directory}/state`);
const cluster = ["--name", state.name, "--state", state.directory];

try {
  // The first one warms the caches.
  await measure("warming up", 0);
  await chartroom("down", "down", "--delete-state", ...cluster);
  await measure("new cluster", idleSeconds);
  for (let run = 1; run <= 3; run++) await measure(`existing cluster ${run}`, run === 3 ? idleSeconds : 0);
} finally {
  await chartroom("down", "down", "--delete-state", ...cluster);
  await Deno.remove(directory, { recursive: true });
}

async function measure(title: string, idle: number): Promise<void> {
  const role = Deno.args.includes("--split") ? "supervisor" : "cluster";
  const { program, args } = await ownCommand(role, state, ["up", ...cluster, ...Deno.args]);
  const started = performance.now();
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  const times: Record<string, number> = {};
  let said = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream(), { preventCancel: true })) {
    said += text;
    for (const [name, mark] of [["listening", "API server listening"], ["ready", "Ready in"]] as const) {
      if (said.includes(mark)) times[name] ??= performance.now() - started;
    }
    if (times["ready"] !== undefined) break;
  }
  const cpu = await cpuSeconds(child.pid);
  if (times["ready"] === undefined) throw new Error(`Cannot measure: the cluster did not come up: ${said}`);
  const words = Object.entries(times).map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`);
  // On a busy machine the clock says little, what was really worked says more.
  words.push(`${(cpu * 1000).toFixed(0)} ms of CPU`);
  if (idle > 0) words.push(await idleCost(child.pid, idle));
  console.log(`${title.padEnd(20)} ${words.join(", ")}`);
  child.kill("SIGTERM");
  await child.status;
}

/** Of the process and those below it. */
async function idleCost(pid: number, seconds: number): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const pids = [pid, ...Deno.args.includes("--split") ? await below(pid) : []];
  const before = await total(pids, cpuSeconds);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const used = await total(pids, cpuSeconds) - before;
  const resident = await total(pids, residentMegabytes);
  return `idle ${resident.toFixed(0)} MB, ${(used / seconds * 100).toFixed(1)} % of a core over ${seconds} s`;
}

async function below(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  return text.split(" ").filter((word) => word !== "").map(Number);
}

async function total(pids: readonly number[], of: (pid: number) => Promise<number>): Promise<number> {
  return (await Promise.all(pids.map(of))).reduce((sum, each) => sum + each, 0);
}

async function cpuSeconds(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}

async function chartroom(role: string, ...words: string[]): Promise<void> {
  const { program, args } = await ownCommand(role, state, words);
  await new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).output();
}
