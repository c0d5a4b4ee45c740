/** Whether a row is what was asked for: the rule of `ActorFilter`, for recordings, where no server filters. */
import type { ActorFilter, ActorRow } from "../../../../ports/inspection.ts";

export function matches(row: ActorRow, filter: ActorFilter | undefined): boolean {
  if (filter === undefined) return true;
  const among = (wanted: readonly string[] | undefined, value: string | undefined) =>
    wanted === undefined || (value !== undefined && wanted.includes(value));
  if (!among(filter.kind, row.kind) || !among(filter.node, row.node) || !among(filter.uid, row.uid)) return false;
  if (!among(filter.namespace, row.namespace)) return false;
  if (filter.name !== undefined && !filter.name.some((name) => isNamed(row, name))) return false;
  const { state, labels, problems } = filter;
  if (state !== undefined && !row.states.some((path) => state.some((part) => isWithin(path, part)))) return false;
  if (labels !== undefined && Object.entries(labels).some(([key, value]) => row.labels?.[key] !== value)) return false;
  if (problems !== undefined && !problems.some((problem) => row.problems.includes(problem))) return false;
  if (filter.anyProblem === true && row.problems.length === 0) return false;
  if (filter.text === undefined || filter.text.trim() === "") return true;
  const said = [row.id, ...row.states, ...row.tags, row.says ?? ""].join(" ").toLowerCase();
  return filter.text.toLowerCase().split(/\s+/).every((word) => said.includes(word));
}

function isNamed(row: ActorRow, name: string): boolean {
  return row.name === name || (row.name?.startsWith(`${name}:`) ?? false);
}

function isWithin(path: string, part: string): boolean {
  return path === part || path.startsWith(`${part}.`);
}
