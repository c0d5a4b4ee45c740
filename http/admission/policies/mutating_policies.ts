/**
 * MutatingAdmissionPolicy: expressions that change a write (Kubernetes docs, "Mutating Admission Policy";
 * k8s.io/apiserver admission/plugin/policy/mutating).
 */
import { jsonEquals } from "../../../machines/objects/json.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { Decisions } from "../../custom_resources/cel/authorizer.ts";
import { CostMeter } from "../../custom_resources/cel/metered.ts";
import { forbidden } from "../../machinery/errors.ts";
import type { SchemaAccess } from "../../machinery/schema_access.ts";
import type { AdmissionRequest, Resource } from "../../machinery/types.ts";
import { fields, list, text } from "../../resources/fields.ts";
import { isExempt } from "../matching.ts";
import type { Reinvocation } from "../reinvocation.ts";
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
import { mutated, MutationError, type PatchType, patchTypes } from "./mutation.ts";
import { ConfigurationError } from "./params.ts";
import type { PolicyContext } from "./policy_context.ts";
import { type Hook, PolicyTable } from "./policy_table.ts";
import { scopeOf } from "./scope.ts";
import { lazyVariables } from "./variables.ts";

interface MutatingPolicy extends CompiledPolicy {
  readonly mutations: readonly { readonly patchType: PatchType; readonly expression: Expression }[];
  readonly runsAgain: boolean;
}

function compiled(policy: KubeObject): MutatingPolicy {
  const common = compilePolicy(policy);
  const spec = fields(policy["spec"]);
  return {
    ...common,
    mutations: list(spec["mutations"]).map((mutation) => {
      const patchType = text(mutation["patchType"]) as PatchType;
      const { field, wanted } = patchTypes[patchType];
      const expression = text(fields(mutation[field])["expression"]);
      return { patchType, expression: common.compile(expression, wanted, { literals: true }) };
    }),
    runsAgain: spec["reinvocationPolicy"] === "IfNeeded",
  };
}

/** A policy, a binding and parameters that all apply to the request. */
interface Invocation {
  readonly hook: Hook<MutatingPolicy>;
  readonly binding: KubeObject;
  readonly params: KubeObject | undefined;
  readonly as: Resource;
}

interface Failure {
  readonly hook: Hook<MutatingPolicy>;
  readonly binding: KubeObject | undefined;
  readonly message: string;
  readonly reason?: string;
}

export class MutatingPolicies {
  readonly table = new PolicyTable(compiled);

  constructor(readonly context: PolicyContext, readonly schema: SchemaAccess) {}

  get isEmpty(): boolean {
    return this.table.hooks.length === 0;
  }

  async admit(request: AdmissionRequest, reinvocation: Reinvocation): Promise<void> {
    if (this.isEmpty || isExempt(request)) return;
    const failures: Failure[] = [];
    const invocations = await this.#invocations(request, failures);
    if (invocations.length > 0) {
      const namespace = await this.context.namespaceOf(request);
      const decisions = new Decisions(this.context.authorizer);
      reinvocation.begin(request.object);
      for (const invocation of invocations) {
        await this.#invoke(request, invocation, { namespace, decisions, reinvocation, failures });
      }
      reinvocation.end(request.object);
    }
    refuse(request, failures.filter(({ hook }) => !hook.compiled.ignoresFailure));
  }

  async #invocations(request: AdmissionRequest, failures: Failure[]): Promise<Invocation[]> {
    const { matcher, params } = this.context;
    const found: Invocation[] = [];
    for (const hook of this.table.hooks) {
      const as = await matcher.matched(request, hook.compiled.criteria);
      if (as === undefined) continue;
      let binding: KubeObject | undefined;
      try {
        const kind = params.resourceOf(hook.policy);
        for (binding of hook.bindings) {
          const match = fields(binding["spec"])["matchResources"];
          if (match !== undefined && await matcher.matched(request, criteriaOf(match)) === undefined) continue;
          for (const given of await params.collect(kind, binding, request.attributes.namespace)) {
            found.push({ hook, binding, params: given, as });
          }
        }
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        const what = binding === undefined ? "policy" : "binding";
        failures.push({ hook, binding, message: `failed to configure ${what}: ${error.message}` });
      }
    }
    return found;
  }

  async #invoke(
    request: AdmissionRequest,
    { hook, binding, params, as }: Invocation,
    { namespace, decisions, reinvocation, failures }: {
      readonly namespace: KubeObject | undefined;
      readonly decisions: Decisions;
      readonly reinvocation: Reinvocation;
      readonly failures: Failure[];
    },
  ): Promise<void> {
    const { compiled } = hook;
    const shown = new ShownRequest(request, as);
    const scope = () => scopeOf({ shown, params, namespace, decisions });
    const met = await decided(decisions, () => policyConditions(compiled, scope()));
    if ("error" in met) return void failures.push({ hook, binding, message: met.error, reason: "Invalid" });
    if (!met.matches) return;
    const key = [hook.name, binding.metadata.name, params?.metadata.namespace, params?.metadata.name].join("/");
    if (!reinvocation.runs(key)) return;
    const before = shown.object;
    for (const mutation of compiled.mutations) {
      const object = shown.object;
      if (object === undefined) break;
      try {
        const result = await decided(decisions, () => evaluated(compiled, mutation.expression, scope()));
        if ("error" in result) throw new MutationError(result.error);
        const next = mutated(mutation.patchType, object, result.value, shown.kind, this.schema);
        as.strategy.setDefaults?.(next);
        shown.replace(next);
      } catch (error) {
        if (!(error instanceof MutationError)) throw error;
        failures.push({ hook, binding, message: error.message, reason: "Invalid" });
      }
    }
    reinvocation.ran(key, !jsonEquals(before, shown.object), compiled.runsAgain);
  }
}

function evaluated({ variables }: MutatingPolicy, expression: Expression, scope: Record<string, unknown>): Evaluated {
  const meter = new CostMeter(policyBudget);
  scope["variables"] = lazyVariables(variables, scope, meter);
  try {
    return evaluateExpression(expression, scope, meter);
  } catch (error) {
    if (error instanceof OutOfBudget) return { error: error.message };
    throw error;
  }
}

/** @throws ApiError when something failed that may not. */
function refuse({ attributes }: AdmissionRequest, failures: readonly Failure[]): void {
  const [first] = failures;
  if (first === undefined) return;
  const texts = failures.map(({ hook, binding, message }) =>
    binding === undefined
      ? `policy ${JSON.stringify(hook.name)} denied request: ${message}`
      : `policy '${hook.name}' with binding '${binding.metadata.name}' denied request: ${message}`
  );
  const error = forbidden(attributes, attributes.name, "");
  error.status.message = texts[0]!;
  error.message = texts[0]!;
  if (first.reason !== undefined) error.status.reason = first.reason;
  error.status.details = { ...error.status.details, causes: texts.map((message) => ({ message })) };
  throw error;
}
