/** Runs one of the system's network tools (nft, ip, iptables, nsenter, conntrack, sysctl) and waits for it. */

export class ToolError extends Error {
  override name = "ToolError";
  constructor(readonly tool: string, readonly exitCode: number, readonly said: string, what: string) {
    super(`Cannot ${what}: ${tool} ended with ${exitCode}: ${said.trim().slice(0, 2000)}`);
  }
}

/**
 * What the tool wrote to its standard output.
 *
 * @throws ToolError when it ended with another code than 0, Error when it is not installed.
 */
export async function runTool(
  tool: string,
  args: readonly string[],
  options: { what: string; input?: string },
): Promise<string> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(tool, {
      args: [...args],
      stdin: options.input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot ${options.what}: "${tool}" is not installed`, { cause: error });
  }
  const ended = child.output();
  if (options.input !== undefined) {
    const writer = child.stdin.getWriter();
    try {
      await writer.write(new TextEncoder().encode(options.input));
      await writer.close();
    } catch (error) {
      // It ended before it had read everything; its exit code and words say why.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  }
  const { code, stdout, stderr } = await ended;
  if (code !== 0) throw new ToolError(tool, code, new TextDecoder().decode(stderr), options.what);
  return new TextDecoder().decode(stdout);
}
