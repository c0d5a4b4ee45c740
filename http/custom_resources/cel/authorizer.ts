/**
 * `authorizer` in expressions: what the user of a request, or a service account, may do (k8s.io/apiserver cel/library:
 * authz). Evaluation is synchronous; a decision that is not there yet is noted, and the expression is asked again when it
 * is.
 */
import type { Environment } from "@marcbachmann/cel-js";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "../../../machines/objects/names.ts";
import type { Authorizer, Decision, RequestAttributes, UserInfo } from "../../machinery/types.ts";
import { fail } from "./libraries/library.ts";

/** The decisions that one request's expressions asked for. */
export class Decisions {
  readonly #known = new Map<string, Decision | { readonly error: string }>();
  readonly #pending = new Map<string, Promise<void>>();

  constructor(readonly authorizer: Authorizer) {}

  /** @throws EvaluationError when it has to be waited for. */
  decide(attributes: RequestAttributes): Decision | { readonly error: string } {
    const key = JSON.stringify(attributes);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const decision = this.authorizer.authorize(attributes);
    if (!(decision instanceof Promise)) {
      this.#known.set(key, decision);
      return decision;
    }
    const settled = decision.then(
      (made) => void this.#known.set(key, made),
      (error: Error) => void this.#known.set(key, { error: error.message }),
    );
    this.#pending.set(key, settled);
    return fail("the decision is awaited");
  }

  /** Resolves when what was asked for is known; undefined: nothing is open. */
  awaited(): Promise<unknown> | undefined {
    if (this.#pending.size === 0) return undefined;
    const all = Promise.all(this.#pending.values());
    this.#pending.clear();
    return all;
  }
}

export class AuthorizerValue {
  constructor(
    readonly decisions: Decisions,
    readonly user: UserInfo,
    readonly requestResource: ResourceCheck | undefined = undefined,
  ) {}
}

class PathCheck {
  constructor(readonly from: AuthorizerValue, readonly path: string) {}
}

class GroupCheck {
  constructor(readonly from: AuthorizerValue, readonly group: string) {}
}

interface Place {
  readonly group: string;
  readonly version?: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector?: string;
}

export class ResourceCheck {
  constructor(readonly from: AuthorizerValue, readonly place: Place) {}

  with(change: Partial<Place>): ResourceCheck {
    return new ResourceCheck(this.from, { ...this.place, ...change });
  }
}

class DecisionValue {
  constructor(readonly decision: Decision | { readonly error: string }) {}
}

const [a, p, g, r, d] = ["Authorizer", "PathCheck", "GroupCheck", "ResourceCheck", "Decision"].map((name) =>
  `kubernetes.authorization.${name}`
) as [string, string, string, string, string];

export const authorizerType = a;

export function declareAuthorizer(environment: Environment): void {
  environment.registerType(r, ResourceCheck).registerType(p, PathCheck).registerType(g, GroupCheck)
    .registerType(d, DecisionValue)
    .registerType(a, { ctor: AuthorizerValue, fields: { requestResource: r } } as never);
  for (const [signature, handler] of Object.entries(functions)) environment.registerFunction(signature, handler);
}

// deno-lint-ignore no-explicit-any
const functions: Readonly<Record<string, (...given: any[]) => unknown>> = {
  [`${a}.path(string): ${p}`]: (from: AuthorizerValue, path: string) =>
    path.trim() === "" ? fail("path must not be empty") : new PathCheck(from, path),
  [`${a}.group(string): ${g}`]: (from: AuthorizerValue, group: string) => new GroupCheck(from, group),
  [`${a}.serviceAccount(string, string): ${a}`]: ({ decisions }: AuthorizerValue, namespace: string, name: string) => {
    if (dns1123SubdomainErrors(name).length > 0) return fail("Invalid service account name");
    if (dns1123LabelErrors(namespace).length > 0) return fail("Invalid service account namespace");
    const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
    return new AuthorizerValue(decisions, { name: `system:serviceaccount:${namespace}:${name}`, groups });
  },
  [`${g}.resource(string): ${r}`]: ({ from, group }: GroupCheck, resource: string) =>
    resource.trim() === ""
      ? fail("resource must not be empty")
      : new ResourceCheck(from, { group, resource, subresource: "", namespace: "", name: "" }),
  [`${r}.subresource(string): ${r}`]: (check: ResourceCheck, subresource: string) => check.with({ subresource }),
  [`${r}.namespace(string): ${r}`]: (check: ResourceCheck, namespace: string) => check.with({ namespace }),
  [`${r}.name(string): ${r}`]: (check: ResourceCheck, name: string) => check.with({ name }),
  [`${r}.fieldSelector(string): ${r}`]: (check: ResourceCheck, fieldSelector: string) => check.with({ fieldSelector }),
  // RBAC and the node authorizer do not look at labels: a check without them asks for more, never for less.
  [`${r}.labelSelector(string): ${r}`]: (check: ResourceCheck) => check,
  [`${p}.check(string): ${d}`]: ({ from, path }: PathCheck, verb: string) => {
    const place = { group: "", version: "", resource: "", subresource: "", namespace: "", name: "" };
    return new DecisionValue(
      from.decisions.decide({ ...place, user: from.user, verb, path, resourceRequest: false }),
    );
  },
  [`${r}.check(string): ${d}`]: ({ from, place }: ResourceCheck, verb: string) =>
    new DecisionValue(
      from.decisions.decide({ version: "*", ...place, user: from.user, verb, path: "", resourceRequest: true }),
    ),
  [`${d}.allowed(): bool`]: ({ decision }: DecisionValue) => "allowed" in decision && decision.allowed,
  [`${d}.reason(): string`]: ({ decision }: DecisionValue) => "reason" in decision ? decision.reason : "",
  [`${d}.errored(): bool`]: ({ decision }: DecisionValue) => "error" in decision,
  [`${d}.error(): string`]: ({ decision }: DecisionValue) => "error" in decision ? decision.error : "",
};
