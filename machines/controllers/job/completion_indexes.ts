/** Completion indexes of an Indexed Job as its status writes them: "1,3-5,7" (Kubernetes docs, "Jobs", completion mode). */
import type { Pod } from "../../objects/object.ts";

/** How often the index had failed before this pod. */
export const failureCount = "batch.kubernetes.io/job-index-failure-count";
export const indexLabel = "batch.kubernetes.io/job-completion-index";

/** Sorted, without repetition; what is no index below `limit` is left out. */
export function parseIndexes(text: string | undefined, limit: number): number[] {
  const found = new Set<number>();
  for (const part of (text ?? "").split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) continue;
    const last = Math.min(Number(match[2] ?? match[1]), limit - 1);
    for (let index = Number(match[1]); index <= last; index++) found.add(index);
  }
  return [...found].sort((a, b) => a - b);
}

export function formatIndexes(indexes: readonly number[]): string {
  const parts: string[] = [];
  for (let start = 0; start < indexes.length;) {
    let end = start;
    while (indexes[end + 1] === indexes[end]! + 1) end++;
    // Two neighbours are two numbers, three are a range.
    const [first, last] = [indexes[start]!, indexes[end]!];
    parts.push(end === start ? `${first}` : end === start + 1 ? `${first},${last}` : `${first}-${last}`);
    start = end + 1;
  }
  return parts.join();
}

/** The index a pod works on; undefined when it has none. */
export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexLabel];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
