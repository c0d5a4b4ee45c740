/** What a pod's failure means for its Job (Kubernetes docs, "Pod failure policy"). The first rule that matches decides. */
import type { Job, Pod } from "../../objects/object.ts";

type Policy = NonNullable<NonNullable<Job["spec"]>["podFailurePolicy"]>;
type Rule = Policy["rules"][number];

export interface Verdict {
  /** Counts towards the back-off limit. */
  readonly counts: boolean;
  /** Its index is not tried again. */
  readonly failsIndex?: boolean;
  /** Ends the Job; why. */
  readonly failsJob?: string;
}

export function verdictOn(pod: Pod, policy: Policy | undefined): Verdict {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const what = matchOf(pod, rule);
    if (what === undefined) continue;
    if (rule.action === "Ignore") return { counts: false };
    if (rule.action === "FailIndex") return { counts: true, failsIndex: true };
    if (rule.action !== "FailJob") return { counts: true };
    return { counts: true, failsJob: `${what} matching ${rule.action} rule at index ${index}` };
  }
  return { counts: true };
}

function matchOf(pod: Pod, { onExitCodes, onPodConditions }: Rule): string | undefined {
  const { name, namespace } = pod.metadata;
  if (onExitCodes !== undefined) {
    const { containerName, operator, values } = onExitCodes;
    const all = [...pod.status?.containerStatuses ?? [], ...pod.status?.initContainerStatuses ?? []];
    const failed = all.find((container) => {
      const code = container.state?.terminated?.exitCode ?? 0;
      if (code === 0 || (containerName !== undefined && containerName !== container.name)) return false;
      return values.includes(code) === (operator === "In");
    });
    if (failed === undefined) return undefined;
    const code = failed.state?.terminated?.exitCode;
    return `Container ${failed.name} for pod ${namespace}/${name} failed with exit code ${code}`;
  }
  const met = onPodConditions?.find(({ type, status = "True" }) =>
    pod.status?.conditions?.some((condition) => condition.type === type && condition.status === status)
  );
  return met && `Pod ${namespace}/${name} has condition ${met.type}`;
}
