/** How other hosts come to a master: said once on the command line, noted in its state from then on. */
import { checkReach, type Reach } from "../machines/network/reach.ts";

const file = "reach.json";

export async function readReach(directory: string): Promise<Reach> {
  try {
    return JSON.parse(await Deno.readTextFile(`${directory}/${file}`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** What is said counts, of what is not said what was noted before. @throws Error when it makes no sense. */
export async function noteReach(directory: string, said: Reach): Promise<Reach> {
  const { advertiseAddress, bindAddress, controlPlaneEndpoint } = said;
  const before = await readReach(directory);
  const reach: Reach = {
    ...before,
    ...(advertiseAddress === undefined ? {} : { advertiseAddress }),
    ...(bindAddress === undefined ? {} : { bindAddress }),
    ...(controlPlaneEndpoint === undefined ? {} : { controlPlaneEndpoint }),
  };
  checkReach(reach);
  if (JSON.stringify(reach) === JSON.stringify(before)) return reach;
  const path = `${directory}/${file}`;
  await Deno.writeTextFile(`${path}.new`, `${JSON.stringify(reach, null, 2)}\n`, { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
  return reach;
}
