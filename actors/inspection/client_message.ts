/** Reads what a client says; whatever it sends, the answer is a message or an error in words. */
import type { ActorFilter, ClientMessage, Problem, SortBy } from "../../ports/inspection.ts";
import { sortOrders } from "./actor_filter.ts";

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string" && value.length <= 2_000;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isTime: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isFlag: Check = (value) => typeof value === "boolean";
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isTexts: Check = (value) => Array.isArray(value) && value.length <= 200 && value.every(isText);
const isLabels: Check = (value) => isObject(value) && Object.values(value as Fields).every(isText);

const problems: readonly Problem[] = ["down", "restarting", "unsettled", "unhandled", "deadLetters", "failing"];

const filterFields: Readonly<Record<keyof ActorFilter, Check>> = {
  kind: isTexts,
  namespace: isTexts,
  node: isTexts,
  name: isTexts,
  uid: isTexts,
  state: isTexts,
  labels: isLabels,
  text: isText,
  problems: (value) => isTexts(value) && (value as Problem[]).every((each) => problems.includes(each)),
  anyProblem: isFlag,
};

const isFilter: Check = (value) => isObject(value) && wrongField(value as Fields, filterFields) === undefined;
const isEvent: Check = (value) => isObject(value) && isText((value as Fields)["type"]);

const optional = (check: Check): Check => (value) => value === undefined || check(value);

const messages: Readonly<Record<ClientMessage["type"], Readonly<Record<string, Check>>>> = {
  watch: {
    filter: optional(isFilter),
    sort: optional((value) => sortOrders.includes(value as SortBy)),
    offset: optional(isCount),
    limit: optional(isCount),
    resume: optional((value) => isObject(value) && isText((value as Fields)["session"])),
    counts: optional(isFlag),
    incidents: optional(isFlag),
  },
  unwatch: {},
  subscribe: { id: isText, after: optional(isCount) },
  unsubscribe: { id: isText },
  follow: { filter: isFilter },
  unfollow: {},
  history: {
    request: isCount,
    id: optional(isText),
    filter: optional(isFilter),
    from: optional(isTime),
    to: optional(isTime),
    limit: optional(isCount),
    next: optional(isText),
  },
  trace: { request: isCount, trace: isText },
  object: { request: isCount, kind: isText, namespace: optional(isText), name: isText },
  seek: { request: isCount, wallTime: isTime, filter: optional(isFilter) },
  send: { request: isCount, id: isText, event: isEvent },
};

/** Longer messages are refused unread. */
const longest = 64 * 1024;

/** @throws Error that says what is wrong. */
export function readClientMessage(text: string): ClientMessage {
  if (text.length > longest) throw new Error(`Cannot read message: it has ${text.length} characters of ${longest}`);
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot read message: ${(error as Error).message}`);
  }
  const { type } = (isObject(said) ? said : {}) as Fields;
  const checks = typeof type === "string" && Object.hasOwn(messages, type)
    ? messages[type as ClientMessage["type"]]
    : undefined;
  if (checks === undefined) throw new Error(`Cannot read message: no type "${String(type)}" is known`);
  for (const [field, check] of Object.entries(checks)) {
    if (!check((said as Fields)[field])) {
      throw new Error(`Cannot read "${String(type)}": its field "${field}" is wrong`);
    }
  }
  return said as ClientMessage;
}

/** A field that is wrong or not known. */
function wrongField(fields: Fields, checks: Readonly<Record<string, Check>>): string | undefined {
  return Object.keys(fields).find((field) => !(checks[field]?.(fields[field]) ?? false));
}
