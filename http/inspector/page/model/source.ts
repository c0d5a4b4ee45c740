/** Where messages come from: a server, or a file. */
import type { ClientMessage, ServerMessage } from "../../../../ports/inspection.ts";

export type SourceStatus = "connecting" | "open" | "lost" | "refused" | "closed";

export interface Listener {
  message(message: ServerMessage): void;
  status(status: SourceStatus, words: string): void;
}

export interface Source {
  readonly kind: "live" | "file";
  send(message: ClientMessage): void;
  close(): void;
}

/** A wish without a number of its own. */
export type Question = ClientMessage extends infer Each
  ? Each extends { request: number } ? Omit<Each, "request"> : never
  : never;
