/** Bad input gets Kubernetes' code, reason and a message that names the field, and changes nothing. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ApiHttp, apiHttp } from "../support/api_http.ts";
import { type Client, manifest } from "../support/kubectl.ts";
import { kubectlSuite } from "../support/kubectl_suite.ts";

const test = kubectlSuite("bad");

const pod = (more: Record<string, unknown> = {}, spec: Record<string, unknown> = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", ...more },
  spec: { containers: [{ name: "c", image: "i:1" }], ...spec },
});
const configMap = (more: Record<string, unknown> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "there" },
  ...more,
});
const json = (value: unknown) => JSON.stringify(value);
const strict = "?fieldValidation=Strict";

interface Row {
  readonly name: string;
  readonly method?: string;
  /** Below the test's namespace in the core group, unless it begins with a slash. */
  readonly path: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly type?: string;
  readonly code: number;
  readonly reason: string | undefined;
  readonly message: RegExp;
  /** Of the details' causes. */
  readonly fields?: readonly string[];
}

const rows: readonly Row[] = [
  {
    name: "malformed JSON",
    path: "pods",
    body: '{"apiVersion": "v1", "kind": "Pod",',
    code: 400,
    reason: "BadRequest",
    message: /couldn't get version\/kind; json parse error|unexpected end of JSON input|error decoding/,
  },
  {
    name: "malformed YAML",
    path: "pods",
    body: "kind: Pod\n  bad: [",
    type: "application/yaml",
    code: 400,
    reason: "BadRequest",
    message: /yaml/,
  },
  { name: "an empty body", path: "pods", body: "", code: 400, reason: "BadRequest", message: /./ },
  {
    name: "another kind than the path's",
    path: "pods",
    body: json(configMap()),
    code: 400,
    reason: "BadRequest",
    message: /ConfigMap in version "v1" cannot be handled as a Pod/,
  },
  {
    name: "an unknown kind",
    path: "pods",
    body: json({ apiVersion: "v1", kind: "Nonsense", metadata: { name: "x" } }),
    code: 400,
    reason: "BadRequest",
    message: /no kind "Nonsense" is registered for version "v1"/,
  },
  {
    name: "a text where a number belongs",
    path: "pods",
    body: json(pod({}, { priority: "high" })),
    code: 400,
    reason: "BadRequest",
    message:
      /Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec\.spec\.priority of type int32/,
  },
  {
    name: "an object where a list belongs",
    path: "pods",
    body: json({ ...pod(), spec: { containers: {} } }),
    code: 400,
    reason: "BadRequest",
    message: /cannot unmarshal object into Go struct field PodSpec\.spec\.containers of type \[\]v1\.Container/,
  },
  {
    name: "an unknown field under strict validation",
    path: `pods${strict}`,
    body: json(pod({}, { colour: "red" })),
    code: 400,
    reason: "BadRequest",
    message: /Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec\.colour"/,
  },
  {
    name: "a field twice under strict validation",
    path: `configmaps${strict}`,
    body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{},"data":{}}',
    code: 400,
    reason: "BadRequest",
    message: /duplicate field "data"/,
  },
  {
    name: "an invalid name",
    path: "configmaps",
    body: json(configMap({ metadata: { name: "Not_Valid" } })),
    code: 422,
    reason: "Invalid",
    message:
      /ConfigMap "Not_Valid" is invalid: metadata\.name: Invalid value: "Not_Valid": a lowercase RFC 1123 subdomain must consist of/,
    fields: ["metadata.name"],
  },
  {
    name: "no name",
    path: "configmaps",
    body: json(configMap({ metadata: {} })),
    code: 422,
    reason: "Invalid",
    message: /metadata\.name: Required value: name or generateName is required/,
    fields: ["metadata.name"],
  },
  {
    name: "an invalid label",
    path: "configmaps",
    body: json(configMap({ metadata: { name: "x", labels: { a: "no spaces here" } } })),
    code: 422,
    reason: "Invalid",
    message: /metadata\.labels: Invalid value: "no spaces here"/,
    fields: ["metadata.labels"],
  },
  {
    name: "a required field left out",
    path: "pods",
    body: json({ ...pod(), spec: {} }),
    code: 422,
    reason: "Invalid",
    message: /spec\.containers: Required value/,
    fields: ["spec.containers"],
  },
  {
    name: "a value that is none of those allowed",
    path: "pods",
    body: json(pod({}, { restartPolicy: "Sometimes" })),
    code: 422,
    reason: "Invalid",
    message: /spec\.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"/,
    fields: ["spec.restartPolicy"],
  },
  {
    name: "a port out of range",
    path: "services",
    body: json({ apiVersion: "v1", kind: "Service", metadata: { name: "s" }, spec: { ports: [{ port: 70_000 }] } }),
    code: 422,
    reason: "Invalid",
    message: /spec\.ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535, inclusive/,
    fields: ["spec.ports[0].port", "spec.ports[0].targetPort"],
  },
  {
    name: "a quantity that is none",
    path: "pods",
    body: json(pod({}, { containers: [{ name: "c", image: "i", resources: { limits: { cpu: "much" } } }] })),
    code: 400,
    reason: "BadRequest",
    message: /quantities must match the regular expression/,
  },
  {
    name: "several faults at once",
    path: "pods",
    body: json(pod({}, { containers: [{ name: "C!" }, { name: "d", image: "i", imagePullPolicy: "Maybe" }] })),
    code: 422,
    reason: "Invalid",
    message: /spec\.containers\[0\]\.name.*spec\.containers\[1\]\.imagePullPolicy/,
    fields: ["spec.containers[0].name", "spec.containers[0].image", "spec.containers[1].imagePullPolicy"],
  },
  {
    name: "a selector that does not match its template",
    path: "/apis/apps/v1/namespaces/NS/deployments",
    body: json({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d" },
      spec: {
        selector: { matchLabels: { a: "b" } },
        template: { metadata: { labels: { a: "c" } }, spec: { containers: [{ name: "c", image: "i" }] } },
      },
    }),
    code: 422,
    reason: "Invalid",
    message: /spec\.template\.metadata\.labels: Invalid value: .*`selector` does not match template `labels`/,
    fields: ["spec.template.metadata.labels"],
  },
  {
    name: "a namespace that is another than the path's",
    path: "configmaps",
    body: json(configMap({ metadata: { name: "x", namespace: "other" } })),
    code: 400,
    reason: "BadRequest",
    message: /the namespace of the provided object does not match the namespace sent on the request/,
  },
  {
    name: "a name that is taken",
    path: "configmaps",
    body: json(configMap()),
    code: 409,
    reason: "AlreadyExists",
    message: /configmaps "there" already exists/,
  },
  {
    name: "a stale resourceVersion",
    method: "PUT",
    path: "configmaps/there",
    body: json(configMap({ metadata: { name: "there", resourceVersion: "1" }, data: { a: "9" } })),
    code: 409,
    reason: "Conflict",
    message: /Operation cannot be fulfilled on configmaps "there": the object has been modified/,
  },
  {
    name: "another name than the path's",
    method: "PUT",
    path: "configmaps/there",
    body: json(configMap({ metadata: { name: "elsewhere" } })),
    code: 400,
    reason: "BadRequest",
    message: /the name of the object \(elsewhere\) does not match the name on the URL \(there\)/,
  },
  {
    name: "an object that is not there",
    method: "PUT",
    path: "pods/absent",
    body: json(pod({ name: "absent", resourceVersion: "1" })),
    code: 404,
    reason: "NotFound",
    message: /pods "absent" not found/,
  },
  {
    name: "a change of immutable data",
    method: "PATCH",
    path: "configmaps/fixed",
    type: "application/merge-patch+json",
    body: json({ data: { a: "9" } }),
    code: 422,
    reason: "Invalid",
    message: /data: Forbidden: field is immutable when `immutable` is set/,
    fields: ["data"],
  },
  {
    name: "a change of a selector",
    method: "PATCH",
    path: "/apis/apps/v1/namespaces/NS/deployments/web",
    type: "application/merge-patch+json",
    body: json({ spec: { selector: { matchLabels: { app: "other" } } } }),
    code: 422,
    reason: "Invalid",
    message: /spec\.selector: Invalid value: .*: field is immutable/,
  },
  {
    name: "a change of a service's address",
    method: "PATCH",
    path: "services/svc",
    type: "application/merge-patch+json",
    body: json({ spec: { clusterIP: "10.0.0.1" } }),
    code: 422,
    reason: "Invalid",
    message: /spec\.clusterIPs\[0\]: Invalid value: .*may not change once set/,
    fields: ["spec.clusterIPs[0]"],
  },
  {
    name: "a change of a uid",
    method: "PATCH",
    path: "configmaps/there",
    type: "application/merge-patch+json",
    body: json({ metadata: { uid: "00000000-0000-0000-0000-000000000000" } }),
    code: 409,
    reason: "Conflict",
    message: /Precondition failed: UID in precondition/,
  },
  {
    name: "a patch that is none",
    method: "PATCH",
    path: "configmaps/there",
    type: "application/json-patch+json",
    body: '{"not":"a list"}',
    code: 400,
    reason: "BadRequest",
    message: /json|patch/i,
  },
  {
    name: "a patch of an unknown sort",
    method: "PATCH",
    path: "configmaps/there",
    type: "text/plain",
    body: "x",
    code: 415,
    reason: "UnsupportedMediaType",
    message: /Unsupported Media Type/,
  },
  {
    name: "a body in a language nobody speaks",
    path: "configmaps",
    type: "text/html",
    body: "<p>",
    code: 415,
    reason: "UnsupportedMediaType",
    message: /the body of the request was in an unknown format - accepted media types include/,
  },
  {
    name: "an unknown resource",
    method: "GET",
    path: "nonsenses",
    code: 404,
    reason: "NotFound",
    message: /the server could not find the requested resource/,
  },
  {
    name: "an unknown group",
    method: "GET",
    path: "/apis/example.org/v1/things",
    code: 404,
    reason: "NotFound",
    message: /./,
  },
  {
    name: "a name that is not there",
    method: "DELETE",
    path: "pods/absent",
    code: 404,
    reason: "NotFound",
    message: /pods "absent" not found/,
  },
  {
    name: "a method that is not allowed",
    method: "PUT",
    path: "configmaps",
    body: json(configMap()),
    code: 405,
    reason: "MethodNotAllowed",
    message: /the server does not allow this method on the requested resource/,
  },
  {
    name: "a label selector that is none",
    method: "GET",
    path: "pods?labelSelector=a%3D%3D%3D",
    code: 400,
    reason: "BadRequest",
    message: /unable to parse requirement|found/,
  },
  {
    name: "a limit that is no number",
    method: "GET",
    path: "pods?limit=many",
    code: 400,
    reason: "BadRequest",
    message: /many/,
  },
  {
    name: "a continue token that is none",
    method: "GET",
    path: "pods?continue=xyz",
    code: 400,
    reason: "BadRequest",
    message: /continue key is not valid/,
  },
  {
    name: "a watch from a revision that cannot be",
    method: "GET",
    path: "pods?watch=1&resourceVersion=abc",
    code: 500,
    reason: undefined,
    message: /resourceVersion|abc/,
  },
  {
    name: "a propagation policy that is none",
    method: "DELETE",
    path: "configmaps/there?propagationPolicy=Slowly",
    code: 422,
    reason: "Invalid",
    message: /propagationPolicy: Unsupported value: "Slowly"/,
  },
  {
    name: "a precondition that does not hold",
    method: "DELETE",
    path: "configmaps/there",
    body: json({ kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid: "another" } }),
    code: 409,
    reason: "Conflict",
    message: /the UID in the precondition \(another\) does not match the UID in record/,
  },
];

