/** Policies and webhooks as people use them: written as manifests, felt by kubectl. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { kubectlSuite } from "../support/kubectl_suite.ts";
import { eventually } from "../support/eventually.ts";
import { patch, review, webhookServer } from "../http/admission/webhook_server.ts";

const test = kubectlSuite("admission");
const registration = "admissionregistration.k8s.io/v1";
const match = (namespace: string, ...resources: string[]) => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
  resourceRules: [{ apiGroups: ["", "apps"], apiVersions: ["v1"], resources, operations: ["CREATE", "UPDATE"] }],
});

test("a validating policy refuses, warns, takes parameters and tells its types", async ({ kubectl, namespace }) => {
  const policy = {
    apiVersion: registration,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: namespace },
    spec: {
      matchConstraints: match(namespace, "deployments"),
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      validations: [
        {
          expression: "object.spec.replicas <= int(params.data.max)",
          messageExpression: "'at most ' + params.data.max",
          reason: "Forbidden",
        },
        { expression: "object.replicas == 1 || true" },
      ],
    },
  };
  const binding = {
    apiVersion: registration,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: namespace },
    spec: {
      policyName: namespace,
      validationActions: ["Deny"],
      paramRef: { name: "limits", namespace, parameterNotFoundAction: "Deny" },
    },
  };
  await kubectl.ok(["create", "configmap", "limits", "--from-literal=max=2"]);
  await kubectl.ok(["apply", "-f", "-"], { input: JSON.stringify(policy) });
  await kubectl.ok(["apply", "-f", "-"], { input: JSON.stringify(binding) });
  const make = (name: string, replicas: number) =>
    kubectl.run(["create", "deployment", name, "--image=i", `--replicas=${replicas}`, "--dry-run=server"]);
  await eventually("the policy is obeyed", async () => {
    const { error } = await make("many", 3);
    assertStringIncludes(
      error,
      `deployments.apps "many" is forbidden: ValidatingAdmissionPolicy '${namespace}' with binding '${namespace}' ` +
        "denied request: at most 2",
    );
  });
  assertEquals((await make("few", 2)).code, 0);
  await eventually("its types are checked", async () => {
    const status = await kubectl.ok([
      "get",
      "validatingadmissionpolicy",
      namespace,
      "-o",
      "jsonpath={.status.typeChecking.expressionWarnings[0].warning}",
    ]);
    assertStringIncludes(status, "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'");
  });
});

test("a mutating policy changes what is created", async ({ kubectl, namespace }) => {
  const policy = {
    apiVersion: registration,
    kind: "MutatingAdmissionPolicy",
    metadata: { name: namespace },
    spec: {
      matchConstraints: match(namespace, "configmaps"),
      failurePolicy: "Fail",
      reinvocationPolicy: "Never",
      mutations: [{
        patchType: "ApplyConfiguration",
        applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"team": "a"}}}' },
      }],
    },
  };
  const binding = {
    apiVersion: registration,
    kind: "MutatingAdmissionPolicyBinding",
    metadata: { name: namespace },
    spec: { policyName: namespace },
  };
  await kubectl.ok(["apply", "-f", "-"], { input: JSON.stringify(policy) });
  await kubectl.ok(["apply", "-f", "-"], { input: JSON.stringify(binding) });
  await eventually("the policy is obeyed", async () => {
    const made = ["create", "configmap", "m", "--dry-run=server", "-o", "jsonpath={.metadata.labels.team}"];
    assertEquals(await kubectl.ok(made), "a");
  });
});

test("webhooks change and refuse", async ({ kubectl, namespace }) => {
  await using server = await webhookServer({
    "/change": review(patch({ op: "add", path: "/metadata/labels", value: { seen: "yes" } })),
    "/judge": (asked) =>
      review({
        allowed: asked.request.object.metadata.name !== "bad",
        status: { message: "bad is bad" },
        warnings: ["I saw it"],
      })(asked),
  });
  const webhook = (name: string) => ({
    name: `${name}.example.com`,
    clientConfig: { url: `https://127.0.0.1:${server.port}/${name}`, caBundle: server.caBundle },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] }],
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
  });
  for (const [kind, name] of [["Mutating", "change"], ["Validating", "judge"]] as const) {
    const configuration = {
      apiVersion: registration,
      kind: `${kind}WebhookConfiguration`,
      metadata: { name: `${namespace}-${name}` },
      webhooks: [webhook(name)],
    };
    await kubectl.ok(["apply", "-f", "-"], { input: JSON.stringify(configuration) });
  }
  await eventually("both are asked", async () => {
    const { out, error } = await kubectl.run([
      "create",
      "configmap",
      "good",
      "--dry-run=server",
      "-o",
      "jsonpath={.metadata.labels.seen}",
    ]);
    assertEquals([out, error.trim()], ["yes", "Warning: I saw it"]);
  });
  const { error } = await kubectl.run(["create", "configmap", "bad"]);
  assertStringIncludes(error, 'admission webhook "judge.example.com" denied the request: bad is bad');
  for (const kind of ["mutating", "validating"]) {
    await kubectl.ok(["delete", `${kind}webhookconfigurations`, "--all"]);
  }
});

test("a validating policy judges what is run in a pod", async ({ kubectl, namespace }) => {
  const { namespaceSelector } = match(namespace);
  const resourceRules = [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods/exec"], operations: ["CONNECT"] }];
  const name = `${namespace}-exec`;
  const policy = {
    apiVersion: registration,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      matchConstraints: { namespaceSelector, resourceRules },
      validations: [{ expression: "object.command[0] != 'rm' && !has(object.tty)", message: "look, do not touch" }],
    },
  };
  const binding = {
    apiVersion: registration,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  };
  await kubectl.ok("run p --image=i:1");
  await kubectl.ok(["apply", "-f", "-"], { input: JSON.stringify(policy) });
  await kubectl.ok(["apply", "-f", "-"], { input: JSON.stringify(binding) });
  await eventually("the policy is obeyed", async () => {
    assertStringIncludes((await kubectl.run("exec p -- rm -rf /".split(" "))).error, "look, do not touch");
  });
  const { error } = await kubectl.run("exec p -- ls /".split(" "));
  assertStringIncludes(error, "pod p does not have a host assigned");
});
