import { assert, assertEquals } from "@std/assert";
import { admission } from "../../../http/admission/plugins.ts";
import { RbacPolicy } from "../../../http/auth/rbac/policy.ts";
import { mastersAuthorizer } from "../../../http/auth/rbac/rbac_authorizer.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../../../http/machinery/types.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { ResourceRegistry } from "../../../http/machinery/resource_registry.ts";
import { builtInResources } from "../../../http/resources/built_in.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import { MemoryApi, stillClock } from "../auth/memory_api.ts";
import { recorded, scenario } from "../oracle.ts";
import { admissionRequest } from "./requests.ts";

const random = { next: () => 0.5, uuid: () => "u", bytes: (count: number) => new Uint8Array(count) };

async function world(fill: (api: MemoryApi) => void = () => {}, ns = "ns") {
  const api = new MemoryApi();
  api.put("namespaces", { metadata: { name: ns }, status: { phase: "Active" } });
  api.put("serviceaccounts", { metadata: { name: "default", namespace: ns } });
  fill(api);
  const clock = {
    ...stillClock,
    wakeAt: (_: number, callback: () => void) => (queueMicrotask(callback), { cancel() {} }),
  };
  const made = admission({
    client: api,
    registry: new ResourceRegistry(builtInResources),
    schema: loadSchema(),
    clock,
    random,
    authorizer: mastersAuthorizer,
    policy: new RbacPolicy(),
    serviceCidr: "10.0.0.0/16",
  });
  const following = made.follow();
  await following.ready;
  return { api, run: (request: AdmissionRequest) => run([...made.early, ...made.late], request) };
}

