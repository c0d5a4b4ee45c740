/** A Docker Engine for tests on machines where one is installed but nobody has started it, as in CI. */

const startSeconds = 60;

export interface EngineOptions {
  /** Given to dockerd besides what it gets anyway; for tests of this file. */
  readonly flags?: readonly string[];
  /** For `docker -H`. */
  readonly host?: string;
}

/** An engine that was killed leaves its process id behind, and the next one will not start while such a process exists. */
const forgetDeadEngine =
  'pid=$(cat /var/run/docker.pid 2>/dev/null); grep -qs dockerd "/proc/$pid/cmdline" || rm -f /var/run/docker.pid';

/** Whether an engine answers. */
export function engineAnswers({ host }: EngineOptions = {}): boolean {
  return succeeds("docker", ...(host === undefined ? [] : ["-H", host]), "version");
}

/** Why there is no engine and none can be started; undefined when one answers or can be started. */
export function missingEngine(): string | undefined {
  if (!hasProgram("docker")) return "it needs Docker (Debian: docker.io)";
  if (engineAnswers()) return undefined;
  if (Deno.uid() !== 0) return "it needs a Docker Engine that answers `docker version`, or root to start one";
  return hasProgram("dockerd") ? undefined : "it needs dockerd (Debian: docker.io)";
}

/**
 * Starts an engine and waits until it answers; nothing is done when one does already. Returns how to stop it.
 *
 * @throws Error with the last lines of its log when it does not answer in a minute.
 */
export async function startEngine(options: EngineOptions = {}): Promise<() => Promise<void>> {
  if (engineAnswers(options)) return () => Promise.resolve();
  const log = await Deno.makeTempFile({ prefix: "chartroom-dockerd-", suffix: ".log" });
  // A shell keeps the log: the engine outlives no pipe of ours, and a full pipe would stop it.
  const engine = new Deno.Command("sh", {
    args: ["-c", `${forgetDeadEngine}; exec dockerd "$@" >"$LOG" 2>&1`, "dockerd", ...options.flags ?? []],
    env: { LOG: log },
    stdin: "null",
  }).spawn();
  let ended = false;
  engine.status.then(() => ended = true);
  for (let tries = 0; tries < startSeconds * 2 && !ended; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (engineAnswers(options)) {
      return async () => {
        if (!ended) engine.kill("SIGTERM");
        await engine.status;
        await Deno.remove(log);
      };
    }
  }
  if (!ended) engine.kill("SIGKILL");
  await engine.status;
  const said = (await Deno.readTextFile(log)).trim().split("\n").slice(-5).join("\n");
  throw new Error(`Cannot start dockerd: it ${ended ? "ended" : `did not answer in ${startSeconds} s`}:\n${said}`);
}

function hasProgram(name: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${name}`).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
      throw error;
    }
  });
}

/** Whether a command can be run and ends well. */
export function succeeds(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
