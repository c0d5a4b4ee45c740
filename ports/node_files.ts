/**
 * A node's files as the kubelet needs them: volumes, hosts files, termination messages. Paths are absolute. Every call
 * may be repeated: what is there already is left as it is.
 */
import type { Payload } from "../machines/volumes/payload.ts";

export interface EmptyDirectory {
  /** On a tmpfs of its own. */
  readonly memory?: boolean;
  readonly sizeBytes?: number;
  /** fsGroup: who else may write. */
  readonly group?: number;
}

export interface NodeFiles {
  /** A file of the host's own (/etc/hosts, /proc/meminfo); empty when it is not there. */
  readHostFile(path: string): Promise<string>;
  makeEmptyDirectory(path: string, options: EmptyDirectory): Promise<void>;
  /**
   * Puts a whole set of files in place, so that readers see all old or all new ones. `secret`: never on a disk.
   *
   * @returns whether anything was different.
   */
  writePayload(
    directory: string,
    payload: Payload,
    version: string,
    options: { readonly secret: boolean; readonly group?: number },
  ): Promise<boolean>;
  /** @throws Error when it is not there or not of the type, and cannot be made. */
  prepareHostPath(source: { readonly path: string; readonly type?: string }): Promise<void>;
  /**
   * Part of a volume, bound to a place that no container can change.
   *
   * @returns the path for the runtime. @throws Error when it leads out of the volume.
   */
  bindSubPath(volume: string, subPath: string, target: string): Promise<string>;
  /** In place, with the directories above it; without `text` only sees to it that it is there. */
  writeFile(path: string, text: string | undefined, mode: number): Promise<void>;
  /** The last bytes as text; empty when it is not there. */
  readEnd(path: string, bytes: number): Promise<string>;
  /** Unmounts whatever is mounted at or below, then removes everything. */
  remove(directory: string): Promise<void>;
  /** Names in a directory; none when it is not there. */
  list(directory: string): Promise<string[]>;
}
