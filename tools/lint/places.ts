/** Where in the project a file is, and what is allowed there. One table, read by the lint rules and their tests. */

export interface Place {
  /** From the project's root, with `/`. */
  readonly path: string;
  /** The first folder, empty for a file at the root. */
  readonly folder: string;
}

const root = new URL("../../", import.meta.url).pathname;

export function placeOf(filename: string): Place {
  const path = filename.startsWith(root) ? filename.slice(root.length) : filename.replace(/^\.?\//, "");
  const slash = path.indexOf("/");
  return { path, folder: slash < 0 ? "" : path.slice(0, slash) };
}

/** Runs outside the cluster: whatever the process offers may be used. */
const outside = ["", "commands", "tests", "tools", "bench", "examples", "docs"];

/** Folders of actors/ that hold no real ports. */
const actorsWithoutWorld = ["system", "simulated"];

/** Real ports are folders of actors/; the files directly in it are actors and know only ports. */
export function mayUseDeno({ path, folder }: Place): boolean {
  if (outside.includes(folder)) return true;
  const [, inner, rest] = path.split("/");
  if (folder === "http") return inner === "server";
  return folder === "actors" && rest !== undefined && !actorsWithoutWorld.includes(inner!);
}

/** The one turn of the event loop that a simulation takes. */
const simulatedClock = "actors/simulated/simulated_clock.ts";

/** Time and chance: the real clock, the real randomness and the TLS listener read them; everybody else takes a Clock. */
export function mayReadClock({ path, folder }: Place): boolean {
  if (outside.includes(folder) || path === simulatedClock) return true;
  return path.startsWith("actors/real/") || path.startsWith("http/server/");
}
