import { assertEquals } from "@std/assert";
import type { Clock } from "../../../ports/clock.ts";
import { stillClock } from "../auth/memory_api.ts";
import { type Answer, harness, type Write } from "./harness.ts";
import { type Handler, patch, review, type WebhookServer, webhookServer } from "./webhook_server.ts";

const rules = [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["*"] }];
const create: Write = { text: "create configmaps in ns", object: { metadata: { name: "m" }, data: { a: "1" } } };
const add = (name: string, value: string) => ({ op: "add", path: `/data/${name}`, value });
const countIn = (name: string): Handler => (asked) =>
  review(patch(add(name, String(Object.keys(asked.request.object.data).length))))(asked);

let strike = () => {};
const handlers: Record<string, Handler> = {
  "/allow": review({ allowed: true, warnings: ["mind this"], auditAnnotations: { k: "v" } }),
  "/deny": review({
    allowed: false,
    status: { code: 409, reason: "Conflict", message: "not you", details: { name: "x" } },
  }),
  "/mute": review({ allowed: false }),
  "/reason": review({ allowed: false, status: { reason: "Tired" } }),
  "/patch": review(patch(add("b", "2"))),
  "/count": countIn("count"),
  "/again": countIn("again"),
  "/last": countIn("last"),
  "/unchanging": review(patch({ op: "test", path: "/data/a", value: "1" })),
  "/misfit": review(patch({ op: "remove", path: "/data/z" })),
  "/untyped": review({ allowed: true, patch: btoa("[]") }),
  "/stranger": ({ apiVersion, kind }) => ({ apiVersion, kind, response: { uid: "other", allowed: true } }),
  "/empty": ({ apiVersion, kind }) => ({ apiVersion, kind }),
  "/broken": () => 500,
  "/slow": () => {
    strike();
    return new Promise<never>(() => {});
  },
};

interface Hook {
  readonly path: string;
  readonly [field: string]: unknown;
}

