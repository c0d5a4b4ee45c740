/** What the audit log says of requests, from the network and from within, at each level. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { auditedRequests } from "../../../http/audit/audited_requests.ts";
import { Auditor } from "../../../http/audit/auditor.ts";
import type { ServerEnvironment } from "../../../http/server/environment.ts";
import { parsePolicy } from "../../../machines/audit/policy.ts";
import { resources } from "../../../ports/api_client.ts";
import { world } from "../admission/world.ts";

type Event = Record<string, unknown> & {
  level: string;
  auditID: string;
  stage: string;
  requestURI: string;
  verb: string;
  user: { username?: string };
  impersonatedUser?: unknown;
  sourceIPs?: string[];
  objectRef?: Record<string, string>;
  responseStatus?: { code?: number; reason?: string; status?: string; message?: string };
  requestObject?: { kind?: string; metadata?: object; spec?: Record<string, unknown>; data?: Record<string, string> };
  responseObject?: { kind?: string; metadata?: { uid?: string; managedFields?: unknown } };
  annotations: Record<string, string>;
};

/** Secrets and tokens at level Metadata, pods in full, the rest by request; nothing of other clients than the test's. */
const rules = [
  { level: "None", users: ["system:apiserver"] },
  { level: "Metadata", resources: [{ resources: ["secrets", "serviceaccounts/token"] }] },
  { level: "RequestResponse", resources: [{ resources: ["pods"] }], omitManagedFields: true },
  { level: "None", resources: [{ resources: ["events"] }] },
  { level: "Request" },
];

