/** Which actors somebody wants to see, and in which order. */
import type { ActorFilter, ActorRow, SortBy } from "../../ports/inspection.ts";

export type RowTest = (row: ActorRow) => boolean;

/** A filter as one function; everything that can be prepared is. */
export function rowTest(filter: ActorFilter | undefined): RowTest {
  const tests: RowTest[] = [];
  const anyOf = (wanted: readonly string[] | undefined, field: "kind" | "namespace" | "node" | "uid") => {
    if (wanted === undefined || wanted.length === 0) return;
    const set = new Set(wanted);
    tests.push((row) => row[field] !== undefined && set.has(row[field]));
  };
  const { name, state, labels, text, problems, anyProblem } = filter ?? {};
  anyOf(filter?.kind, "kind");
  anyOf(filter?.namespace, "namespace");
  anyOf(filter?.node, "node");
  anyOf(filter?.uid, "uid");
  if (name !== undefined && name.length > 0) tests.push((row) => name.some((each) => isNamed(row, each)));
  if (state !== undefined && state.length > 0) {
    tests.push((row) => row.states.some((path) => state.some((each) => path === each || path.startsWith(`${each}.`))));
  }
  if (problems !== undefined && problems.length > 0) {
    tests.push((row) => row.problems.some((problem) => problems.includes(problem)));
  }
  if (anyProblem === true) tests.push((row) => row.problems.length > 0);
  const wanted = Object.entries(labels ?? {});
  if (wanted.length > 0) tests.push((row) => wanted.every(([label, value]) => row.labels?.[label] === value));
  const words = (text ?? "").toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length > 0) {
    tests.push((row) => {
      const all = [row.id, row.states.join(" "), row.tags.join(" "), row.says ?? ""].join(" ").toLowerCase();
      return words.every((word) => all.includes(word));
    });
  }
  return tests.length === 0 ? () => true : (row) => tests.every((test) => test(row));
}

/** A pod's containers and probes bear its name and their own: `web-0:app`. */
function isNamed({ name }: ActorRow, wanted: string): boolean {
  return name !== undefined && (name === wanted || name.startsWith(`${wanted}:`));
}

type Comparison = (one: ActorRow, other: ActorRow) => number;

const byText = (one: string, other: string) => one < other ? -1 : one > other ? 1 : 0;
const byId: Comparison = (one, other) => byText(one.id, other.id);

const comparisons: Readonly<Record<SortBy, Comparison>> = {
  id: byId,
  kind: (one, other) => byText(one.kind, other.kind) || byId(one, other),
  state: (one, other) => byText(one.states.join(), other.states.join()) || byId(one, other),
  since: (one, other) => one.since - other.since || byId(one, other),
  recent: (one, other) => other.since - one.since || byId(one, other),
  problems: (one, other) => other.problems.length - one.problems.length || byId(one, other),
};

export const sortOrders = Object.keys(comparisons) as readonly SortBy[];

export function compareBy(sort: SortBy): Comparison {
  return comparisons[sort];
}

/** What is known of an actor that is not there (any more): its address. */
export function addressedRow(id: string): ActorRow {
  const [node = "", kind = "", namespace = "-", name = "-", uid = "-"] = id.split("/");
  return {
    ...{ id, node, kind, machine: "", states: [], status: "done", since: 0, incarnation: 0, tags: [], problems: [] },
    ...(namespace === "-" ? {} : { namespace }),
    ...(name === "-" ? {} : { name }),
    ...(uid === "-" ? {} : { uid }),
    ...{ last: 0, transitions: 0, unhandled: 0 },
  };
}
