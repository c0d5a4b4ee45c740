/** A node's files in memory: enough to see what the kubelet wrote, nothing that a container could open. */
import type { Payload } from "../../machines/volumes/payload.ts";
import type { EmptyDirectory, NodeFiles } from "../../ports/node_files.ts";

export class SimulatedNodeFiles implements NodeFiles {
  /** Plain files by path. */
  readonly files = new Map<string, string>();
  readonly payloads = new Map<string, Payload>();
  readonly directories = new Map<string, EmptyDirectory>();

  constructor(readonly hostFiles: Readonly<Record<string, string>> = {}) {}

  readHostFile(path: string): Promise<string> {
    return Promise.resolve(this.hostFiles[path] ?? "");
  }

  makeEmptyDirectory(path: string, options: EmptyDirectory): Promise<void> {
    this.directories.set(path, options);
    return Promise.resolve();
  }

  writePayload(directory: string, payload: Payload): Promise<boolean> {
    const text = (of: Payload | undefined) =>
      of === undefined ? undefined : JSON.stringify([...of].map(([path, { bytes, mode }]) => [path, [...bytes], mode]));
    const changed = text(this.payloads.get(directory)) !== text(payload);
    this.payloads.set(directory, payload);
    return Promise.resolve(changed);
  }

  prepareHostPath(): Promise<void> {
    return Promise.resolve();
  }

  bindSubPath(volume: string, subPath: string): Promise<string> {
    if (subPath.startsWith("/") || subPath.split("/").includes("..")) {
      return Promise.reject(new Error(`Cannot use subPath "${subPath}": it must lie inside the volume`));
    }
    return Promise.resolve(`${volume}/${subPath}`);
  }

  writeFile(path: string, text: string | undefined): Promise<void> {
    this.files.set(path, text ?? this.files.get(path) ?? "");
    return Promise.resolve();
  }

  readEnd(path: string, bytes: number): Promise<string> {
    return Promise.resolve((this.files.get(path) ?? "").slice(-bytes));
  }

  remove(directory: string): Promise<void> {
    for (const kept of [this.files, this.payloads, this.directories]) {
      for (const path of kept.keys()) if (path === directory || path.startsWith(`${directory}/`)) kept.delete(path);
    }
    return Promise.resolve();
  }

  list(directory: string): Promise<string[]> {
    const paths = [this.files, this.payloads, this.directories].flatMap((kept) => [...kept.keys()]);
    const below = paths.filter((path) => path.startsWith(`${directory}/`));
    return Promise.resolve([...new Set(below.map((path) => path.slice(directory.length + 1).split("/")[0]!))]);
  }
}
