/**
 * What the entries of the log carry. The log's chart sees only where they stand: what they carry hangs on the very
 * objects that it keeps, under a symbol that neither JSON nor a comparison sees. It goes when the log lets go of them.
 */
import type { LogEntry } from "../../../machines/raft/message.ts";
import type { Command, CommandTag } from "../../../machines/store/command.ts";
import { decodeCommand, encodeCommand, tagOf } from "../../../machines/store/command_codec.ts";

interface Carried {
  payload: Uint8Array | undefined;
  readonly command: Command | undefined;
}

const carried = Symbol("carried");
type Carrier = LogEntry & { [carried]?: Carried };

const nothing = new Uint8Array(0);

export function carryPayload(entry: LogEntry, payload: Uint8Array): void {
  (entry as Carrier)[carried] = { payload, command: undefined };
}

export function carryCommand(entry: LogEntry, command: Command): void {
  (entry as Carrier)[carried] = { payload: undefined, command };
}

/** Encoded once, when first asked for: a member that is alone never sends it. */
export function bytesCarriedBy(entry: LogEntry): Uint8Array {
  if (entry.configuration === null && entry.size === 0) return nothing;
  const found = carriedBy(entry);
  return found.payload ??= encodeCommand(found.command!);
}

/** What is there already: the command, or else the bytes. */
export function carriedBy(entry: LogEntry): Carried {
  const found = (entry as Carrier)[carried];
  if (found === undefined) throw new Error(`Cannot find what entry ${entry.index} of term ${entry.term} carries`);
  return found;
}

/** @throws MalformedBytes */
export function commandCarriedBy(entry: LogEntry): { command: Command; tag: CommandTag | undefined } {
  const { payload, command } = carriedBy(entry);
  if (command !== undefined) return { command, tag: undefined };
  return { command: decodeCommand(payload!), tag: tagOf(payload!) };
}
