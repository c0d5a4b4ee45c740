/**
 * Processes for real. What one writes comes out under its name; on its standard output it reports, a JSON line a fact.
 * Its standard input stays open for as long as we live: its end is how it learns of ours.
 */
import type { RoleProcess, RoleProcesses, RoleProcessListener } from "../../ports/role_processes.ts";

/** What a role's process reports. */
export type RoleReport = { readonly type: "ready" } | { readonly type: "step"; readonly text: string };

export interface RoleCommand {
  readonly program: string;
  readonly args: readonly string[];
}

export interface RealRoleProcessesOptions {
  command(role: string): RoleCommand;
  /** A line for people: what a process wrote. */
  said(role: string, line: string): void;
  /** A step that a process has done. */
  done(role: string, text: string): void;
}

export class RealRoleProcesses implements RoleProcesses {
  constructor(readonly options: RealRoleProcessesOptions) {}

  start(role: string, listener: RoleProcessListener): RoleProcess {
    const { program, args } = this.options.command(role);
    const child = new Deno.Command(program, { args: [...args], stdin: "piped", stdout: "piped", stderr: "piped" })
      .spawn();
    const { said, done } = this.options;
    const heard = Promise.all([
      eachLine(child.stdout, (line) => {
        const report = parseReport(line);
        if (report?.type === "ready") listener.ready();
        else if (report?.type === "step") done(role, report.text);
        else said(role, line);
      }),
      eachLine(child.stderr, (line) => said(role, line)),
    ]);
    return {
      pid: child.pid,
      ended: child.status.then(async ({ code }) => {
        await heard;
        await child.stdin.close().catch(() => {});
        return code;
      }),
      stop: () => signal(child, "SIGTERM"),
      kill: () => signal(child, "SIGKILL"),
    };
  }
}

/** A process that has ended already needs no signal. */
function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    const ended = error instanceof TypeError || error instanceof Deno.errors.NotFound;
    if (!ended) throw error;
  }
}

function parseReport(line: string): RoleReport | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const report = JSON.parse(line) as RoleReport;
    return report.type === "ready" || report.type === "step" ? report : undefined;
  } catch {
    return undefined;
  }
}

async function eachLine(stream: ReadableStream<Uint8Array>, hear: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") hear(line);
  }
  if (rest !== "") hear(rest);
}
