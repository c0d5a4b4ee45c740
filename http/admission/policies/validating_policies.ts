/**
 * ValidatingAdmissionPolicy: expressions that a write must satisfy (Kubernetes docs, "Validating Admission Policy";
 * k8s.io/apiserver admission/plugin/policy/validating).
 */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { ApiError } from "../../../machines/objects/status.ts";
import { Decisions } from "../../custom_resources/cel/authorizer.ts";
import { CostMeter } from "../../custom_resources/cel/metered.ts";
import { forbidden } from "../../machinery/errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../../machinery/types.ts";
import { fields, list, text, texts } from "../../resources/fields.ts";
import { isExempt } from "../matching.ts";
import { ShownRequest } from "../shown_request.ts";
import {
  type CompiledPolicy,
  compilePolicy,
  criteriaOf,
  decided,
  policyBudget,
  policyConditions,
} from "./compiled_policy.ts";
import { type Evaluated, evaluateExpression, type Expression, OutOfBudget } from "./expression.ts";
import type { PolicyContext } from "./policy_context.ts";
import { ConfigurationError } from "./params.ts";
import { type Hook, PolicyTable } from "./policy_table.ts";
import { scopeOf } from "./scope.ts";
import { lazyVariables } from "./variables.ts";

interface Validation {
  readonly expression: Expression;
  readonly message: string;
  readonly messageExpression: Expression | undefined;
  readonly reason: string;
}

interface ValidatingPolicy extends CompiledPolicy {
  readonly validations: readonly Validation[];
  readonly annotations: readonly { readonly key: string; readonly expression: Expression }[];
}

function compiled(policy: KubeObject): ValidatingPolicy {
  const common = compilePolicy(policy);
  const spec = fields(policy["spec"]);
  return {
    ...common,
    validations: list(spec["validations"]).map((validation) => {
      const messageExpression = text(validation["messageExpression"]);
      return {
        expression: common.compile(text(validation["expression"]), ["bool"]),
        message: text(validation["message"]).trim(),
        messageExpression: messageExpression === ""
          ? undefined
          : common.compile(messageExpression, ["string"], { authorizer: false }),
        reason: text(validation["reason"]) === "" ? "Invalid" : text(validation["reason"]),
      };
    }),
    annotations: list(spec["auditAnnotations"]).map((annotation) => ({
      key: text(annotation["key"]),
      expression: common.compile(text(annotation["valueExpression"]), ["string", "null"]),
    })),
  };
}

/** One thing that is wrong. */
interface Failure {
  readonly message: string;
  readonly reason: string;
  /** Which validation says so. */
  readonly index: number;
}

interface Outcome {
  readonly failures: readonly Failure[];
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** Annotations that cannot be made: they refuse the request whatever the binding's actions are. */
  readonly annotationErrors: readonly string[];
}

interface Denial {
  readonly policy: string;
  readonly binding?: string;
  readonly message: string;
  readonly reason: string;
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 };
const maxMessageBytes = 5 * 1024;
const maxAnnotationBytes = 10 * 1024;
const maxToldFailures = 50;

export function validatingPolicies(context: PolicyContext): AdmissionPlugin & {
  readonly table: PolicyTable<ValidatingPolicy>;
} {
  const table = new PolicyTable(compiled);
  return {
    name: "ValidatingAdmissionPolicy",
    table,
    validate(request) {
      if (table.hooks.length === 0 || isExempt(request)) return;
      return new Judgement(context, request).run(table.hooks);
    },
  };
}

/** What all policies say of one request. */
class Judgement {
  readonly #denials: Denial[] = [];
  readonly #audited: Record<string, unknown>[] = [];
  readonly #decisions: Decisions;

  constructor(readonly context: PolicyContext, readonly request: AdmissionRequest) {
    this.#decisions = new Decisions(context.authorizer);
  }

