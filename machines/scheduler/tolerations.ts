/** Taints and tolerations (Kubernetes docs, "Taints and Tolerations"). */
import type { Node, PodSpec } from "../objects/object.ts";

export type Taint = NonNullable<NonNullable<Node["spec"]>["taints"]>[number];
export type Toleration = NonNullable<PodSpec["tolerations"]>[number];

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator) {
    case "Exists":
      return true;
    case "Gt":
    case "Lt": {
      const [wanted, actual] = [Number(toleration.value), Number(taint.value)];
      if (!Number.isInteger(wanted) || !Number.isInteger(actual)) return false;
      return toleration.operator === "Gt" ? actual > wanted : actual < wanted;
    }
    default:
      return Boolean(toleration.key) && (toleration.value ?? "") === (taint.value ?? "");
  }
}

/** The first taint with one of the effects that no toleration tolerates. */
export function untoleratedTaint(
  tolerations: readonly Toleration[],
  taints: readonly Taint[],
  effects: readonly Taint["effect"][],
): Taint | undefined {
  return taints.find((taint) =>
    effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint))
  );
}

/** How long a pod may stay with these NoExecute taints: 0 at once gone, Infinity for ever, else the shortest. */
export function toleratedSeconds(tolerations: readonly Toleration[], taints: readonly Taint[]): number {
  let shortest = Infinity;
  for (const taint of taints) {
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds !== undefined) shortest = Math.min(shortest, Math.max(0, tolerationSeconds));
    }
  }
  return shortest;
}