interface Row {
  readonly name: string;
  readonly mutating?: readonly Hook[];
  readonly validating?: readonly Hook[];
  readonly write?: Partial<Write>;
  readonly says?: string;
  readonly code?: number;
  readonly data?: object;
  readonly warnings?: readonly string[];
  readonly asked?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const failed = (why: string) => `Internal error occurred: failed calling webhook "h0.x.y": ${why}`;
const invalid = (why: string) => failed(`received invalid webhook response: ${why}`);
const refusedAt = "127.0.0.1:1";

const rows: readonly Row[] = [
  {
    name: "lets in, warns and annotates",
    validating: [{ path: "/allow" }],
    warnings: ["mind this"],
    annotations: { "h0.x.y/k": "v" },
    asked: ["/allow?timeout=10s"],
  },
  {
    name: "refuses with its own status",
    validating: [{ path: "/deny" }],
    code: 409,
    says: 'admission webhook "h0.x.y" denied the request: not you',
  },
  {
    name: "refuses without a word",
    validating: [{ path: "/mute" }],
    code: 400,
    says: 'admission webhook "h0.x.y" denied the request without explanation',
  },
  {
    name: "refuses with a reason alone",
    validating: [{ path: "/reason" }],
    says: 'admission webhook "h0.x.y" denied the request: Tired',
  },
  { name: "changes the object", mutating: [{ path: "/patch" }], data: { a: "1", b: "2" } },
  {
    name: "shows the next what one changed",
    mutating: [{ path: "/patch" }, { path: "/count" }],
    data: { a: "1", b: "2", count: "2" },
  },
  {
    name: "looks again at later changes where it wants to, once",
    mutating: [{ path: "/count" }, { path: "/again", reinvocationPolicy: "IfNeeded" }, { path: "/last" }],
    data: { a: "1", count: "1", again: "4", last: "3" },
    asked: ["/count?timeout=10s", "/again?timeout=10s", "/last?timeout=10s", "/again?timeout=10s"],
  },
  {
    name: "may change nothing",
    mutating: [{ path: "/unchanging" }],
    data: { a: "1" },
    asked: ["/unchanging?timeout=10s"],
  },
  {
    name: "cannot patch what is not there",
    mutating: [{ path: "/misfit" }],
    code: 500,
    says: "Internal error occurred: /data/z: unable to remove nonexistent key",
  },
  {
    name: "cannot change what is deleted",
    mutating: [{ path: "/patch" }],
    write: { text: "delete configmaps m in ns", old: create.object!, object: undefined! },
    says:
      'Internal error occurred: admission webhook "h0.x.y" attempted to modify the object, which is not supported for ' +
      "this operation",
  },
  {
    name: "has to say what its patch is",
    mutating: [{ path: "/untyped" }],
    says: invalid("webhook returned response.patch but not response.patchType"),
  },
  {
    name: "that only validates may not patch",
    validating: [{ path: "/patch" }],
    says: invalid("validating webhook may not return response.patch"),
  },
  {
    name: "has to answer what was asked",
    validating: [{ path: "/stranger" }],
    says: invalid('expected response.uid="u", got "other"'),
  },
  { name: "has to answer at all", validating: [{ path: "/empty" }], says: invalid("webhook response was absent") },
  {
    name: "that breaks refuses",
    validating: [{ path: "/broken" }],
    code: 500,
    says: failed(
      'failed to call webhook: an error on the server ("out of order") has prevented the request from succeeding',
    ),
  },
  {
    name: "that breaks is passed over where it is told so",
    validating: [{ path: "/broken", failurePolicy: "Ignore" }],
    annotations: { "failed-open.validating.webhook.admission.k8s.io/round_0_index_0": "h0.x.y" },
  },
  {
    name: "that is silent refuses when its time is up",
    validating: [{ path: "/slow", timeoutSeconds: 1 }],
    says: failed('failed to call webhook: Post "https://HOST/slow?timeout=1s": context deadline exceeded'),
  },
  {
    name: "that does not listen refuses",
    validating: [{ path: "/x", url: `https://${refusedAt}/x` }],
    says: failed(
      `failed to call webhook: Post "https://${refusedAt}/x?timeout=10s": dial tcp ${refusedAt}: connect: connection refused`,
    ),
  },
  {
    name: "that nobody vouches for refuses",
    validating: [{ path: "/allow", caBundle: undefined }],
    says: failed(
      'failed to call webhook: Post "https://HOST/allow?timeout=10s": tls: failed to verify certificate: x509: ' +
        "certificate signed by unknown authority",
    ),
  },
  {
    name: "is reached through its service, under the service's name",
    validating: [{ path: "/allow", service: true }],
    warnings: ["mind this"],
    asked: ["hook.ns.svc:443/allow?timeout=10s"],
    annotations: { "h0.x.y/k": "v" },
  },
  {
    name: "whose service is not there refuses",
    validating: [{ path: "/allow", service: "gone" }],
    says: failed('failed to call webhook: Post "https://gone.ns.svc:443/allow?timeout=10s": service "gone" not found'),
  },
  {
    name: "whose service has nobody refuses",
    validating: [{ path: "/allow", service: "idle" }],
    says: failed(
      'failed to call webhook: Post "https://idle.ns.svc:443/allow?timeout=10s": no endpoints available for service "idle"',
    ),
  },
  {
    name: "is not asked where its conditions do not hold",
    validating: [{ path: "/deny", matchConditions: [{ name: "c", expression: "object.data.a == '2'" }] }],
    asked: [],
  },
  {
    name: "whose condition fails refuses",
    validating: [{ path: "/allow", matchConditions: [{ name: "c", expression: "object.data.z == '2'" }] }],
    code: 403,
    says: "configmaps \"m\" is forbidden: expression 'object.data.z == '2'' resulted in error: no such key: z",
  },
  {
    name: "whose condition fails is passed over where it is told so",
    validating: [{
      path: "/deny",
      failurePolicy: "Ignore",
      matchConditions: [{ name: "c", expression: "object.data.z == '2'" }],
    }],
    asked: [],
  },
  {
    name: "is not asked in other namespaces",
    validating: [{ path: "/deny", namespaceSelector: { matchLabels: { team: "z" } } }],
    asked: [],
  },
  {
    name: "is not asked about itself",
    validating: [{
      path: "/deny",
      rules: [{ apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], operations: ["*"] }],
    }],
    write: {
      text: "create admissionregistration.k8s.io:validatingwebhookconfigurations",
      object: { metadata: { name: "z" } },
    },
    asked: [],
  },
  {
    name: "with side effects is not asked in a dry run",
    validating: [{ path: "/allow", sideEffects: "Some" }],
    write: { dryRun: true },
    code: 400,
    says: 'admission webhook "h0.x.y" does not support dry run',
  },
];

