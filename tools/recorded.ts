/** The recorded answers of a real API server, found through CHARTROOM_ORACLE (default: ../shared/oracle). */
const root = new URL("../", import.meta.url);
const folder = new URL(`${Deno.env.get("CHARTROOM_ORACLE") ?? "../shared/oracle"}/`, root);

/** @throws Deno.errors.NotFound where the recording is absent; a check says that it skips, and ends, instead. */
export function recorded(name: string): unknown {
  try {
    return JSON.parse(Deno.readTextFileSync(new URL(name, folder)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) || !Deno.args.includes("--check")) throw error;
    console.log(`skipped: no recording at ${new URL(name, folder).pathname}`);
    Deno.exit(0);
  }
}
