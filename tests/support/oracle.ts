/** Answers recorded from a real server, where they are present: named by CHARTROOM_ORACLE, or beside the repository. */
const root = new URL("../../", import.meta.url).pathname;
const directory = Deno.env.get("CHARTROOM_ORACLE") ?? `${root}../shared/oracle`;

/** One file of it; undefined, having said so, where it is not. */
export async function readRecording<T>(name: string): Promise<T | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(`${directory}/${name}`));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`Not compared with recorded answers: there is no ${directory}/${name} (CHARTROOM_ORACLE)`);
    return undefined;
  }
}