for (const row of rows) {
  Deno.test(`a webhook ${row.name}`, async () => {
    await using server = await webhookServer(handlers);
    const answer = await runIn(server, row);
    const host = `127.0.0.1:${server.port}`;
    assertEquals({
      says: answer.error?.message.replaceAll(host, "HOST"),
      code: row.code === undefined ? undefined : answer.error?.code,
      data: row.data === undefined ? undefined : answer.object.data,
      warnings: answer.warnings,
      asked: row.asked === undefined
        ? undefined
        : server.asked.map(({ path, host: named }) => named === host ? path : `${named}${path}`),
      annotations: row.annotations === undefined ? undefined : answer.annotations,
    }, {
      says: row.says,
      code: row.code,
      data: row.data,
      warnings: row.warnings ?? [],
      asked: row.asked,
      annotations: row.annotations,
    });
  });
}

Deno.test("a webhook is shown the whole request, in the version it speaks", async () => {
  await using server = await webhookServer(handlers);
  const hooks = [{ path: "/allow", admissionReviewVersions: ["v9", "v1beta1"] }];
  await runIn(server, {
    name: "",
    validating: hooks,
    write: { text: "update configmaps m in ns", old: create.object! },
  });
  const object = { apiVersion: "v1", kind: "ConfigMap", ...create.object };
  const kind = { group: "", version: "v1", kind: "ConfigMap" };
  const resource = { group: "", version: "v1", resource: "configmaps" };
  assertEquals(server.asked[0]?.body, {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1beta1",
    request: {
      uid: "u",
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: "m",
      namespace: "ns",
      operation: "UPDATE",
      userInfo: { username: "bob" },
      dryRun: false,
      object,
      oldObject: object,
      options: { kind: "UpdateOptions", apiVersion: "meta.k8s.io/v1", fieldManager: "test" },
    },
  });
});

/** Time stands still, but for a strike: then all that waits is over. */
function struckClock(): Clock {
  const waiting = new Set<() => void>();
  strike = () => waiting.forEach((callback) => callback());
  return {
    ...stillClock,
    wakeAt(_, callback) {
      waiting.add(callback);
      return { cancel: () => void waiting.delete(callback) };
    },
  };
}

async function runIn(server: WebhookServer, row: Row): Promise<Answer> {
  const webhook = ({ path, service, url, ...hook }: Hook, index: number) => {
    const name = service === true ? "hook" : service;
    const at = service === undefined
      ? { url: url ?? `https://127.0.0.1:${server.port}${path}` }
      : { service: { namespace: "ns", name, path, port: 443 } };
    const caBundle = "caBundle" in hook ? {} : { caBundle: server.caBundle };
    return {
      name: `h${index}.x.y`,
      clientConfig: { ...at, ...caBundle },
      rules,
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      ...hook,
    };
  };
  const world = await harness((api) => {
    api.put("mutatingwebhookconfigurations", { metadata: { name: "c" }, webhooks: (row.mutating ?? []).map(webhook) });
    api.put("validatingwebhookconfigurations", {
      metadata: { name: "c" },
      webhooks: (row.validating ?? []).map(webhook),
    });
    for (const [name, port] of [["hook", "https"], ["idle", "other"]]) {
      api.put("services", { metadata: { name, namespace: "ns" }, spec: { ports: [{ name: port, port: 443 }] } });
    }
    api.put("endpointslices", {
      metadata: { name: "hook-1", namespace: "ns", labels: { "kubernetes.io/service-name": "hook" } },
      ports: [{ name: "https", port: server.port }],
      endpoints: [
        { addresses: ["192.0.2.1"], conditions: { ready: false } },
        { addresses: ["127.0.0.1"], conditions: { ready: true } },
      ],
    });
  }, { clock: struckClock() });
  const answer = await world.run({ ...create, ...row.write });
  world.stop();
  return answer;
}
