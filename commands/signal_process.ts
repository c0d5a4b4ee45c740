/** Signals to processes that are not our children: by `kill`, since Deno sends none from a process with limited rights. */

/** Whether there was such a process. */
export async function signalProcess(pid: number, signal: "TERM" | "KILL"): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1) throw new Error(`Cannot signal process ${pid}: it is none of ours`);
  const { success } = await new Deno.Command("sh", {
    args: ["-c", 'kill -s "$1" "$2"', "sh", signal, String(pid)],
    stdin: "null",
    stderr: "null",
  }).output();
  return success;
}
