/** A history in words: what a person reads when a run has failed. */
import {
  type Answer,
  type Call,
  type Event,
  type History,
  isInRange,
  keysOf,
  type Moment,
  type Operation,
  type Record,
  type Said,
  type Watch,
} from "./history.ts";

/** A promise that was not kept. */
export interface Violation {
  readonly rule: string;
  readonly what: string;
  /** What it is about; absent: the store as a whole. */
  readonly keys?: readonly string[];
  readonly revision?: number;
  /** Around when, in the history. */
  readonly place?: number;
  /** These operations and no others tell it. */
  readonly operations?: readonly number[];
}

const maxLines = 40;
/** How many revisions before and after the one in question are told. */
const around = 3;

/** What concerns one violation, in the order it happened. */
export function tell(history: History, violation: Violation): string {
  const { keys, revision, place } = violation;
  const lines: { at: number; line: string }[] = [];
  const add = (at: Moment, line: string) => lines.push({ at: at.place, line: `  ${seconds(at)} ${line}` });
  const isNear = (seen: number) => revision === undefined || Math.abs(seen - revision) <= around;
  const isNearPlace = (at: number) => revision !== undefined || place === undefined || Math.abs(at - place) < 400;
  for (const operation of history.operations) {
    if (violation.operations !== undefined) {
      if (!violation.operations.includes(operation.id)) continue;
    } else if (!concerns(operation, keys)) continue;
    else {
      const { answer } = operation;
      if (answer !== undefined && "revision" in answer && !isNear(answer.revision)) continue;
      if (!isNearPlace(operation.called.place)) continue;
    }
    add(operation.called, `${whoOf(operation)}: ${sayCall(operation.call)} (#${operation.id})`);
    if (operation.answered !== undefined) {
      add(operation.answered, `${whoOf(operation)}: #${operation.id} is answered: ${sayAnswer(operation.answer!)}`);
    }
  }
  for (const watch of violation.operations === undefined ? history.watches : []) {
    if (keys !== undefined && !keys.some((key) => isInRange(key, watch.key, watch.end))) continue;
    for (const said of watch.said) {
      const told = sayPart(said, keys, isNear);
      if (told !== undefined && isNearPlace(said.at.place)) add(said.at, `${whoOf(watch)}: ${sayWatch(watch)} ${told}`);
    }
  }
  const [first, last] = [Math.min(...lines.map(({ at }) => at)), Math.max(...lines.map(({ at }) => at))];
  for (const { at, what } of history.accidents) if (at.place > first - 50 && at.place < last) add(at, `-- ${what}`);
  lines.sort((a, b) => a.at - b.at);
  const middle = place === undefined ? lines.length : lines.findIndex(({ at }) => at >= place);
  const from = Math.max(0, Math.min(lines.length - maxLines, middle - maxLines / 2));
  const shown = lines.slice(from, from + maxLines).map(({ line }) => line);
  const left = lines.length - shown.length;
  return [`${violation.rule}: ${violation.what}`, ...shown, ...(left > 0 ? [`  (${left} lines more)`] : [])].join("\n");
}

function concerns({ call }: Operation, keys: readonly string[] | undefined): boolean {
  if (keys === undefined) return true;
  if (call.do === "list") return keys.some((key) => key.startsWith(call.prefix));
  return keysOf(call).some((key) => keys.includes(key));
}

const seconds = ({ ms }: Moment) => `${(ms / 1_000).toFixed(3)} s`;
const whoOf = ({ client, member, life }: Operation | Watch) => `${client} at ${member}.${life}`;

export function sayCall(call: Call): string {
  switch (call.do) {
    case "put": {
      const guard = call.expected === undefined
        ? ""
        : call.expected === 0
        ? " if it is new"
        : ` if at ${call.expected}`;
      return `put ${call.key} = ${call.value}${guard}${call.lease ? ` with lease ${call.lease}` : ""}`;
    }
    case "putBoth":
      return `put ${call.keys.join(" and ")} = ${call.value}`;
    case "delete":
      return `delete ${call.key} if at ${call.expected}`;
    case "get":
      return `get ${call.key}${call.stale ? ", stale" : ""}`;
    case "list":
      return `list ${call.prefix}${call.stale ? ", stale" : ""}${call.revision ? ` at ${call.revision}` : ""}`;
    case "grant":
      return `grant lease ${call.id} for ${call.seconds} s`;
    case "keep":
      return `keep lease ${call.id} alive`;
    case "compact":
      return `compact at ${call.revision}`;
  }
}

export const sayRecord = (record: Record | undefined): string =>
  record === undefined
    ? "nothing"
    : `${record.key} = ${record.value} (made at ${record.create}, at ${record.mod}, version ${record.version})`;

export function sayAnswer(answer: Answer): string {
  switch (answer.came) {
    case "done":
      return `done at ${answer.revision}`;
    case "conflict":
      return `conflict at ${answer.revision}, found ${sayRecord(answer.found)}`;
    case "read":
      return `at ${answer.revision}: ${answer.records.map(sayRecord).join(", ") || "nothing"}`;
    default:
      return `${answer.came}, ${answer.why}`;
  }
}

export const sayEvent = ({ type, record }: Event): string =>
  type === "put" ? `put ${sayRecord(record)}` : `delete ${record.key} at ${record.mod}`;

export const sayWatch = ({ id, key, end, start }: Watch): string =>
  `watch ${id} of ${key}${end === undefined ? "" : "*"} from ${start}`;

function sayPart(
  said: Said,
  keys: readonly string[] | undefined,
  isNear: (revision: number) => boolean,
): string | undefined {
  if (said.type === "closed") return `is over: ${said.code}`;
  if (said.type === "progress") return isNear(said.revision) ? `has told all up to ${said.revision}` : undefined;
  const events = said.events.filter(({ record }) => isNear(record.mod) && (keys?.includes(record.key) ?? true));
  return events.length === 0 ? undefined : `tells ${events.map(sayEvent).join(", ")} (up to ${said.revision})`;
}
