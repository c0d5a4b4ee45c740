import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { filesOf, keysOf, logsOf, readApiServerFlags } from "./api_server_flags.ts";
import type { ClusterState } from "./cluster_state.ts";
import { readOtherMasters } from "./other_masters.ts";

/** The flags of a role in `permissions.txt`, with the places they speak of filled in. */
export async function permissionFlags(role: string, state: ClusterState): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("../permissions.txt", import.meta.url));
  const home = Deno.env.get("HOME") || "/root";
  const places: Readonly<Record<string, string>> = {
    state: state.directory,
    data: dirname(state.directory),
    project: dirname(fileURLToPath(new URL("../main.ts", import.meta.url))),
    cache: Deno.env.get("DENO_DIR") || join(Deno.env.get("XDG_CACHE_HOME") || join(home, ".cache"), "deno"),
    deno: Deno.execPath(),
  };
  const named = await readApiServerFlags(state);
  const lists: Readonly<Record<string, readonly string[]>> = {
    files: orOne(filesOf(named), state.directory),
    logs: orOne(logsOf(named), state.directory),
    keys: orOne(keysOf(state, named), state.directory),
    masters: orOne(await readOtherMasters(state.directory), "127.0.0.1"),
  };
  const flags = parsePermissions(text).get(role);
  if (flags === undefined) throw new Error(`Cannot find the permissions of role "${role}" in permissions.txt`);
  return flags.map((flag) =>
    flag.replace(/\{(\w+)\}/g, (_, place: string) => {
      const list = lists[place];
      if (list === undefined) return escaped(placed(places, place));
      return list.map(escaped).join(",");
    })
  );
}

/** Deno takes an empty list for everything. */
function orOne(list: readonly string[], one: string): readonly string[] {
  return list.length === 0 ? [one] : list;
}

function placed(places: Readonly<Record<string, string>>, place: string): string {
  const path = places[place];
  if (path === undefined) throw new Error(`Cannot fill in "{${place}}" of permissions.txt: there is no such place`);
  return path;
}

/** A comma in a path would end it: Deno takes two for one. */
function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}

/** Role to its flags. */
export function parsePermissions(text: string): ReadonlyMap<string, string[]> {
  const roles = new Map<string, string[]>();
  let flags: string[] | undefined;
  for (const line of text.split("\n")) {
    const role = /^\[(\w+)\]$/.exec(line)?.[1];
    if (role !== undefined) roles.set(role, flags = []);
    else if (line.startsWith("--")) flags?.push(line);
  }
  return roles;
}
