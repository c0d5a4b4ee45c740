/**
 * What all views share: the source, what is known from it, and the time that is looked at. Messages are folded in as
 * they come and shown once a frame, however many they were.
 */
import { computed, signal } from "@preact/signals";
import type { ActorFilter, ActorRow, ClientMessage, ServerMessage, SortBy } from "../../../../ports/inspection.ts";
import { Feed } from "../model/feed.ts";
import { Live } from "../model/live.ts";
import { Recording } from "../model/recording.ts";
import { isTrace, recordingOfTrace } from "../model/trace_file.ts";
import type { Listener, Question, Source, SourceStatus } from "../model/source.ts";

/** Counts frames in which something new was shown: whoever reads the feed reads this first. */
export const shown = signal(0);
export const status = signal<{ status: SourceStatus; words: string }>({ status: "connecting", words: "connecting" });
/** The wall time that is looked at; undefined: now. */
export const lookedAt = signal<number | undefined>(undefined);
/** Rows as they were at `lookedAt`. */
export const seenRows = signal<readonly ActorRow[] | undefined>(undefined);
/** Server's wall time, a few times a second: timers count down by it. */
export const now = signal(Date.now());
export const recorded = signal<{ name: string; from: number; to: number } | undefined>(undefined);
export const notice = signal("");

let feed = new Feed();
let source: Source | undefined;
let asked = 0;
let frame = false;
const waiting = new Map<number, (message: ServerMessage) => void>();

export function known(): Feed {
  shown.value;
  return feed;
}

/** The rows to show: of now, or of the time looked at. */
export const rows = computed<readonly ActorRow[]>(() => {
  shown.value;
  return lookedAt.value === undefined ? [...feed.rows.values()] : seenRows.value ?? [];
});

const listener: Listener = {
  message(message) {
    const request = "request" in message ? message.request : undefined;
    if (message.type === "answer") feed.addRecords(message.records);
    feed.apply(message, Date.now());
    if (request !== undefined) {
      waiting.get(request)?.(message);
      waiting.delete(request);
    }
    if (message.type === "error" && request === undefined) notice.value = message.message;
    show();
  },
  status(next, words) {
    status.value = { status: next, words };
  },
};

function show(): void {
  if (frame) return;
  frame = true;
  requestAnimationFrame(() => {
    frame = false;
    shown.value++;
  });
}

export function openLive(url: string): void {
  begin();
  source = new Live(url, listener);
}

/** @throws Error when the text is no recording. */
export function openRecording(name: string, text: string): void {
  const before = source;
  const former = feed;
  feed = new Feed();
  try {
    const recording = new Recording(isTrace(text) ? recordingOfTrace(text) : text, listener);
    before?.close();
    source = recording;
    recorded.value = { name, from: recording.from, to: recording.to };
    lookedAt.value = undefined;
    wish();
  } catch (error) {
    feed = former;
    throw error;
  }
}

function begin(): void {
  source?.close();
  feed = new Feed();
  recorded.value = undefined;
}

interface Wish {
  readonly filter?: ActorFilter;
  readonly sort?: SortBy;
  readonly offset?: number;
  readonly limit?: number;
}

let wished: Wish = {};

/** Which rows are wanted; said again to every source that is opened. */
export function watch(next: Wish): void {
  if (JSON.stringify(next) === JSON.stringify(wished) && feed.rows.size > 0) return;
  wished = next;
  wish();
}

function wish(): void {
  source?.send({ type: "watch", ...wished });
}

export function tell(message: ClientMessage): void {
  source?.send(message);
}

export function ask<Answer extends ServerMessage["type"]>(
  question: Question,
): Promise<Extract<ServerMessage, { type: Answer }>> {
  const request = ++asked;
  return new Promise((resolve, reject) => {
    waiting.set(request, (message) => {
      if (message.type === "error") reject(new Error(message.message));
      else resolve(message as Extract<ServerMessage, { type: Answer }>);
    });
    source?.send({ ...question, request } as ClientMessage);
  });
}

let seeking = false;

/** Looks at another time; what was dragged over meanwhile is passed over. */
export async function lookAt(wallTime: number | undefined): Promise<void> {
  lookedAt.value = wallTime;
  if (wallTime === undefined || seeking) return;
  seeking = true;
  try {
    const { rows } = await ask<"seen">({ type: "seek", wallTime, ...(wished.filter && { filter: wished.filter }) });
    seenRows.value = rows;
  } catch (error) {
    notice.value = error instanceof Error ? error.message : String(error);
    lookedAt.value = undefined;
  } finally {
    seeking = false;
  }
  if (lookedAt.value !== undefined && lookedAt.value !== wallTime) await lookAt(lookedAt.value);
}

setInterval(() => now.value = lookedAt.value ?? recorded.value?.to ?? Date.now() + feed.clockAhead, 250);
