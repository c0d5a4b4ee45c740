/**
 * Where the masters of other hosts are reached, for this host's own commands: a line in the state directory, which the
 * launcher reads too, as these commands may connect nowhere else.
 */
const file = "masters.list";

/** `host:port`, as a master has noted them. */
export async function readOtherMasters(directory: string): Promise<string[]> {
  try {
    const line = (await Deno.readTextFile(`${directory}/${file}`)).trim();
    return /^[\d.:,]+$/.test(line) ? line.split(",") : [];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Notes them when they have changed. `servers`: `https://host:port` of all masters; `own`: the host that is this one. */
export function otherMastersNote(directory: string, own: string): (servers: readonly string[]) => Promise<void> {
  let noted: string | undefined;
  return async (servers) => {
    const line = servers.map((server) => new URL(server).host).filter((host) => !host.startsWith(`${own}:`)).join();
    if (line === noted) return;
    await Deno.writeTextFile(`${directory}/${file}.new`, `${line}\n`, { mode: 0o600 });
    await Deno.rename(`${directory}/${file}.new`, `${directory}/${file}`);
    noted = line;
  };
}

/** The first of these servers that accepts a connection; the first one when none does. */
export async function firstThatListens(servers: readonly string[]): Promise<string> {
  for (const server of servers) {
    const { hostname, port } = new URL(server);
    const signal = AbortSignal.timeout(patienceMs);
    try {
      (await Deno.connect({ hostname, port: Number(port), signal })).close();
      return server;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      // The next one.
    }
  }
  return servers[0] ?? "";
}

const patienceMs = 2_000;