/** Everything in the namespace, to show that nothing changed. */
async function everything(kubectl: Client): Promise<unknown> {
  // Without the deployment: its controller is still at work on it.
  return await kubectl.json("get configmaps,services,pods,secrets");
}

/** What rows speak of. */
async function prepare(kubectl: Client): Promise<void> {
  await kubectl.ok("wait --for=create configmap/kube-root-ca.crt serviceaccount/default --timeout=20s");
  await kubectl.ok("create configmap there --from-literal=a=1");
  await kubectl.ok("create service clusterip svc --tcp=80");
  await kubectl.ok("create deployment web --image=i:1 --replicas=0");
  await kubectl.ok("create -f -", {
    input: manifest(configMap({ metadata: { name: "fixed" }, data: { a: "1" }, immutable: true })),
  });
}

async function answered(api: ApiHttp, namespace: string, row: Row): Promise<void> {
  const { path, body, type = "application/json", code, reason, message, fields } = row;
  const url = path.startsWith("/") ? path.replace("NS", namespace) : `/api/v1/namespaces/${namespace}/${path}`;
  const method = row.method ?? "POST";
  const answer = await api.request(method, url, body, body === undefined ? {} : { "content-type": type });
  // Paths that lead nowhere are answered in plain text, as by Kubernetes.
  if (typeof answer.body === "string") {
    assertEquals([answer.code, answer.body.trim()], [code, "404 page not found"], row.name);
    return;
  }
  const { kind, status, details } = answer.body;
  assertEquals([answer.code, kind, status, answer.body.code, answer.body.reason], [
    code,
    "Status",
    "Failure",
    code,
    reason,
  ], `${row.name}: ${answer.body.message}`);
  assertMatch(answer.body.message, message, row.name);
  if (fields !== undefined) {
    assertEquals(details.causes.map(({ field }: { field: string }) => field).sort(), [...fields].sort(), row.name);
  }
}

