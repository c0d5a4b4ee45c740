/**
 * What a leader knows of another member's log, and how it sends to it (etcd-raft, tracker: probe, replicate, snapshot).
 *
 * match < next always. A probe sends one message and waits for an answer or a heartbeat; replicating sends on, as far
 * as the window of unanswered messages allows; while a snapshot is under way nothing is sent.
 */
export type SendState = "probe" | "replicate" | "snapshot";

export interface Progress {
  readonly state: SendState;
  /** Highest index known to be in the member's log, and on its disk. */
  readonly match: number;
  /** What is sent next. */
  readonly next: number;
  /** Unanswered messages with entries, oldest first; `last` is a message's last index. */
  readonly inFlight: readonly { readonly last: number; readonly bytes: number }[];
  /** A probe was sent and is not answered. */
  readonly paused: boolean;
  /** It said something since the last look whether a majority is there (thesis 6.2). */
  readonly active: boolean;
  /** Index of the snapshot that is under way; 0: none. */
  readonly snapshot: number;
}

export interface Window {
  readonly messages: number;
  readonly bytes: number;
}

/** How a member is first approached: a guess that it has everything. */
export function newProgress(lastIndex: number, active = false): Progress {
  return { state: "probe", match: 0, next: lastIndex + 1, inFlight: [], paused: false, active, snapshot: 0 };
}

export function isPaused(progress: Progress, window: Window): boolean {
  switch (progress.state) {
    case "probe":
      return progress.paused;
    case "replicate":
      return isFull(progress, window);
    case "snapshot":
      return true;
  }
}

/** The window is full: as many messages, or as many bytes, are unanswered as may be. */
export function isFull({ inFlight }: Progress, window: Window): boolean {
  if (inFlight.length >= window.messages) return true;
  return inFlight.length > 0 && inFlight.reduce((sum, { bytes }) => sum + bytes, 0) >= window.bytes;
}

/** Entries from `next` on were sent. */
export function sent(progress: Progress, count: number, bytes: number): Progress {
  if (progress.state === "probe") return progress.paused ? progress : { ...progress, paused: true };
  if (count === 0) return progress;
  const last = progress.next + count - 1;
  return { ...progress, next: last + 1, inFlight: [...progress.inFlight, { last, bytes }] };
}

/** The member has everything up to `index`. */
export function accepted(progress: Progress, index: number): Progress {
  const match = Math.max(progress.match, index);
  return {
    ...progress,
    active: true,
    match,
    next: Math.max(progress.next, match + 1),
    inFlight: progress.inFlight.filter(({ last }) => last > index),
  };
}

/**
 * The member's log has something else at `index`; `hint` is the last entry that may be the same.
 * undefined: the refusal is of a message long answered otherwise; or the member has lost what it had acknowledged, and
 * will say so when it hears how much that was. To ask again at once would be answered the same, without end.
 */
export function refused(progress: Progress, index: number, hint: number): Progress | undefined {
  if (index <= progress.match) return undefined;
  if (progress.state === "replicate") return toProbe(progress);
  if (progress.next - 1 !== index) return undefined;
  return { ...progress, next: Math.max(Math.min(index, hint + 1), progress.match + 1), paused: false };
}

export function toProbe(progress: Progress): Progress {
  // After a snapshot was sent the member may have it.
  const next = Math.max(progress.match, progress.state === "snapshot" ? progress.snapshot : 0) + 1;
  return { ...progress, state: "probe", next, inFlight: [], paused: false, snapshot: 0 };
}

export function toReplicate(progress: Progress): Progress {
  return { ...progress, state: "replicate", next: progress.match + 1, inFlight: [], paused: false, snapshot: 0 };
}

export function toSnapshot(progress: Progress, snapshot: number): Progress {
  return { ...progress, state: "snapshot", inFlight: [], paused: false, snapshot };
}

/** Unchanged when there is nothing to change: a context that is the same costs nothing. */
export function seen(progress: Progress): Progress {
  return progress.active && !progress.paused ? progress : { ...progress, active: true, paused: false };
}
