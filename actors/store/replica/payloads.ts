/** What the entries of the log carry. The log's chart sees only where they stand; an entry is the key to its payload. */
import type { LogEntry } from "../../../machines/raft/message.ts";
import type { Command, CommandTag } from "../../../machines/store/command.ts";
import { decodeCommand, encodeCommand, tagOf } from "../../../machines/store/command_codec.ts";

interface Carried {
  payload?: Uint8Array;
  command?: Command;
}

const nothing = new Uint8Array(0);

/** Forgets an entry together with the log: nothing has to be removed. */
export class Payloads {
  #of = new WeakMap<LogEntry, Carried>();

  set(entry: LogEntry, carried: Carried): void {
    this.#of.set(entry, carried);
  }

  /** Encoded once, when first asked for: a member that is alone never sends it. */
  bytesOf(entry: LogEntry): Uint8Array {
    if (entry.configuration === null && entry.size === 0) return nothing;
    const carried = this.#carriedBy(entry);
    return carried.payload ??= encodeCommand(carried.command!);
  }

  /** What is there already: the command, or else the bytes. */
  knownOf(entry: LogEntry): Carried {
    return this.#carriedBy(entry);
  }

  /** @throws MalformedBytes */
  commandOf(entry: LogEntry): { command: Command; tag: CommandTag | undefined } {
    const { payload, command } = this.#carriedBy(entry);
    if (command !== undefined) return { command, tag: undefined };
    return { command: decodeCommand(payload!), tag: tagOf(payload!) };
  }

  #carriedBy(entry: LogEntry): Carried {
    const carried = this.#of.get(entry);
    if (carried === undefined) throw new Error(`Cannot find what entry ${entry.index} of term ${entry.term} carries`);
    return carried;
  }
}