test("bad input is refused as by Kubernetes, and changes nothing", async ({ kubectl, namespace, cluster }) => {
  await prepare(kubectl);
  using api = await apiHttp(cluster.kubeconfig);
  const before = await everything(kubectl);
  const wrong: string[] = [];
  for (const row of rows) {
    await answered(api, namespace, row).catch((error) => wrong.push(`${row.name}: ${error.message}`));
  }
  assertEquals(wrong, []);
  assertEquals(await everything(kubectl), before);
});

test("a body of 10 MB is too large, and an object of 2 MB too", async ({ kubectl, namespace, cluster }) => {
  using api = await apiHttp(cluster.kubeconfig);
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const big = await api.request(
    "POST",
    path,
    json(configMap({ metadata: { name: "big" }, data: { a: "x".repeat(10 << 20) } })),
  );
  assertEquals([big.code, big.body.reason], [413, "RequestEntityTooLarge"]);
  assertMatch(big.body.message, /limit is 3145728/);
  const middling = await api.request(
    "POST",
    path,
    json(configMap({ metadata: { name: "big" }, data: { a: "x".repeat(2 << 20) } })),
  );
  assertEquals([middling.code, middling.body.reason], [422, "Invalid"]);
  assertMatch(middling.body.message, /Too long: may not be more than 1048576 bytes/);
  assertEquals(await kubectl.ok("get cm big --ignore-not-found"), "");
});

