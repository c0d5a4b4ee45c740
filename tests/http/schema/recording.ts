/** Recorded answers of a real API server, where they are (CHARTROOM_ORACLE, default ../shared/oracle). */
const folder = new URL(
  `${Deno.env.get("CHARTROOM_ORACLE") ?? "../shared/oracle"}/`,
  new URL("../../../", import.meta.url),
);

/** @returns undefined, and says so, where the recording is absent. */
export function recording(name: string): unknown {
  try {
    return JSON.parse(Deno.readTextFileSync(new URL(name, folder)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`skipped: no recording at ${new URL(name, folder).pathname}`);
    return undefined;
  }
}

export function recordedKinds(): string[] {
  try {
    return [...Deno.readDirSync(new URL("kinds/", folder))].map(({ name }) => name).sort();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`skipped: no recording at ${folder.pathname}kinds`);
    return [];
  }
}
