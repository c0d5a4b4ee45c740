/** Allows what some binding grants. It never denies: who is not allowed here may be by the next authorizer. */
import type { Authorizer, Decision, RequestAttributes } from "../../machinery/types.ts";
import type { RbacPolicy } from "./policy.ts";
import { ruleAllows } from "./rules.ts";

export function rbacAuthorizer(policy: RbacPolicy): Authorizer {
  return {
    authorize(request): Decision {
      const missing: string[] = [];
      for (const grant of policy.grants(request.user, request.resourceRequest ? request.namespace : "", missing)) {
        if (ruleAllows(grant.rule, request)) return { allowed: true, reason: `RBAC: allowed by ${grant.describe()}` };
      }
      return { allowed: false, reason: missing.length === 0 ? "" : `RBAC: ${asList(missing)}` };
    },
  };
}

function asList(missing: readonly string[]): string {
  const distinct = [...new Set(missing)];
  return distinct.length === 1 ? distinct[0]! : `[${distinct.join(", ")}]`;
}

/** Members of `system:masters` may do everything, so that nobody can lock himself out by deleting roles. */
export const mastersAuthorizer: Authorizer = {
  authorize: ({ user }: RequestAttributes) => ({ allowed: user.groups.includes("system:masters"), reason: "" }),
};

/** The first that allows decides; when none does, all their reasons are told. */
export function anyOf(...authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(request): Decision | Promise<Decision> {
      const reasons: string[] = [];
      for (let index = 0; index < authorizers.length; index++) {
        const decision = authorizers[index]!.authorize(request);
        if (decision instanceof Promise) return rest(decision, index);
        if (decision.allowed) return decision;
        if (decision.reason !== "") reasons.push(decision.reason);
      }
      return { allowed: false, reason: reasons.join("\n") };

      async function rest(first: Promise<Decision>, from: number): Promise<Decision> {
        let decision = await first;
        for (let index = from + 1;; index++) {
          if (decision.allowed) return decision;
          if (decision.reason !== "") reasons.push(decision.reason);
          const next = authorizers[index];
          if (next === undefined) return { allowed: false, reason: reasons.join("\n") };
          decision = await next.authorize(request);
        }
      }
    },
  };
}
