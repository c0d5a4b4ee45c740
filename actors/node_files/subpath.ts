/**
 * subPath: a part of a volume that a container sees. The container can write to the volume, so it could put a symlink
 * there that leads to the host's root. Therefore: resolve, refuse what leads outside, bind what was opened to a place
 * that no container can change, and look again at what was bound.
 */
import { bind, isMounted } from "./mounts.ts";

/** @returns the path to give to the runtime. Idempotent for one `target`. */
export async function bindSubPath(volume: string, subPath: string, target: string): Promise<string> {
  if (await isMounted(target)) return target;
  const parts = subPath.split("/").filter((part) => part !== "" && part !== ".");
  if (subPath.startsWith("/") || parts.includes("..")) {
    throw new Error(`Cannot use subPath "${subPath}": it must lie inside the volume`);
  }
  const root = await Deno.realPath(volume);
  await makeInside(root, parts, subPath);
  const source = await Deno.realPath([root, ...parts].join("/"));
  refuseOutside(root, source, subPath);
  const { isDirectory } = await Deno.lstat(source);
  await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
  if (isDirectory) await Deno.mkdir(target, { recursive: true });
  else await (await Deno.open(target, { create: true, write: true })).close();
  // An open descriptor cannot be exchanged for another file between the look and the bind.
  const held = await Deno.open(source, { read: true });
  try {
    const wanted = await held.stat();
    refuseOutside(root, await Deno.realPath(source), subPath);
    await bind(source, target);
    const bound = await Deno.stat(target);
    if (bound.ino !== wanted.ino || bound.dev !== wanted.dev) {
      throw new Error(`Cannot use subPath "${subPath}": it was exchanged while it was being mounted`);
    }
  } finally {
    held.close();
  }
  return target;
}

/** Makes what is missing, one directory at a time, following no link that leads outside. */
async function makeInside(root: string, parts: readonly string[], subPath: string): Promise<void> {
  let at = root;
  for (const part of parts) {
    const next = `${at}/${part}`;
    try {
      await Deno.lstat(next);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      await Deno.mkdir(next, { mode: 0o750 });
    }
    at = await Deno.realPath(next);
    refuseOutside(root, at, subPath);
  }
}

function refuseOutside(root: string, path: string, subPath: string): void {
  if (path !== root && !path.startsWith(`${root}/`)) {
    throw new Error(`Cannot use subPath "${subPath}": it leads out of the volume`);
  }
}