test("nobody, a wrong token, and a certificate of another authority get no further", async ({ namespace, cluster }) => {
  using nobody = await apiHttp(cluster.kubeconfig, { credentials: false });
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const anonymous = await nobody.request("GET", path);
  assertEquals([anonymous.code, anonymous.body.reason], [403, "Forbidden"]);
  assertStringIncludes(
    anonymous.body.message,
    'pods is forbidden: User "system:anonymous" cannot list resource "pods"',
  );
  const token = await nobody.request("GET", path, undefined, { authorization: "Bearer wrong" });
  assertEquals([token.code, token.body.reason, token.body.message], [401, "Unauthorized", "Unauthorized"]);
  assertEquals((await nobody.request("GET", "/livez")).code, 200);
  assertEquals((await nobody.request("GET", "/version")).code, 200);
});

test("a user without rights is told which one is missing", async ({ kubectl, namespace }) => {
  const refused: [string, RegExp][] = [
    [
      "get secrets",
      /secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "bad-\d+"/,
    ],
    ["create configmap x", /configmaps is forbidden: User "jane" cannot create resource "configmaps" in API group ""/],
    ["delete pod x", /pods "x" is forbidden: User "jane" cannot delete resource "pods"/],
    ["get nodes", /nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope/],
    ["get --raw /metrics", /forbidden: User "jane" cannot get path "\/metrics"/],
  ];
  for (const [args, says] of refused) assertMatch(await kubectl.fails(`${args} --as jane`), says);
  assertMatch(await kubectl.fails(["create", "role", "r", "--verb=*", "--resource=*", "--as", "jane"]), /is forbidden/);
  assertEquals(
    await kubectl.ok(["get", "cm,role", "-n", namespace, "-o", "name"]).then((names) => names.includes("/x")),
    false,
  );
});

/** `typed`: what server-side apply says instead. */
const refusedByKubectl: { name: string; input: string; says: RegExp; typed?: RegExp }[] = [
  { name: "broken YAML", input: "apiVersion: v1\nkind: [", says: /error parsing|error converting YAML/ },
  {
    name: "an unknown field",
    input: manifest(pod({}, { colour: "red" })),
    says: /strict decoding error: unknown field "spec\.colour"/,
    typed:
      /failed to create typed patch object \(bad-\d+\/p; \/v1, Kind=Pod\): \.spec\.colour: field not declared in schema/,
  },
  {
    name: "a wrong type",
    input: manifest({ ...configMap(), data: { a: 1 } }),
    says: /cannot unmarshal number into Go struct field ConfigMap\.data of type string/,
    typed: /Error from server/,
  },
  {
    name: "an unknown kind",
    input: manifest({ apiVersion: "v1", kind: "Nonsense", metadata: { name: "x" } }),
    says: /no matches for kind "Nonsense" in version "v1"/,
  },
  {
    name: "an invalid name",
    input: manifest(configMap({ metadata: { name: "UP" } })),
    says: /metadata\.name: Invalid value: "UP"/,
  },
];
test("stock kubectl passes on what the API says of bad manifests", async ({ kubectl }) => {
  for (const { name, input, says, typed } of refusedByKubectl) {
    for (const command of ["create -f -", "apply -f -", "apply --server-side -f -"]) {
      const said = await kubectl.fails(command, { input });
      assertMatch(said, command.includes("server-side") ? typed ?? says : says, `${command}: ${name}`);
    }
  }
  assertEquals((await kubectl.ok("get cm,pods -o name")).replace("configmap/kube-root-ca.crt", ""), "");
});
