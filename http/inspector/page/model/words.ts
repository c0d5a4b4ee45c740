/** Times, durations, values and problems in words. */
import type { ActorRow, Json, Problem } from "../../../../ports/inspection.ts";

export { duration } from "../../../../machines/explain_words.ts";

export const problemWords: Readonly<Record<Problem, { readonly word: string; readonly meaning: string }>> = {
  down: { word: "down", meaning: "It threw an error and waits to be started again." },
  failing: { word: "failing", meaning: "It says itself that something is wrong." },
  restarting: { word: "restarting", meaning: "It was started more than once, the last time within ten minutes." },
  unsettled: { word: "not settled", meaning: "It has waited for more than 30 s in a state that should pass." },
  unhandled: { word: "unhandled events", meaning: "Events came within a minute that its state does not handle." },
  deadLetters: { word: "dead letters", meaning: "Messages for it came to nobody, or answers came late." },
};

export const problemOrder: readonly Problem[] = [
  "down",
  "failing",
  "restarting",
  "unsettled",
  "unhandled",
  "deadLetters",
];

/** Down and failing are red, the others yellow; what says why it waits is at least yellow. */
export function severity(row: Pick<ActorRow, "problems" | "status" | "says">): "bad" | "warn" | "good" | "over" {
  if (row.status === "down" || row.status === "error") return "bad";
  if (row.problems.some((problem) => problem === "down" || problem === "failing")) return "bad";
  if (row.problems.length > 0 || (row.says !== undefined && row.status === "active")) return "warn";
  return row.status === "done" ? "over" : "good";
}

export const severityWords = { bad: "problem", warn: "attention", good: "fine", over: "ended" } as const;

export function clock(wallTime: number, withMs = false): string {
  const date = new Date(wallTime);
  const two = (value: number) => String(value).padStart(2, "0");
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMs ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

export function stateWords(row: Pick<ActorRow, "states" | "status">): string {
  if (row.status === "down") return "down";
  return row.states.map((path) => path || "(only state)").join(" + ") || "(none)";
}

/** `namespace/name`, or what there is of it. */
export function objectName(row: Pick<ActorRow, "namespace" | "name">): string {
  return [row.namespace, row.name].filter((part) => part !== undefined && part !== "-" && part !== "").join("/");
}

/** The actor in few words: `pod default/web-0`. */
export function actorName(id: string): string {
  const [node = "", kind = "", namespace = "-", name = "-"] = id.split("/");
  const object = [namespace, name].filter((part) => part !== "-").join("/");
  return object === "" ? `${kind} on ${node}` : `${kind} ${object}`;
}

export function shortJson(value: Json | undefined, letters = 120): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

/** What an event says beside its type. */
export function eventParams(
  { type: _type, ...params }: { readonly type: string; readonly [param: string]: Json },
): string {
  return Object.keys(params).length === 0 ? "" : shortJson(params);
}
