/** The recorded answers of a real API server, found through CHARTROOM_ORACLE (default: ../shared/oracle). */
const root = new URL("../", import.meta.url);
const folder = new URL(`${Deno.env.get("CHARTROOM_ORACLE") ?? "../shared/oracle"}/`, root);

/** @throws Deno.errors.NotFound where the recording is absent. */
export function recorded(name: string): unknown {
  return JSON.parse(Deno.readTextFileSync(new URL(name, folder)));
}
