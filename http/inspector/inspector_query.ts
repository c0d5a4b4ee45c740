/** What a URL's query says of the stream: the same that a client says in messages. */
import type { ActorFilter, ClientMessage, Problem, SortBy } from "../../ports/inspection.ts";

export function filterOf(query: URLSearchParams): ActorFilter {
  const filter: Record<string, unknown> = {};
  for (const field of ["kind", "namespace", "node", "name", "uid", "state"] as const) {
    const values = query.getAll(field);
    if (values.length > 0) filter[field] = values;
  }
  const problems = query.getAll("problem") as Problem[];
  if (problems.length > 0) filter["problems"] = problems;
  const labels = query.getAll("label").map((pair): [string, string] => {
    const at = pair.indexOf("=");
    return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
  });
  if (labels.length > 0) filter["labels"] = Object.fromEntries(labels);
  const text = query.get("text");
  if (text !== null && text !== "") filter["text"] = text;
  if (query.get("anyProblem") === "true") filter["anyProblem"] = true;
  return filter as ActorFilter;
}

/** For server-sent events, where a client can say nothing later. */
export function wishesOf(query: URLSearchParams): ClientMessage[] {
  const filter = filterOf(query);
  const number = (name: string) => query.has(name) ? { [name]: Number(query.get(name)) } : {};
  const sort = query.get("sort");
  const watch = {
    type: "watch" as const,
    filter,
    ...(sort === null ? {} : { sort: sort as SortBy }),
    ...number("offset"),
    ...number("limit"),
  };
  return [
    watch,
    ...query.getAll("subscribe").map((id): ClientMessage => ({ type: "subscribe", id })),
    ...(query.get("follow") === "true" ? [{ type: "follow" as const, filter }] : []),
  ];
}
