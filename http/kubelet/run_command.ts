/** Joins a client's streams with a process: what `exec` and `attach` are about. */
import { ApiError, type Status } from "../../machines/objects/status.ts";
import type { ConnectedProcess } from "../../ports/node_streams.ts";
import type { RemoteCommand } from "../streaming/remote_command.ts";

/** Runs until the process has ended and all it wrote has been sent, or the client has gone. */
export async function runCommand(
  command: RemoteCommand,
  start: () => Promise<ConnectedProcess>,
  word: "executing command in" | "attaching to",
): Promise<void> {
  let process: ConnectedProcess;
  try {
    process = await start();
  } catch (error) {
    return await command.finish(failure(error, word));
  }
  const left = command.gone.then(() => process.close());
  const input = forwardInput(command, process);
  void forwardSizes(command, process);
  const outputs = [[process.stdout, command.stdout], [process.stderr, command.stderr]] as const;
  const flowing = outputs.map(([from, to]) => {
    if (from === undefined) return Promise.resolve();
    // Nobody listens: the process must not stand still on a full pipe.
    return (to === undefined ? from.pipeTo(new WritableStream()) : from.pipeTo(to)).catch(() => {});
  });
  try {
    const { exitCode } = await process.exit;
    await Promise.race([Promise.all(flowing), left]);
    await command.finish(exitStatus(exitCode));
  } catch (error) {
    await command.finish(failure(error, word));
  } finally {
    input.abort();
    process.close();
  }
}

function forwardInput(command: RemoteCommand, process: ConnectedProcess): AbortController {
  const stop = new AbortController();
  const { stdin } = process;
  if (stdin !== undefined && command.stdin !== undefined) {
    // The end of the input is passed on; a process that has closed its own end is no error.
    command.stdin.pipeTo(stdin, { signal: stop.signal }).catch(() => {});
  }
  return stop;
}

async function forwardSizes({ resize }: RemoteCommand, process: ConnectedProcess): Promise<void> {
  if (resize === undefined) return;
  try {
    for await (const { columns, rows } of resize) await process.resize(columns, rows);
  } catch {
    // The process ended between two sizes, or the client went: its terminal matters no more.
  }
}

const success: Status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };

/** As clients read an exit code: the cause `ExitCode` of the reason `NonZeroExitCode`. */
function exitStatus(exitCode: number): Status {
  if (exitCode === 0) return success;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

function failure(error: unknown, word: string): Status {
  if (error instanceof ApiError && error.code !== 500) return error.status;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(500, "InternalError", `Internal error occurred: error ${word} container: ${message}`).status;
}
