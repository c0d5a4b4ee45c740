/** Who listens on a port that we need: said instead of a bare "address in use". */

/** `process 123 (nginx)`; undefined when nobody can tell. */
export async function portOwner(port: number): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command("ss", { args: ["-Hltnp", `sport = :${port}`], stderr: "null" }).output();
    const found = /users:\(\("([^"]+)",pid=(\d+)/.exec(new TextDecoder().decode(stdout));
    return found === null ? undefined : `process ${found[2]} (${found[1]})`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/** Runs what listens on a port; when that is taken, the error says by whom. */
export async function namingPortOwner<T>(port: number, what: string, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    if (!/EADDRINUSE|address (already )?in use|AddrInUse/i.test(String(error))) throw error;
    const owner = await portOwner(port);
    throw new Error(
      `Cannot start ${what}: port ${port} is in use${owner === undefined ? "" : ` by ${owner}`}; end it first`,
      { cause: error },
    );
  }
}
