/**
 * subPath: a part of a volume that a container sees. The container can write to the volume, so it could put a symlink
 * there that leads to the host's root, and exchange it while we look. Therefore: resolve, refuse what leads outside, bind
 * to a place that no container can change, and then ask the kernel what was bound: only that counts.
 */
import { bind, type Mount, mounts, unmount } from "./mounts.ts";

/** @returns the path to give to the runtime. Idempotent for one `target`. */
export async function bindSubPath(volume: string, subPath: string, target: string): Promise<string> {
  const parts = subPath.split("/").filter((part) => part !== "" && part !== ".");
  if (subPath.startsWith("/") || parts.includes("..")) {
    throw new Error(`Cannot use subPath "${subPath}": it must lie inside the volume`);
  }
  const root = await Deno.realPath(volume);
  // Bound before, perhaps by a kubelet that was killed before it had looked.
  if (await isBoundInside(root, target)) return target;
  await makeInside(root, parts, subPath);
  const source = await Deno.realPath([root, ...parts].join("/"));
  refuseOutside(root, source, subPath);
  const { isDirectory } = await Deno.lstat(source);
  await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
  if (isDirectory) await Deno.mkdir(target, { recursive: true });
  else await (await Deno.open(target, { create: true, write: true })).close();
  await bind(source, target);
  if (!await isBoundInside(root, target)) {
    throw new Error(`Cannot use subPath "${subPath}": it was exchanged while it was being mounted`);
  }
  return target;
}

/** Whether `target` shows a part of the volume. What it shows otherwise is unmounted. */
async function isBoundInside(root: string, target: string): Promise<boolean> {
  const table = await mounts();
  const bound = table.findLast((mount) => mount.target === target);
  if (bound === undefined) return false;
  // The kernel says so of what was removed since: a file of a former version of the volume.
  const isGone = bound.root.endsWith("//deleted");
  if (!isGone && table.some((mount) => showsInside(mount, bound, root))) return true;
  await unmount(target, true);
  return false;
}

/** Whether `bound` is a part of what `mount` shows at or below `root`. */
function showsInside(mount: Mount, bound: Mount, root: string): boolean {
  if (mount === bound || mount.device !== bound.device) return false;
  if (isWithin(root, mount.target)) return isWithin(mount.root, bound.root);
  if (!isWithin(mount.target, root)) return false;
  const below = root.slice(mount.target === "/" ? 0 : mount.target.length);
  return isWithin(`${mount.root === "/" ? "" : mount.root}${below}`, bound.root);
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
  if (!isWithin(root, path)) throw new Error(`Cannot use subPath "${subPath}": it leads out of the volume`);
}

function isWithin(root: string, path: string): boolean {
  return root === "/" || path === root || path.startsWith(`${root}/`);
}
