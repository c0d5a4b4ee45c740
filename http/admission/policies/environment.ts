/** What expressions of policies and match conditions may speak of (k8s.io/apiserver admission/plugin/cel). */
import type { Environment } from "@marcbachmann/cel-js";
import { authorizerType, declareAuthorizer } from "../../custom_resources/cel/authorizer.ts";
import { celEnvironment } from "../../custom_resources/cel/environment.ts";

export interface Declared {
  readonly params?: boolean;
  readonly authorizer?: boolean;
  /** Types of `variables`' fields, by name; absent: there is no such variable. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Declares types and gives those of `object` with `oldObject`, and of `params`; absent: anything. */
  declare?(environment: Environment): { readonly object?: string; readonly params?: string };
}

/** The variables of a policy, each evaluated when it is first read. */
export class LazyVariables {}

const group = { group: "string", version: "string" };
const requestTypes: readonly (readonly [string, Record<string, string>])[] = [
  ["kubernetes.GroupVersionKind", { ...group, kind: "string" }],
  ["kubernetes.GroupVersionResource", { ...group, resource: "string" }],
  ["kubernetes.UserInfo", {
    username: "string",
    uid: "string",
    groups: "list<string>",
    extra: "map<string, list<string>>",
  }],
  ["kubernetes.AdmissionRequest", {
    kind: "kubernetes.GroupVersionKind",
    resource: "kubernetes.GroupVersionResource",
    subResource: "string",
    requestKind: "kubernetes.GroupVersionKind",
    requestResource: "kubernetes.GroupVersionResource",
    requestSubResource: "string",
    name: "string",
    namespace: "string",
    operation: "string",
    userInfo: "kubernetes.UserInfo",
    dryRun: "bool",
    options: "dyn",
  }],
];

class JsonPatchFunctions {}

let base: Environment | undefined;

function baseEnvironment(): Environment {
  if (base !== undefined) return base;
  base = celEnvironment();
  for (const [name, fields] of requestTypes) base.registerType(name, { fields } as never);
  declareAuthorizer(base);
  base.registerType("JsonPatchFunctions", JsonPatchFunctions);
  base.registerConstant("jsonpatch", "JsonPatchFunctions", new JsonPatchFunctions());
  base.registerFunction(
    "JsonPatchFunctions.escapeKey(string): string",
    (_: unknown, key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1"),
  );
  return base;
}

/** A fresh environment. */
export function policyEnvironment(
  { params = false, authorizer = false, variables, declare }: Declared,
): Environment {
  const environment = baseEnvironment().clone();
  const types = declare?.(environment) ?? {};
  environment.registerVariable("object", types.object ?? "dyn").registerVariable("oldObject", types.object ?? "dyn");
  // None for what is cluster-scoped, so it has no type of its own.
  environment.registerVariable("namespaceObject", "dyn").registerVariable("request", "kubernetes.AdmissionRequest");
  if (params) environment.registerVariable("params", types.params ?? "dyn");
  if (authorizer) environment.registerVariable("authorizer", authorizerType);
  if (variables !== undefined) {
    environment.registerType("kubernetes.variables", { ctor: LazyVariables, fields: variables } as never);
    environment.registerVariable("variables", "kubernetes.variables");
  }
  return environment;
}
