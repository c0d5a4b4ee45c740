/** Is there a Docker engine, and if not, can there be one? */
import type { ClusterState } from "./cluster_state.ts";
import type { Progress } from "./progress.ts";

const socket = "/var/run/docker.sock";

/** Whether the engine answers within a moment. */
export async function engineAnswers(): Promise<boolean> {
  let connection: Deno.Conn | undefined;
  try {
    connection = await Deno.connect({ transport: "unix", path: socket });
    await connection.write(new TextEncoder().encode("GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n"));
    const answer = new Uint8Array(64);
    const length = await connection.read(answer);
    return new TextDecoder().decode(answer.subarray(0, length ?? 0)).includes(" 200 ");
  } catch (error) {
    // Nobody listens, or we may not: either way there is no engine for us. That Deno forbids to ask is our own fault.
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  } finally {
    connection?.close();
  }
}

/**
 * Makes sure an engine answers, starting `dockerd` where it is installed and we are root. It gets a session of its own
 * and `--live-restore`, so that neither our end nor its own restart ends a container.
 *
 * @returns why there is none, or undefined when it answers.
 */
export async function ensureEngine(state: ClusterState, progress: Progress): Promise<string | undefined> {
  if (await engineAnswers()) return undefined;
  if (Deno.uid() !== 0) return "no Docker engine answers at /var/run/docker.sock, and starting one takes root";
  if (!await isInstalled("dockerd")) return 'Docker Engine is not installed ("chartroom up --install" installs it)';
  return await progress.step("Docker Engine started", async () => {
    const log = state.path("dockerd.log");
    await Deno.mkdir(state.directory, { recursive: true, mode: 0o700 });
    // An engine that was killed leaves its process id behind, and the next one refuses while such a process exists.
    const script = "pid=$(cat /var/run/docker.pid 2>/dev/null); " +
      'grep -qs dockerd "/proc/$pid/cmdline" || rm -f /var/run/docker.pid; ' +
      'PATH=$PATH:/usr/sbin:/sbin exec dockerd --live-restore >>"$1" 2>&1 </dev/null';
    const { success, stderr } = await new Deno.Command("setsid", { args: ["--fork", "sh", "-c", script, "sh", log] })
      .output();
    if (!success) return `dockerd could not be started: ${new TextDecoder().decode(stderr).trim()}`;
    for (let attempt = 0; attempt < 300; attempt++) {
      if (await engineAnswers()) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return `dockerd was started and does not answer after 30 s; see ${log}`;
  });
}

/** By `setsid`, which starts the engine too: not every role that may do that may look into the host's directories. */
async function isInstalled(program: string): Promise<boolean> {
  const script = 'PATH=$PATH:/usr/sbin:/sbin; command -v "$1" >/dev/null';
  const { success } = await new Deno.Command("setsid", { args: ["--wait", "sh", "-c", script, "sh", program] })
    .output();
  return success;
}
