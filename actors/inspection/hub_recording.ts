/**
 * What a hub knows as the lines of a recording: the rows at its beginning, then changes, records and incidents in the
 * order of time. From the history where one is kept, with the actors that have ended meanwhile; else from what the
 * actors that are there remember of themselves.
 */
import type {
  ActorFilter,
  ActorId,
  ActorRow,
  InspectionClient,
  ServerMessage,
  TransitionRecord,
} from "../../ports/inspection.ts";
import { type RowTest, rowTest } from "./actor_filter.ts";
import { changedRow } from "./changed_row.ts";
import type { HistoryRecorder } from "./history_recorder.ts";
import type { Hub } from "./inspection_hub.ts";
import { difference } from "./watch_list.ts";

/** Records of one recording. */
const recordedAtMost = 200_000;

type Hello = Extract<ServerMessage, { type: "hello" }>;
type Changes = Extract<ServerMessage, { type: "changes" }>;

export interface RecordingWish {
  readonly filter?: ActorFilter;
  readonly from?: number;
  readonly to?: number;
}

export async function* recordingLines(
  hub: Hub,
  hello: Hello,
  wish: RecordingWish,
  maySee: InspectionClient["maySee"],
): AsyncGenerator<string> {
  const matches = rowTest(wish.filter);
  const wanted: RowTest = (row) => maySee(row) === true && matches(row);
  const { history } = hub;
  yield JSON.stringify({ ...hello, source: "recording" });
  const messages = history === undefined ? remembered(hub, wish, wanted) : kept(history, wish, wanted);
  for await (const message of messages) yield JSON.stringify(message);
}

/** Actors that began within what is remembered come when they began; of the others it is not known how they were. */
async function* remembered(
  hub: Hub,
  { from = 0, to = Infinity }: RecordingWish,
  wanted: RowTest,
): AsyncGenerator<ServerMessage> {
  const rows = [...hub.all()].filter(wanted);
  const ids = new Set(rows.map(({ id }) => id));
  const records = (await hub.recent((id) => ids.has(id)))
    .filter(({ wallTime }) => wallTime >= from && wallTime <= to).slice(-recordedAtMost);
  const first = new Map<ActorId, TransitionRecord>();
  for (const record of records) if (!first.has(record.id)) first.set(record.id, record);
  const begins = (id: ActorId) => {
    const record = first.get(id);
    return record?.cause.by === "start" && record.incarnation === 1 ? record.wallTime : undefined;
  };
  const { sequence } = hub;
  const wallTime = records[0]?.wallTime ?? hub.clock.wallTime();
  yield { type: "machines", machines: Object.fromEntries(hub.machines) };
  yield listed(rows.filter(({ id }) => begins(id) === undefined), sequence, wallTime);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const born: ActorRow[] = [];
  for (const record of records) {
    const row = byId.get(record.id)!;
    if (first.get(record.id) === record && begins(record.id) !== undefined) {
      const then = { ...row, states: record.states, since: record.wallTime, problems: [], last: 0 };
      yield { ...changes(sequence, record.wallTime, rows.length), added: [then] };
      born.push(then);
    }
    yield { type: "records", records: [record], dropped: 0 };
  }
  const changed = born.flatMap((then) => difference(then, byId.get(then.id)!) ?? []);
  if (changed.length > 0) yield { ...changes(sequence, records.at(-1)!.wallTime, rows.length), changed };
}

/** An actor is in it from when it was first wanted on. */
async function* kept(
  history: HistoryRecorder,
  { from = 0, to = Infinity }: RecordingWish,
  wanted: RowTest,
): AsyncGenerator<ServerMessage> {
  const rows = new Map<ActorId, ActorRow>();
  const shown = new Set<ActorId>();
  let began = false;
  let left = recordedAtMost;
  const admit = (row: ActorRow) => {
    rows.set(row.id, row);
    if (!shown.has(row.id) && wanted(row)) shown.add(row.id);
    return shown.has(row.id);
  };
  const begin = function* (wallTime: number): Generator<ServerMessage> {
    if (began) return;
    began = true;
    yield listed([...rows.values()].filter(({ id }) => shown.has(id)), 0, wallTime);
  };
  for await (const message of history.messages(from, to)) {
    if ("wallTime" in message && message.wallTime > to) break;
    switch (message.type) {
      case "machines":
        yield message;
        break;
      case "actors": {
        // Each file of a history begins with all that was there.
        const before = new Set(shown);
        const added = message.rows.filter((row) => admit(row) && !before.has(row.id));
        if (message.last && message.wallTime >= from) yield* begin(message.wallTime);
        else if (began && added.length > 0) yield { ...changes(message.sequence, message.wallTime, rows.size), added };
        break;
      }
      case "changes": {
        if (message.wallTime >= from) yield* begin(message.wallTime);
        const told = filtered(message, rows, shown, admit);
        if (began && told !== undefined) yield told;
        break;
      }
      case "records": {
        const records = message.records.filter(({ id, wallTime }) =>
          shown.has(id) && wallTime >= from && wallTime <= to && left-- > 0
        );
        if (records.length === 0) break;
        yield* begin(records[0]!.wallTime);
        yield { type: "records", records, dropped: message.dropped };
        break;
      }
      case "incidents": {
        const incidents = message.incidents.filter(({ id, wallTime }) => shown.has(id) && wallTime >= from);
        if (began && incidents.length > 0) yield { type: "incidents", incidents, dropped: message.dropped };
      }
    }
  }
  yield* begin(from);
}

/** What of the changes concerns actors that are shown; undefined: nothing. */
function filtered(
  message: Changes,
  rows: Map<ActorId, ActorRow>,
  shown: Set<ActorId>,
  admit: (row: ActorRow) => boolean,
): Changes | undefined {
  const added: ActorRow[] = [];
  const changed: Changes["changed"][number][] = [];
  for (const row of message.added) if (admit(row)) added.push(row);
  for (const change of message.changed) {
    const before = rows.get(change.id);
    if (before === undefined) continue;
    const wasShown = shown.has(change.id);
    const row = changedRow(before, change);
    if (!admit(row)) continue;
    if (wasShown) changed.push(change);
    else added.push(row);
  }
  const removed = message.removed.filter((id) => shown.has(id));
  for (const id of message.removed) rows.delete(id);
  if (added.length + changed.length + removed.length === 0) return undefined;
  return { ...message, added, changed, removed };
}

function listed(rows: readonly ActorRow[], sequence: number, wallTime: number): ServerMessage {
  const matched = rows.length;
  return { type: "actors", sequence, wallTime, rows, offset: 0, matched, total: matched, first: true, last: true };
}

function changes(sequence: number, wallTime: number, total: number): Changes {
  return { type: "changes", sequence, wallTime, matched: total, total, added: [], changed: [], removed: [] };
}
