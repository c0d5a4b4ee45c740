/**
 * Files as the store needs them. Paths are relative to the disk's own directory, with `/`.
 *
 * What survives power loss: bytes of a file after its `sync` returned, and a name (created, renamed, removed) after
 * `syncDirectory` of its directory returned. The simulated twin loses everything else.
 */
export interface Disk {
  /** Opens for reading and appending; `create` makes an empty file where there is none. */
  open(path: string, options?: { create?: boolean }): Promise<DiskFile>;
  /** The whole file. @throws DiskError with code "notFound". */
  read(path: string): Promise<Uint8Array>;
  /** Names in a directory, sorted; empty when it does not exist. */
  list(directory: string): Promise<string[]>;
  makeDirectory(path: string): Promise<void>;
  /** Atomic within one directory; replaces the target. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes a lock that one process, and one opener in it, can hold; the system lets go of it when the process dies.
   * Makes the file where there is none. @throws DiskError with code "locked".
   */
  lock(path: string): Promise<DiskLock>;
}

/** A lock that is held. */
export interface DiskLock {
  release(): Promise<void>;
}

/** An open file. */
export interface DiskFile {
  size(): Promise<number>;
  /** Appends all of the bytes. A failed append may leave a torn tail. */
  append(bytes: Uint8Array): Promise<void>;
  /** Makes what was appended durable. */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/** Why the disk refused. After "io" on append or sync the file's state is unknown: stop, do not retry. */
export class DiskError extends Error {
  override name = "DiskError";
  constructor(readonly code: "notFound" | "noSpace" | "io" | "locked", message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
