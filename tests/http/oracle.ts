/** The recorded answers of a real API server, or undefined where they are not at hand. */
const folder = Deno.env.get("CHARTROOM_ORACLE") ?? new URL("../../../shared/oracle", import.meta.url).pathname;

export function recorded<T>(name: string): T | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)) as T;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`no comparison with the recording: ${folder}/${name} is not there (CHARTROOM_ORACLE says where)`);
    return undefined;
  }
}

export interface Step {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly code: number;
  // deno-lint-ignore no-explicit-any
  readonly response: any;
}

export function scenario(name: string): { namespace: string; steps: Step[] } | undefined {
  const all = recorded<{ name: string; namespace: string; steps: Step[] }[]>("scenarios.json");
  if (all === undefined) return undefined;
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`Cannot find scenario "${name}" in the recording`);
  return found;
}