async function auditedWorld(given: readonly object[] = rules, omitStages: string[] = ["RequestReceived"]) {
  const events: Event[] = [];
  let ids = 0;
  let auditor: Auditor | undefined;
  const made = await world("ns", (clock) =>
    auditor = new Auditor({
      policy: parsePolicy({ apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages, rules: given }),
      sinks: [{ write: (line) => void events.push(JSON.parse(line)) }],
      clock,
      random: { uuid: () => `id-${ids++}` },
    }));
  events.length = 0;
  const fetch = auditedRequests(auditor!, (request, environment) => made.app.fetch(request, environment));
  const ask = async (
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ) => {
    const all: Record<string, string> = {
      authorization: "Bearer root",
      "content-type": "application/json",
      "user-agent": "test/1",
      ...headers,
    };
    const closed: (() => void)[] = [];
    const environment = {
      headers: all,
      credentials: { authorization: all["authorization"], clientCertificate: undefined, headers: new Headers(all) },
      remoteAddress: "192.0.2.7",
      httpVersion: "2.0",
      raw: {
        begin: () => {},
        write: () => true,
        onClose: (callback: () => void) => void closed.push(callback),
        onDrain: () => {},
        onDraining: () => {},
        end: () => {},
        unsentBytes: 0,
        closed: false,
      },
    } as unknown as ServerEnvironment;
    const response = await fetch(
      new Request(`https://localhost${path}`, {
        method,
        headers: all,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
      environment,
    );
    return { response, close: () => closed.forEach((callback) => callback()) };
  };
  return { ...made, events, ask, auditor: auditor! };
}

const pod = { metadata: { name: "web" }, spec: { containers: [{ name: "c", image: "i" }] } };

Deno.test("the audit log tells a request with its objects, without managed fields where they are not wanted", async () => {
  const { events, ask, stop } = await auditedWorld();
  const { response } = await ask("POST", "/api/v1/namespaces/ns/pods?dryRun=", {
    body: pod,
    headers: { "audit-id": "mine", "x-forwarded-for": "198.51.100.1, 192.0.2.7" },
  });
  assertEquals([response.status, response.headers.get("audit-id")], [201, "mine"]);
  const [event] = events;
  assertEquals(events.length, 1);
  const { requestObject, responseObject, annotations, requestReceivedTimestamp, stageTimestamp, user, ...rest } =
    event!;
  assertEquals(rest as unknown, {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: "mine",
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/ns/pods?dryRun=",
    verb: "create",
    sourceIPs: ["198.51.100.1", "192.0.2.7"],
    userAgent: "test/1",
    objectRef: { resource: "pods", namespace: "ns", name: "web", apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 201 },
  });
  assertEquals(user, { username: "admin", uid: "admin", groups: ["system:masters", "system:authenticated"] } as object);
  assertMatch(`${requestReceivedTimestamp} ${stageTimestamp}`, /^\S+\.\d{6}Z \S+\.\d{6}Z$/);
  assertEquals([requestObject!.kind, requestObject!.spec!["restartPolicy"]], ["Pod", "Always"]);
  assert(responseObject!.metadata!.uid !== undefined);
  assertEquals(responseObject!.metadata!.managedFields, undefined);
  assertEquals(annotations, {
    "authorization.k8s.io/decision": "allow",
    "authorization.k8s.io/reason": "",
    "pod-security.kubernetes.io/enforce-policy": "privileged:latest",
  });
  stop();
});

Deno.test("the audit log never holds what is in a secret or a token at level Metadata, read, written, listed or watched", async () => {
  const { events, ask, stop } = await auditedWorld(rules, []);
  const secrets = "/api/v1/namespaces/ns/secrets";
  const metadata = { name: "s" };
  await ask("POST", secrets, { body: { metadata, stringData: { password: "hunter2" }, data: { b: btoa("hunter3") } } });
  await ask("PUT", `${secrets}/s`, { body: { metadata, stringData: { password: "hunter4" } } });
  const merge = { "content-type": "application/merge-patch+json" };
  await ask("PATCH", `${secrets}/s`, { body: { stringData: { password: "hunter5" } }, headers: merge });
  await ask("POST", secrets, { body: { metadata: { name: "" }, stringData: { password: "hunter6" } } });
  await ask("GET", `${secrets}/s`);
  await ask("GET", secrets);
  (await ask("GET", `${secrets}?watch=1`)).close();
  await ask("DELETE", `${secrets}/s`);
  const { response } = await ask("POST", "/api/v1/namespaces/ns/serviceaccounts/default/token", { body: { spec: {} } });
  const { status: { token } } = await response.json();
  const text = JSON.stringify(events);
  assertEquals(/hunter|aHVudGVy/.test(text), false);
  assertEquals([text.includes(token), text.includes("requestObject"), text.includes("responseObject")], [
    false,
    false,
    false,
  ]);
  assertEquals(new Set(events.map(({ level }) => level)), new Set(["Metadata"]));
  stop();
});

Deno.test("the audit log tells what is refused: by authorization, by validation, by nobody being known", async () => {
  const { events, ask, client, stop } = await auditedWorld();
  await ask("GET", "/api/v1/namespaces/ns/configmaps", { headers: { "impersonate-user": "bob" } });
  await ask("POST", "/api/v1/namespaces/ns/configmaps", { body: { metadata: { name: "Bad Name" } } });
  const { response } = await ask("GET", "/api/v1/nodes", { headers: { authorization: "Bearer wrong" } });
  await ask("GET", "/nowhere", { headers: { authorization: "" } });
  assertEquals(response.status, 401);
  const [forbidden, invalid, unknown, closed] = events;
  assertEquals(forbidden!.impersonatedUser as unknown, { username: "bob", groups: ["system:authenticated"] });
  assertEquals(forbidden!.annotations["authorization.k8s.io/decision"], "forbid");
  assertEquals([forbidden!.user.username, forbidden!.responseStatus!.reason], ["admin", "Forbidden"]);
  assertEquals([invalid!.responseStatus!.code, invalid!.responseStatus!.reason], [422, "Invalid"]);
  assertEquals(invalid!.objectRef!["name"], "Bad Name");
  assertEquals([unknown!.stage, unknown!.user], ["ResponseStarted", {}] as unknown[]);
  assertEquals(unknown!.responseStatus!.message, "Authentication failed, attempted: bearer");
  assertEquals([closed!.user.username, closed!.responseStatus!.code, closed!.verb], ["system:anonymous", 403, "get"]);
  assertEquals(closed!.objectRef, undefined);
  void client;
  stop();
});

Deno.test("the audit log tells of a watch when it begins and when it is over", async () => {
  const { events, ask, stop } = await auditedWorld();
  const { close } = await ask("GET", "/api/v1/namespaces/ns/configmaps?watch=1");
  assertEquals(events.map(({ stage, verb }) => `${verb} ${stage}`), ["watch ResponseStarted"]);
  close();
  assertEquals(events.map(({ stage, auditID }) => `${stage} ${auditID}`), [
    `ResponseStarted ${events[0]!.auditID}`,
    `ResponseComplete ${events[0]!.auditID}`,
  ]);
  stop();
});

Deno.test("the audit log tells the patch that was sent and the options of a deletion", async () => {
  const { events, ask, stop } = await auditedWorld();
  const path = "/api/v1/namespaces/ns/configmaps";
  await ask("POST", path, { body: { metadata: { name: "c" }, data: { a: "1" } } });
  const headers = { "content-type": "application/merge-patch+json" };
  await ask("PATCH", `${path}/c`, { body: { data: { a: "2" } }, headers });
  const options = { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" };
  await ask("DELETE", `${path}/c`, { body: options });
  assertEquals(events.map(({ requestObject }) => requestObject?.data ?? requestObject) as unknown, [
    { a: "1" },
    { a: "2" },
    options,
  ]);
  assertEquals(events.map(({ responseObject }) => responseObject), [undefined, undefined, undefined]);
  stop();
});

Deno.test("the audit log tells of components of this process as of everybody else", async () => {
  const { events, client, stop } = await auditedWorld([{ level: "Metadata" }]);
  await client.get(resources.namespaces, undefined, "ns");
  await client.delete(resources.pods, "ns", "none").catch(() => {});
  assertEquals(
    events.map((event) => [event.verb, event.requestURI, event.user.username, event.responseStatus?.code]),
    [
      ["get", "/api/v1/namespaces/ns", "system:apiserver", 200],
      ["delete", "/api/v1/namespaces/ns/pods/none", "system:apiserver", 404],
    ],
  );
  assertEquals(events[0]!.sourceIPs, undefined);
  stop();
});

Deno.test("Auditor counts events and levels under kube-apiserver's names", async () => {
  const { ask, auditor, stop } = await auditedWorld();
  await ask("GET", "/api/v1/namespaces/ns/events");
  await ask("GET", "/api/v1/namespaces/ns/pods");
  const lines = auditor.metrics();
  assert(lines.some((line) => /^apiserver_audit_event_total \d+$/.test(line)));
  assert(lines.some((line) => /^apiserver_audit_level_total\{level="None"\} \d+$/.test(line)));
  stop();
});
