/** The audit log as a file of JSON lines, put aside when it is full: `machines/audit/log_rotation.ts` says when. */
import { basename, dirname, join } from "node:path";
import { expired, isFull, putAsideName, type RotationLimits } from "../../machines/audit/log_rotation.ts";
import type { Clock } from "../../ports/clock.ts";
import type { AuditDestination } from "./audit_delivery.ts";

const encoder = new TextEncoder();

export class AuditLogFile implements AuditDestination {
  readonly #path: string;
  readonly #limits: RotationLimits;
  readonly #clock: Pick<Clock, "wallTime">;
  #file: Deno.FsFile | undefined;
  #size = 0;

  constructor(path: string, limits: RotationLimits, clock: Pick<Clock, "wallTime">) {
    this.#path = path;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** @throws Error when the file cannot be written to. */
  async open(): Promise<void> {
    try {
      await Deno.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      this.#file = await Deno.open(this.#path, { create: true, append: true, mode: 0o600 });
      this.#size = (await this.#file.stat()).size;
    } catch (error) {
      throw new Error(`Cannot write the audit log ${this.#path}: ${(error as Error).message}`, { cause: error });
    }
  }

  async deliver(lines: readonly string[]): Promise<void> {
    const bytes = encoder.encode(`${lines.join("\n")}\n`);
    if (isFull(this.#size, bytes.length, this.#limits)) await this.#putAside();
    if (this.#file === undefined) await this.open();
    for (let written = 0; written < bytes.length;) {
      written += await this.#file!.write(bytes.subarray(written));
    }
    this.#size += bytes.length;
  }

  async #putAside(): Promise<void> {
    const directory = dirname(this.#path);
    const name = basename(this.#path);
    const now = this.#clock.wallTime();
    this.#close();
    await Deno.rename(this.#path, join(directory, putAsideName(name, now)));
    const present: string[] = [];
    for await (const entry of Deno.readDir(directory)) if (entry.isFile) present.push(entry.name);
    for (const each of expired(name, present, now, this.#limits)) await Deno.remove(join(directory, each));
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  close(): Promise<void> {
    this.#close();
    return Promise.resolve();
  }
}
