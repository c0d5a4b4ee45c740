/** Checks expressions when the objects that carry them are written. */
import { goTypeName, locatedError } from "../../custom_resources/cel/compile_error.ts";
import { celEnvironment } from "../../custom_resources/cel/environment.ts";
import type { CelCheck, ExpressionPlace } from "../../resources/validation/cel.ts";
import { compileExpression, type Wanted } from "./expression.ts";
import { compileVariables } from "./variables.ts";

interface Rules {
  readonly wanted: Wanted;
  /** Without one: messages must not depend on who may do what. */
  readonly authorizer: boolean;
  readonly literals?: boolean;
}

const rules: Readonly<Record<Exclude<ExpressionPlace["kind"], "device">, Rules>> = {
  matchCondition: { wanted: ["bool"], authorizer: true },
  validation: { wanted: ["bool"], authorizer: true },
  message: { wanted: ["string"], authorizer: false },
  annotation: { wanted: ["string", "null"], authorizer: true },
  variable: { wanted: [], authorizer: true },
  applyConfiguration: { wanted: ["Object"], authorizer: true, literals: true },
  jsonPatch: { wanted: ["list<JSONPatch>"], authorizer: true, literals: true },
};

export const checkExpression: CelCheck = (expression, { kind, params = false, variables }) => {
  if (kind === "device") return deviceError(expression);
  const types = variables === undefined
    ? {}
    : { variables: compileVariables(variables, { params, authorizer: true }).types };
  return compileExpression(expression, { ...rules[kind], params, ...types }).error;
};

/** What a selector of devices may speak of (Kubernetes docs, "Dynamic Resource Allocation"). */
function deviceError(expression: string): string | undefined {
  const environment = celEnvironment();
  environment.registerType("kubernetes.DRADevice", {
    fields: {
      driver: "string",
      attributes: "map<string, map<string, dyn>>",
      capacity: "map<string, map<string, kubernetes.Quantity>>",
      allowMultipleAllocations: "bool",
    },
  } as never);
  environment.registerVariable("device", "kubernetes.DRADevice");
  const { valid, type = "dyn", error } = environment.check(expression);
  if (!valid) return `compilation failed: ${locatedError(expression, error)}`;
  return type === "bool" || type === "dyn"
    ? undefined
    : `must evaluate to bool or the unknown type, not ${goTypeName(type)}`;
}