  async run(hooks: readonly Hook<ValidatingPolicy>[]): Promise<void> {
    for (const hook of hooks) await this.#policy(hook);
    if (this.#audited.length > 0) {
      const told = JSON.stringify(this.#audited.slice(0, maxToldFailures));
      this.request.annotate?.("validation.policy.admission.k8s.io/validation_failure", told);
    }
    const [first] = this.#denials;
    if (first !== undefined) throw refusal(this.request, first);
  }

  async #policy(hook: Hook<ValidatingPolicy>): Promise<void> {
    const { matcher, params } = this.context;
    const as = await matcher.matched(this.request, hook.compiled.criteria);
    if (as === undefined) return;
    let kind;
    try {
      kind = params.resourceOf(hook.policy);
    } catch (error) {
      return this.#misconfigured(error, hook);
    }
    const published = new Map<string, string[]>();
    for (const binding of hook.bindings) {
      const match = fields(binding["spec"])["matchResources"];
      if (match !== undefined && await matcher.matched(this.request, criteriaOf(match)) === undefined) continue;
      try {
        const place = this.request.attributes.namespace;
        const namespace = await this.context.namespaceOf(this.request);
        for (const given of await params.collect(kind, binding, place)) {
          const shown = new ShownRequest(this.request, as);
          const scope = scopeOf({ shown, params: given, namespace, decisions: this.#decisions });
          const outcome = await decided(this.#decisions, () => judge(hook.compiled, scope));
          this.#take(outcome, hook, binding, published);
        }
      } catch (error) {
        this.#misconfigured(error, hook, binding);
      }
    }
    for (const [key, values] of published) this.request.annotate?.(`${hook.name}/${key}`, values.join(", "));
  }

  /** @throws what is not about the configuration */
  #misconfigured(error: unknown, { name, compiled }: Hook<ValidatingPolicy>, binding?: KubeObject): void {
    if (!(error instanceof ConfigurationError)) throw error;
    if (compiled.ignoresFailure) return;
    const message = `failed to configure ${binding === undefined ? "policy" : "binding"}: ${error.message}`;
    const of = binding === undefined ? {} : { binding: binding.metadata.name };
    this.#denials.push({ policy: name, ...of, message, reason: "Invalid" });
  }

  #take(
    { failures, annotations, annotationErrors }: Outcome,
    { name: policy }: Hook<ValidatingPolicy>,
    { metadata: { name: binding }, spec }: KubeObject,
    published: Map<string, string[]>,
  ): void {
    const actions = texts(fields(spec)["validationActions"]);
    for (const { message, reason, index } of failures) {
      if (actions.includes("Deny")) this.#denials.push({ policy, binding, message, reason });
      if (actions.includes("Warn")) {
        this.request.warn(
          `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}': ${message}`,
        );
      }
      if (actions.includes("Audit")) {
        this.#audited.push({ message, policy, binding, expressionIndex: index, validationActions: actions });
      }
    }
    for (const { key, value } of annotations) {
      const known = published.get(key) ?? [];
      const shown = value.slice(0, maxAnnotationBytes);
      if (!known.includes(shown)) published.set(key, [...known, shown]);
    }
    for (const message of annotationErrors) this.#denials.push({ policy, binding, message, reason: "Invalid" });
  }
}

function refusal({ attributes }: AdmissionRequest, { policy, binding, message, reason }: Denial): ApiError {
  const by = binding === undefined ? "" : ` with binding '${binding}'`;
  const said = `ValidatingAdmissionPolicy '${policy}'${by} denied request: ${message}`;
  const error = forbidden(attributes, attributes.name, said);
  error.status.reason = reason;
  error.status.code = codes[reason] ?? 422;
  error.status.details = { ...error.status.details, causes: [{ message: said }] };
  return error;
}

/** One evaluation: one binding, one set of parameters. */
function judge(policy: ValidatingPolicy, scope: Record<string, unknown>): Outcome {
  const nothing = { failures: [], annotations: [], annotationErrors: [] };
  const failed = (message: string): Outcome =>
    policy.ignoresFailure ? nothing : { ...nothing, failures: [{ message, reason: "Invalid", index: 0 }] };
  const met = policyConditions(policy, scope);
  if ("error" in met) return policy.ignoresFailure ? nothing : failed(met.error);
  if (!met.matches) return nothing;
  try {
    const meter = new CostMeter(policyBudget);
    const own: Record<string, unknown> = { ...scope };
    own["variables"] = lazyVariables(policy.variables, own, meter);
    const results = policy.validations.map(({ expression }) => evaluateExpression(expression, own, meter));
    const failures = policy.validations.flatMap((validation, index): Failure[] => {
      const result = results[index]!;
      if ("error" in result) return policy.ignoresFailure ? [] : [{ message: result.error, reason: "Invalid", index }];
      if (result.value === true) return [];
      return [{ message: messageOf(validation, own, meter), reason: validation.reason, index }];
    });
    return { failures, ...annotationsOf(policy, scope) };
  } catch (error) {
    if (error instanceof OutOfBudget) return failed(error.message);
    throw error;
  }
}

/** What the validation says of itself: its expression's value, its message, or the expression that failed. */
function messageOf(
  { expression, message, messageExpression }: Validation,
  scope: Record<string, unknown>,
  meter: CostMeter,
): string {
  if (messageExpression !== undefined) {
    try {
      const result = evaluateExpression(messageExpression, scope, meter);
      const said = "value" in result && typeof result.value === "string" ? result.value.trim() : "";
      if (said !== "" && said.length <= maxMessageBytes && !said.includes("\n")) return said;
    } catch (error) {
      if (!(error instanceof OutOfBudget)) throw error;
      return `failed messageExpression: ${error.message}`;
    }
  }
  return message === "" ? `failed expression: ${expression.text.trim()}` : message;
}

function annotationsOf(policy: ValidatingPolicy, scope: Record<string, unknown>): Omit<Outcome, "failures"> {
  const annotations: { key: string; value: string }[] = [];
  const annotationErrors: string[] = [];
  const meter = new CostMeter(policyBudget);
  const own: Record<string, unknown> = { ...scope };
  own["variables"] = lazyVariables(policy.variables, own, meter);
  for (const { key, expression } of policy.annotations) {
    const result: Evaluated = evaluateExpression(expression, own, meter);
    if ("error" in result) {
      if (!policy.ignoresFailure) annotationErrors.push(result.error);
    } else if (typeof result.value === "string") {
      if (result.value.trim() !== "") annotations.push({ key, value: result.value.trim() });
    } else if (result.value !== null) {
      annotationErrors.push(
        `valueExpression '${expression.text}' resulted in unsupported return type: ${typeof result
          .value}. Return type ` +
          "must be either string or null.",
      );
    }
  }
  return { annotations, annotationErrors };
}