async function run(plugins: readonly AdmissionPlugin[], request: AdmissionRequest) {
  try {
    for (const plugin of plugins) await plugin.admit?.(request);
    for (const plugin of plugins) await plugin.validate?.(request);
    return request.object as Record<string, unknown> | undefined;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

const pod = (spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", namespace: "ns" },
  spec: { containers: [{ name: "c", image: "i" }], ...spec },
});
const create = (object: object, text = "create pods in ns") =>
  admissionRequest(text, { object: structuredClone(object) });

Deno.test("a plain pod is filled in as by the recorded server", async () => {
  const recording = recorded<{
    manifest: { spec: object };
    create: { response: { body: { spec: Record<string, unknown>; metadata: { namespace: string } } } };
  }>("kinds/01_v1_Pod.json");
  if (recording === undefined) return;
  const theirs = recording.create.response.body;
  const { run } = await world(() => {}, theirs.metadata.namespace);
  const object = await run(create({ ...recording.manifest }, `create pods in ${theirs.metadata.namespace}`));
  assert(object !== undefined && !(object instanceof ApiError));
  const plain = (spec: unknown) =>
    JSON.parse(JSON.stringify(spec).replace(/kube-api-access-[a-z0-9]{5}/g, "kube-api-access-"));
  const added = ["volumes", "serviceAccountName", "serviceAccount", "tolerations", "priority", "preemptionPolicy"];
  const pick = (spec: Record<string, unknown>) => Object.fromEntries(added.map((field) => [field, plain(spec[field])]));
  const mounts = (spec: Record<string, unknown>) =>
    plain((spec["containers"] as { volumeMounts: unknown }[])[0]!.volumeMounts);
  const ours = object["spec"] as Record<string, unknown>;
  assertEquals([pick(ours), mounts(ours)], [pick(theirs.spec), mounts(theirs.spec)]);
});

Deno.test("pods are refused in the recorded words", async () => {
  const recording = scenario("pod admission: priority, runtime class, security, service account");
  if (recording === undefined) return;
  const { run } = await world(() => {}, recording.namespace);
  const steps = recording.steps.filter(({ method, code }) => method === "POST" && code === 403).slice(0, 4);
  for (const { body, response } of steps) {
    const answer = await run(create(body as object, `create pods in ${recording.namespace}`));
    assert(answer instanceof ApiError, `accepted: ${JSON.stringify(body)}`);
    assertEquals(answer.status, response);
  }
});

const terminating = (api: MemoryApi) =>
  api.put("namespaces", { metadata: { name: "going" }, status: { phase: "Terminating" } });

const refusals: {
  name: string;
  fill?: (api: MemoryApi) => void;
  request: AdmissionRequest;
  code: number;
  message: string;
}[] = [
  {
    name: "a namespace that is not there",
    request: create(pod(), "create pods in nowhere"),
    code: 404,
    message: 'namespaces "nowhere" not found',
  },
  {
    name: "a create in a namespace that is going",
    fill: terminating,
    request: create(pod(), "create pods in going"),
    code: 403,
    message: 'pods "a" is forbidden: unable to create new content in namespace going because it is being terminated',
  },
  {
    name: "the deletion of a lasting namespace",
    request: admissionRequest("delete namespaces kube-system", {}),
    code: 403,
    message: 'namespaces "kube-system" is forbidden: this namespace may not be deleted',
  },
  {
    name: "a second default priority class",
    fill: (api) => void api.put("priorityclasses", { metadata: { name: "one" }, value: 5, globalDefault: true }),
    request: create(
      { metadata: { name: "two" }, value: 7, globalDefault: true },
      "create scheduling.k8s.io:priorityclasses",
    ),
    code: 403,
    message:
      'priorityclasses.scheduling.k8s.io "two" is forbidden: PriorityClass one is already marked as default. Only one default can exist',
  },
  {
    name: "overhead without a runtime class",
    request: create(pod({ overhead: { cpu: "1" } })),
    code: 403,
    message:
      'pods "a" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
  },
  {
    name: "a container above its limit range",
    fill: (api) =>
      void api.put("limitranges", {
        metadata: { name: "l", namespace: "ns" },
        spec: { limits: [{ type: "Container", max: { cpu: "1" } }] },
      }),
    request: create(pod({ containers: [{ name: "c", image: "i", resources: { limits: { cpu: "2" } } }] })),
    code: 403,
    message: 'pods "a" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  },
];
for (const { name, fill, request, code, message } of refusals) {
  Deno.test(`admission refuses ${name}`, async () => {
    const { run } = await world(fill);
    const answer = await run(request);
    assert(answer instanceof ApiError);
    assertEquals([answer.code, answer.message], [code, message]);
  });
}

type Spec = Record<string, unknown>;
const fillings: {
  name: string;
  fill?: (api: MemoryApi) => void;
  request: AdmissionRequest;
  found: (object: Spec) => unknown;
  expected: unknown;
}[] = [
  {
    name: "gives a pod its priority class's number",
    fill: (api) => void api.put("priorityclasses", { metadata: { name: "high" }, value: 9, preemptionPolicy: "Never" }),
    request: create(pod({ priorityClassName: "high" })),
    found: ({ spec }) => [(spec as Spec)["priority"], (spec as Spec)["preemptionPolicy"]],
    expected: [9, "Never"],
  },
  {
    name: "gives a pod the default priority class",
    fill: (api) => void api.put("priorityclasses", { metadata: { name: "d" }, value: 3, globalDefault: true }),
    request: create(pod()),
    found: ({ spec }) => [(spec as Spec)["priority"], (spec as Spec)["priorityClassName"]],
    expected: [3, "d"],
  },
  {
    name: "mounts no token where the pod wants none",
    request: create(pod({ automountServiceAccountToken: false })),
    found: ({ spec }) => [(spec as Spec)["volumes"], (spec as Spec)["serviceAccountName"]],
    expected: [undefined, "default"],
  },
  {
    name: "mounts no token where the account wants none, and adds its pull secrets",
    fill: (api) =>
      void api.put("serviceaccounts", {
        metadata: { name: "default", namespace: "ns" },
        automountServiceAccountToken: false,
        imagePullSecrets: [{ name: "s" }],
      }),
    request: create(pod()),
    found: ({ spec }) => [(spec as Spec)["volumes"], (spec as Spec)["imagePullSecrets"]],
    expected: [undefined, [{ name: "s" }]],
  },
  {
    name: "keeps tolerations that the pod has",
    request: create(pod({ tolerations: [{ operator: "Exists" }] })),
    found: ({ spec }) => (spec as Spec)["tolerations"],
    expected: [{ operator: "Exists" }],
  },
  {
    name: "adds what a runtime class brings",
    fill: (api) =>
      void api.put("runtimeclasses", {
        metadata: { name: "k" },
        handler: "k",
        overhead: { podFixed: { cpu: "1" } },
        scheduling: { nodeSelector: { k: "v" } },
      }),
    request: create(pod({ runtimeClassName: "k", nodeSelector: { a: "b" } })),
    found: ({ spec }) => [(spec as Spec)["overhead"], (spec as Spec)["nodeSelector"]],
    expected: [{ cpu: "1" }, { a: "b", k: "v" }],
  },
  {
    name: "sets the defaults of a limit range and tells so",
    fill: (api) =>
      void api.put("limitranges", {
        metadata: { name: "l", namespace: "ns" },
        spec: { limits: [{ type: "Container", default: { cpu: "2" }, defaultRequest: { cpu: "1", memory: "1Gi" } }] },
      }),
    request: create(pod()),
    found: ({ spec, metadata }) => [
      ((spec as Spec)["containers"] as Spec[])[0]!["resources"],
      (metadata as { annotations: unknown }).annotations,
    ],
    expected: [
      { limits: { cpu: "2" }, requests: { cpu: "1", memory: "1Gi" } },
      {
        "kubernetes.io/limit-ranger":
          "LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c",
      },
    ],
  },
  {
    name: "taints a new node",
    request: create({ metadata: { name: "n" } }, "create nodes"),
    found: ({ spec }) => spec,
    expected: { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] },
  },
  {
    name: "protects a claim and gives it the default class",
    fill: (api) => {
      const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
      api.put("storageclasses", { metadata: { name: "old", annotations, creationTimestamp: "2026-01-01T00:00:00Z" } });
      api.put("storageclasses", { metadata: { name: "new", annotations, creationTimestamp: "2026-02-01T00:00:00Z" } });
    },
    request: create({ metadata: { name: "c" }, spec: {} }, "create persistentvolumeclaims in ns"),
    found: ({ spec, metadata }) => [spec, (metadata as Spec)["finalizers"]],
    expected: [{ storageClassName: "new" }, ["kubernetes.io/pvc-protection"]],
  },
  {
    name: "lets an update of a pod keep its priority",
    request: admissionRequest("update pods a in ns", {
      object: pod(),
      old: pod({ priority: 4, preemptionPolicy: "Never" }),
    }),
    found: ({ spec }) => [(spec as Spec)["priority"], (spec as Spec)["preemptionPolicy"]],
    expected: [4, "Never"],
  },
];
for (const { name, fill, request, found, expected } of fillings) {
  Deno.test(`admission ${name}`, async () => {
    const { run } = await world(fill);
    const object = await run(request);
    if (object instanceof ApiError) throw object;
    assertEquals(found(object!), expected);
  });
}

Deno.test("a pod waits a moment for the account of a namespace made just now", async () => {
  const { api, run } = await world();
  api.put("namespaces", { metadata: { name: "fresh" }, status: { phase: "Active" } });
  const running = run(create({ ...pod(), metadata: { name: "a", namespace: "fresh" } }, "create pods in fresh"));
  queueMicrotask(() => api.put("serviceaccounts", { metadata: { name: "default", namespace: "fresh" } }));
  assert(!(await running instanceof ApiError));
});
