import { assertEquals } from "@std/assert";
import type { Authorizer } from "../../../http/machinery/types.ts";
import { harness, type Write } from "./harness.ts";

const maps = [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE", "UPDATE"] }];
const write: Write = { text: "create configmaps in ns", object: { metadata: { name: "m" }, data: { a: "1" } } };
const denied = (message: string) => `configmaps "m" is forbidden: ValidatingAdmissionPolicy 'p' ${message}`;
const byBinding = (message: string) => denied(`with binding 'b' denied request: ${message}`);

interface Row {
  readonly name: string;
  readonly spec: Record<string, unknown>;
  readonly binding?: Record<string, unknown>;
  readonly others?: Readonly<Record<string, readonly object[]>>;
  readonly write?: Partial<Write>;
  readonly authorizer?: Authorizer;
  /** What it is refused with; absent: it is let in. */
  readonly says?: string;
  readonly code?: number;
  readonly warnings?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const never = { validations: [{ expression: "false", message: "no" }] };
const askLater: Authorizer = {
  authorize: ({ verb, resource }) => Promise.resolve({ allowed: verb === "get" && resource === "pods", reason: "r" }),
};

const numbers = { name: "l", expression: `[${Array.from({ length: 200 }, (_, index) => index).join(",")}]` };

const rows: readonly Row[] = [
  { name: "lets in what satisfies it", spec: { validations: [{ expression: "object.data.a == '1'" }] } },
  {
    name: "tells the failed expression",
    spec: { validations: [{ expression: " object.data.a == '2' " }] },
    says: byBinding("failed expression: object.data.a == '2'"),
    code: 422,
  },
  {
    name: "refuses for the reason it names",
    spec: { validations: [{ expression: "false", reason: "RequestEntityTooLarge", message: "big" }] },
    says: byBinding("big"),
    code: 413,
  },
  {
    name: "tells what its message expression says",
    spec: { validations: [{ expression: "false", message: "m", messageExpression: "'not ' + object.metadata.name" }] },
    says: byBinding("not m"),
  },
  {
    name: "falls back to the message where its expression fails",
    spec: { validations: [{ expression: "false", message: "m", messageExpression: "object.data.zzz + ''" }] },
    says: byBinding("m"),
  },
  {
    name: "refuses where an expression fails",
    spec: { validations: [{ expression: "object.data.b == 'x'" }] },
    says: byBinding("expression 'object.data.b == 'x'' resulted in error: no such key: b"),
  },
  {
    name: "ignores a failing expression where it is told so",
    spec: { failurePolicy: "Ignore", validations: [{ expression: "object.data.b == 'x'" }] },
  },
  {
    name: "warns instead of refusing",
    spec: never,
    binding: { validationActions: ["Warn", "Audit"] },
    warnings: ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no"],
    annotations: {
      "validation.policy.admission.k8s.io/validation_failure":
        '[{"message":"no","policy":"p","binding":"b","expressionIndex":0,"validationActions":["Warn","Audit"]}]',
    },
  },
  {
    name: "composes variables, each evaluated once it is read",
    spec: {
      variables: [
        { name: "wrong", expression: "object.nothing.at.all" },
        { name: "n", expression: "int(object.data.a)" },
        { name: "twice", expression: "variables.n * 2" },
      ],
      validations: [{ expression: "variables.twice == 2" }, { expression: "variables.twice > 2", message: "small" }],
    },
    says: byBinding("small"),
  },
  {
    name: "tells which variable failed",
    spec: {
      variables: [{ name: "wrong", expression: "object.nothing" }],
      validations: [{ expression: "variables.wrong == 1" }],
    },
    says: byBinding(
      "expression 'variables.wrong == 1' resulted in error: composited variable \"wrong\" fails to evaluate: " +
        "no such key: nothing",
    ),
  },
  {
    name: "is asked only where its conditions hold",
    spec: { ...never, matchConditions: [{ name: "c", expression: "request.userInfo.username != 'bob'" }] },
  },
  {
    name: "is not asked where a condition is false, whatever went wrong with another",
    spec: {
      ...never,
      matchConditions: [
        { name: "c", expression: "object.zzz == 1" },
        { name: "d", expression: "false" },
      ],
    },
  },
  {
    name: "refuses where a condition fails",
    spec: { ...never, matchConditions: [{ name: "c", expression: "object.zzz == 1" }] },
    says: byBinding("expression 'object.zzz == 1' resulted in error: no such key: zzz"),
  },
  {
    name: "takes parameters by name, in the namespace of the request",
    spec: {
      paramKind: { apiVersion: "v1", kind: "Secret" },
      validations: [{ expression: "object.data.a == params.type", messageExpression: "'not ' + params.type" }],
    },
    binding: { paramRef: { name: "s", parameterNotFoundAction: "Deny" } },
    others: { secrets: [{ metadata: { name: "s", namespace: "ns" }, type: "2" }] },
    says: byBinding("not 2"),
  },
  {
    name: "is asked once for each of the parameters that are selected",
    spec: {
      paramKind: { apiVersion: "v1", kind: "Secret" },
      validations: [{ expression: "object.data.a == params.type", messageExpression: "'not ' + params.type" }],
    },
    binding: { paramRef: { selector: {}, parameterNotFoundAction: "Deny" }, validationActions: ["Warn"] },
    others: { secrets: ["1", "2", "3"].map((type) => ({ metadata: { name: `s${type}`, namespace: "ns" }, type })) },
    warnings: ["not 2", "not 3"].map((text) =>
      `Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': ${text}`
    ),
  },
  {
    name: "refuses where parameters are missing that must be there",
    spec: { paramKind: { apiVersion: "v1", kind: "Secret" }, ...never },
    binding: { paramRef: { name: "s", parameterNotFoundAction: "Deny" } },
    says: byBinding(
      "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    ),
  },
  {
    name: "is not asked where parameters are missing that need not be there",
    spec: { paramKind: { apiVersion: "v1", kind: "Secret" }, ...never },
    binding: { paramRef: { name: "s", parameterNotFoundAction: "Allow" } },
  },
  {
    name: "refuses where nobody knows its kind of parameters",
    spec: { paramKind: { apiVersion: "x.y/v1", kind: "Z" }, ...never },
    says: denied(
      "denied request: failed to configure policy: failed to find resource referenced by paramKind: 'x.y/v1, Kind=Z'",
    ),
  },
  {
    name: "sees the namespace",
    spec: { validations: [{ expression: "namespaceObject.metadata.labels.team == 'b'", message: "team" }] },
    says: byBinding("team"),
  },
  {
    name: "sees the request",
    spec: {
      validations: [{
        expression:
          "request.operation == 'CREATE' && request.resource.resource == 'configmaps' && oldObject == null && " +
          "request.namespace == 'ns' && request.options.fieldManager == 'test' && !request.dryRun && " +
          "request.requestKind.kind == 'ConfigMap' && !has(request.subResource)",
      }],
    },
  },
  {
    name: "sees what was before",
    spec: { validations: [{ expression: "object.data == oldObject.data", message: "changed" }] },
    write: { text: "update configmaps m in ns", old: { metadata: { name: "m" }, data: { a: "0" } } },
    says: byBinding("changed"),
  },
  {
    name: "asks what the user may, also where the answer takes a while",
    authorizer: askLater,
    spec: {
      validations: [
        { expression: "authorizer.group('').resource('pods').namespace('ns').check('get').allowed()" },
        { expression: "!authorizer.requestResource.check('x').allowed() || false" },
        { expression: "authorizer.serviceAccount('ns', 'a').path('/x').check('get').allowed()", message: "path" },
      ],
    },
    says: byBinding("path"),
  },
  {
    name: "publishes annotations",
    spec: {
      auditAnnotations: [{ key: "k", valueExpression: "'v' + object.data.a" }, { key: "n", valueExpression: "null" }],
    },
    annotations: { "p/k": "v1" },
  },
  {
    name: "ends an expression that costs too much",
    spec: {
      variables: [numbers],
      validations: [{ expression: "variables.l.all(a, variables.l.all(b, variables.l.all(c, a + b + c >= 0)))" }],
    },
    says: byBinding(
      "expression 'variables.l.all(a, variables.l.all(b, variables.l.all(c, a + b + c >= 0)))' resulted in error: " +
        "operation cancelled: actual cost limit exceeded",
    ),
  },
  {
    name: "ends when all of it costs too much",
    spec: {
      variables: [numbers],
      validations: Array.from({ length: 80 }, () => ({
        expression: "variables.l.all(a, variables.l.all(b, a + b >= 0))",
      })),
    },
    says: byBinding("validation failed due to running out of cost budget, no further validation rules will be run"),
  },
  {
    name: "is not asked in other namespaces",
    spec: { ...never, match: { namespaceSelector: { matchLabels: { team: "z" } } } },
  },
  {
    name: "is not asked about other objects",
    spec: { ...never, match: { objectSelector: { matchLabels: { a: "b" } } } },
  },
  { name: "is not asked about what is excluded", spec: { ...never, match: { excludeResourceRules: maps } } },
  {
    name: "is not asked about other names",
    spec: { ...never, match: { resourceRules: [{ ...maps[0], resourceNames: ["z"] }] } },
  },
  {
    name: "is not asked for other operations",
    spec: { ...never, match: { resourceRules: [{ ...maps[0], operations: ["DELETE"] }] } },
  },
  {
    name: "is not asked where its binding means others",
    spec: never,
    binding: { matchResources: { namespaceSelector: { matchLabels: { team: "z" } } } },
  },
];

for (const { name, spec: { match = {}, ...spec }, binding = {}, others = {}, authorizer, ...row } of rows) {
  Deno.test(`a validating policy ${name}`, async () => {
    const world = await harness((api) => {
      const constraints = { resourceRules: maps, ...match as object };
      api.put("validatingadmissionpolicies", {
        metadata: { name: "p" },
        spec: { matchConstraints: constraints, ...spec },
      });
      api.put("validatingadmissionpolicybindings", {
        metadata: { name: "b" },
        spec: { policyName: "p", validationActions: ["Deny"], ...binding },
      });
      for (const [resource, objects] of Object.entries(others)) api.put(resource, ...objects);
    }, authorizer === undefined ? {} : { authorizer });
    const { error, warnings, annotations } = await world.run({ ...write, ...row.write });
    world.stop();
    assertEquals(
      { says: error?.message, code: row.code === undefined ? undefined : error?.code, warnings, annotations },
      { says: row.says, code: row.code, warnings: row.warnings ?? [], annotations: row.annotations ?? {} },
    );
  });
}

Deno.test("a validating policy for one version is asked about the others, in its own version", async () => {
  const rules = [{ apiGroups: ["autoscaling"], apiVersions: ["v1"], resources: ["*"], operations: ["*"] }];
  const expression = "object.apiVersion == 'autoscaling/v1' && request.requestKind.version == 'v2' && " +
    "object.spec.targetCPUUtilizationPercentage == 50";
  const world = await harness((api) => {
    const spec = {
      matchConstraints: { resourceRules: rules },
      validations: [{ expression: `!(${expression})`, message: "seen" }],
    };
    api.put("validatingadmissionpolicies", { metadata: { name: "p" }, spec });
    api.put("validatingadmissionpolicybindings", {
      metadata: { name: "b" },
      spec: { policyName: "p", validationActions: ["Deny"] },
    });
  });
  const target = { type: "Utilization", averageUtilization: 50 };
  const spec = {
    scaleTargetRef: { kind: "Deployment", name: "d", apiVersion: "apps/v1" },
    maxReplicas: 3,
    metrics: [{ type: "Resource", resource: { name: "cpu", target } }],
  };
  const { error } = await world.run({
    text: "create autoscaling:horizontalpodautoscalers in ns",
    object: { metadata: { name: "h" }, spec },
  });
  world.stop();
  assertEquals(error?.message.split("denied request: ")[1], "seen");
});
