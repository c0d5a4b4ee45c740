/** Answers of the hub to questions about what was. */
import type { ActorRow, ClientMessage, ServerMessage, TransitionRecord } from "../../ports/inspection.ts";
import { addressedRow, type RowTest, rowTest } from "./actor_filter.ts";
import type { ObjectQuestion } from "./inspection_source.ts";
import type { Hub } from "./inspection_hub.ts";

export type Question = Extract<ClientMessage, { type: "history" | "trace" | "object" | "seek" | "send" }>;
type Past = Exclude<Question, { type: "send" }>;
type Answer = Extract<ServerMessage, { type: "answer" | "seen" | "error" }>;

const recordsAtMost = 2_000;

/** Kinds of objects whose actors bear their names, to the kinds of those actors; others: every actor of that name. */
const lookingAfter: Readonly<Record<string, RowTest>> = {
  node: ({ namespace }) => namespace === undefined,
};

export async function answerQuestion(hub: Hub, question: Past, visible: RowTest): Promise<Answer> {
  const { request } = question;
  if (question.type === "seek") {
    const { wallTime } = question;
    if (hub.history === undefined) {
      const message = "Cannot go back in time: no history is kept (chartroom up --history 1h)";
      return { type: "error", request, code: "noHistory", message };
    }
    const matches = rowTest(question.filter);
    const rows = (await hub.history.rowsAt(wallTime)).filter((row) => visible(row) && matches(row));
    return { type: "seen", request, wallTime, rows };
  }
  const answer = (records: readonly TransitionRecord[], next?: string): Answer => ({
    type: "answer",
    request,
    records,
    incidents: [],
    ringsOnly: hub.history === undefined,
    ...(next === undefined ? {} : { next }),
  });
  if (question.type === "trace") {
    const records = await hub.past(test(hub, () => true, visible), 0, Infinity, 50 * recordsAtMost);
    return answer(records.filter(({ trace }) => trace === question.trace).slice(-recordsAtMost));
  }
  if (question.type === "object") {
    const { kind, namespace, name } = question;
    const concerns = rowTest({ name: [name], ...(namespace === undefined ? {} : { namespace: [namespace] }) });
    const also = lookingAfter[kind] ?? (() => true);
    const records = await hub.past(test(hub, (row) => concerns(row) && also(row), visible), 0, Infinity, recordsAtMost);
    const answered = answer(await withCauses(hub, records, visible));
    return { ...answered, steps: visible(objectRow(question)) ? await hub.steps(question) : [] } as Answer;
  }
  const { id, filter, from = -Infinity, to = Infinity, limit = recordsAtMost, next } = question;
  const matches = rowTest(filter);
  const wanted = test(hub, (row) => (id === undefined || row.id === id) && matches(row), visible);
  const records = await hub.past(wanted, from, to, 10 * recordsAtMost);
  const end = next === undefined ? records.length : Math.min(records.length, Number(next) || 0);
  const begin = Math.max(0, end - Math.min(limit, recordsAtMost));
  return answer(records.slice(begin, end), begin > 0 ? String(begin) : undefined);
}

/** An actor that looks after the object itself, whether there is one or not: who may see it may see the object. */
function objectRow({ kind, namespace = "-", name }: ObjectQuestion): ActorRow {
  const looksAfter = kind === "pod" || kind === "node" ? kind : `${kind}-controller`;
  return addressedRow(`-/${looksAfter}/${namespace}/${name}/-`);
}

/** Also of actors that have ended: of those the address is known. */
function test(hub: Hub, wanted: (row: ActorRow) => boolean, visible: RowTest): (id: string) => boolean {
  return (id) => {
    const row = hub.get(id) ?? addressedRow(id);
    return wanted(row) && visible(row);
  };
}

/** The records, and those of other actors in the same chains of causes. */
async function withCauses(
  hub: Hub,
  records: readonly TransitionRecord[],
  visible: RowTest,
): Promise<readonly TransitionRecord[]> {
  const traces = new Set(records.map(({ trace }) => trace));
  const own = new Set(records.map(({ id }) => id));
  const all = await hub.past(test(hub, () => true, visible), 0, Infinity, 10 * recordsAtMost);
  return all.filter(({ id, trace }) => own.has(id) || traces.has(trace)).slice(-recordsAtMost);
}
