/**
 * Writes a whole set of files so that a reader sees all old or all new ones (as Kubernetes lays volumes out):
 *
 *     volume/..2026_01_02_03_04_05.1/key   the files of one version
 *     volume/..data -> ..2026_...          swapped by one rename
 *     volume/key -> ..data/key             what containers open
 */
import type { Payload } from "../../machines/volumes/payload.ts";
import { link, linkInto } from "./links.ts";

const dataLink = "..data";

export interface Ownership {
  /** fsGroup: files belong to it and may be read by it. */
  readonly group?: number;
}

/** @returns whether anything was different. */
export async function writePayload(
  directory: string,
  payload: Payload,
  version: string,
  ownership: Ownership = {},
): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  const current = await readLink(`${directory}/${dataLink}`);
  if (current !== undefined && await isSame(`${directory}/${current}`, payload)) return false;
  const fresh = `..${version}`;
  await Deno.mkdir(`${directory}/${fresh}`, { recursive: true });
  await Deno.chmod(`${directory}/${fresh}`, 0o755);
  for (const [path, { bytes, mode }] of payload) {
    const target = `${directory}/${fresh}/${path}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(target, bytes, { mode: 0o600 });
    if (ownership.group !== undefined) await Deno.chown(target, null, ownership.group);
    // After the umask and the owner: a change of owner clears bits.
    await Deno.chmod(target, ownership.group === undefined ? mode : mode | ((mode & 0o700) >> 3 & 0o40));
  }
  await Deno.remove(`${directory}/..data_tmp`).catch(() => {});
  await link(fresh, `${directory}/..data_tmp`);
  await Deno.rename(`${directory}/..data_tmp`, `${directory}/${dataLink}`);
  await linkNames(directory, payload);
  if (current !== undefined && current !== fresh) await Deno.remove(`${directory}/${current}`, { recursive: true });
  return true;
}

/** Top-level names lead through ..data; those of former versions are removed. */
async function linkNames(directory: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split("/")[0]!));
  for await (const { name } of Deno.readDir(directory)) {
    if (!name.startsWith("..") && !wanted.has(name)) await Deno.remove(`${directory}/${name}`, { recursive: true });
  }
  const missing: string[] = [];
  for (const name of wanted) {
    if (await readLink(`${directory}/${name}`) === undefined) missing.push(`${dataLink}/${name}`);
  }
  await linkInto(directory, missing);
}

function checkPath(path: string): void {
  const parts = path.split("/");
  if (path === "" || path.startsWith("/") || parts.includes("..") || parts[0]!.startsWith("..")) {
    throw new Error(`Cannot write volume: "${path}" is no path inside it`);
  }
}

async function readLink(path: string): Promise<string | undefined> {
  try {
    return await Deno.readLink(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function isSame(directory: string, payload: Payload): Promise<boolean> {
  const found = await filesBelow(directory, "");
  if (found.length !== payload.size) return false;
  for (const path of found) {
    const wanted = payload.get(path);
    if (wanted === undefined) return false;
    const bytes = await Deno.readFile(`${directory}/${path}`);
    if (bytes.length !== wanted.bytes.length || bytes.some((byte, index) => byte !== wanted.bytes[index])) return false;
  }
  return true;
}

async function filesBelow(directory: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(`${directory}/${prefix}`)) {
      if (isDirectory) found.push(...await filesBelow(directory, `${prefix}${name}/`));
      else found.push(prefix + name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}
