/** `chartroom events`: what actors did, as sentences; with --follow as it happens. */
import { shortEvent } from "../machines/explain_words.ts";
import type { IncidentRecord, TransitionRecord } from "../ports/inspection.ts";
import { administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { httpClientFor, inspectionMessages, queryOf, type SelectorOptions } from "./inspection_reader.ts";

export interface EventsOptions extends SelectorOptions {
  readonly follow?: boolean;
  readonly output?: "words" | "json";
}

export async function events(state: ClusterState, selector: string | undefined, options: EventsOptions): Promise<void> {
  const query = queryOf(selector, options);
  const say = (record: TransitionRecord | IncidentRecord) =>
    console.log(options.output === "json" ? JSON.stringify(record) : recordInWords(record));
  for (const record of await kept(state, query)) say(record);
  if (options.follow !== true) return;
  query.set("follow", "true");
  for await (const message of inspectionMessages(state, query)) {
    if (message.type === "records") message.records.forEach(say);
    if (message.type === "incidents") message.incidents.forEach(say);
    if ((message.type === "records" || message.type === "incidents") && message.dropped > 0) {
      console.error(`${message.dropped} more were left out`);
    }
  }
}

/** What the actors remember of themselves. */
async function kept(state: ClusterState, query: URLSearchParams): Promise<TransitionRecord[]> {
  const access = await administratorAccess(state);
  const client = httpClientFor(access);
  try {
    const response = await fetch(`${access.server}/inspect/recording?${query}`, { client });
    if (!response.ok) {
      throw new Error(`Cannot read events: the cluster answered ${response.status} ${await response.text()}`);
    }
    const lines = (await response.text()).split("\n").filter((line) => line !== "");
    return lines.flatMap((line) => {
      const message = JSON.parse(line) as { type: string; records?: TransitionRecord[] };
      return message.type === "records" ? message.records ?? [] : [];
    });
  } catch (error) {
    if (error instanceof TypeError) throw new Error(`Cannot reach the cluster at ${access.server}: is it up?`);
    throw error;
  } finally {
    client.close();
  }
}

/** `12:03:07.120  pod/default/web-0  image.pulled, the answer to pullImage: starting  (startContainer)` */
export function recordInWords(record: TransitionRecord | IncidentRecord): string {
  const time = new Date(record.wallTime).toISOString().slice(11, 23);
  const [node = "", kind = "", namespace = "-", name = "-"] = record.id.split("/");
  const who = [kind, namespace, name].filter((part) => part !== "-").join("/");
  const head = `${time}  ${node}  ${who}  `;
  if (record.type !== "transition") {
    return `${head}${incidentNames[record.type]}: ${record.detail.split("\n")[0]}`;
  }
  const { event, edges, states, orders, guards } = record;
  const outcome = edges.length === 0 && record.cause.by !== "start"
    ? "is not handled here"
    : `${states.join(" + ") || "(root)"}`;
  const refused = [...new Set(guards.filter(({ passed }) => !passed).map(({ guard }) => guard))];
  return [
    `${head}${shortEvent(event)}, ${causeInWords(record)}: ${outcome}`,
    ...(refused.length === 0 ? [] : [`(refused: ${refused.join(", ")})`]),
    ...(orders.length === 0 ? [] : [`-> ${orders.map(({ type }) => type).join(", ")}`]),
  ].join("  ");
}

const incidentNames: Readonly<Record<IncidentRecord["type"], string>> = {
  "actor.stopped": "stopped",
  "actor.failed": "failed",
  "message.dead": "nobody heard",
  "answer.late": "an answer that nobody awaits",
};

function causeInWords({ cause }: TransitionRecord): string {
  switch (cause.by) {
    case "order":
      return `the answer to ${cause.type}`;
    case "message":
      return `from ${cause.from}`;
    case "timer":
      return `when "${cause.delay}" was up`;
    case "world":
      return "from outside";
    case "start":
      return "when it started";
  }
}
