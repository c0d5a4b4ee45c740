/** Every machine of the project, found where machines are: `machines/<topic>/<name>_machine.ts`. */
import { StateMachine } from "xstate";
import type { AnyStateMachine } from "xstate";

const root = new URL("../machines/", import.meta.url);

/** Sorted by file and name. */
export async function shippedMachines(): Promise<AnyStateMachine[]> {
  const found: AnyStateMachine[] = [];
  for (const path of machineFiles("")) {
    const exported = await import(new URL(path, root).href) as Record<string, unknown>;
    for (const name of Object.keys(exported).sort()) {
      const value = exported[name];
      if (value instanceof StateMachine) found.push(value as AnyStateMachine);
    }
  }
  return found;
}

function machineFiles(folder: string): string[] {
  const names = [...Deno.readDirSync(new URL(folder, root))].sort((a, b) => a.name < b.name ? -1 : 1);
  return names.flatMap(({ name, isDirectory }) => {
    if (isDirectory) return folder === "check/" ? [] : machineFiles(`${folder}${name}/`);
    return /_machine\.ts$/.test(name) && !folder.startsWith("check/") ? [folder + name] : [];
  });
}
