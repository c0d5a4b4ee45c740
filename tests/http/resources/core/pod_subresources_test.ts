import { assertEquals, assertRejects } from "@std/assert";
import type { SubresourceRequest } from "../../../../http/machinery/types.ts";
import { pods } from "../../../../http/resources/core/pod.ts";
import { ApiError } from "../../../../machines/objects/status.ts";
import type { KubeObject } from "../../../../machines/objects/object.ts";
import type { ApiClient } from "../../../../ports/api_client.ts";

const metadata = {
  name: "p",
  namespace: "n",
  uid: "u",
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  labels: { app: "a" },
};

function pod(spec: Record<string, unknown> = {}, status: Record<string, unknown> = { phase: "Running" }): KubeObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata }, spec, status };
}

interface World {
  readonly pod: KubeObject;
  readonly budgets?: readonly KubeObject[];
}

/** A request whose writes are kept in `log`. */
function request(
  { pod: stored, budgets = [] }: World,
  body: Record<string, unknown>,
  log: unknown[],
  dryRun = false,
): SubresourceRequest {
  const client = {
    get: (ref: { resource: string }) => Promise.resolve(ref.resource === "pods" ? stored : budgets[0]),
    list: () => Promise.resolve({ items: budgets, resourceVersion: "1" }),
    update: (_ref: unknown, object: KubeObject) => {
      log.push({ budget: object["status"] });
      return Promise.resolve(object);
    },
    delete: (_ref: unknown, _namespace: string, name: string, options: unknown) => {
      log.push({ deleted: name, options });
      return Promise.resolve({});
    },
  } as unknown as ApiClient;
  return {
    attributes: {} as SubresourceRequest["attributes"],
    resource: pods,
    namespace: "n",
    name: "p",
    body: body as unknown as KubeObject,
    query: new URLSearchParams(),
    dryRun,
    now: "2026-01-01T00:00:00Z",
    client,
    update(change) {
      const next = structuredClone(stored);
      change(next);
      log.push({ spec: next["spec"], status: next["status"] });
      return Promise.resolve(next);
    },
  };
}

const binding = (target: Record<string, unknown>) => ({
  apiVersion: "v1",
  kind: "Binding",
  metadata: { name: "p" },
  target,
});
const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "p" } };
const bind = pods.subresources["binding"]?.handle;
const evict = pods.subresources["eviction"]?.handle;
if (bind === undefined || evict === undefined) throw new Error("Cannot test pods: binding or eviction has no handler");

async function refusal(action: () => Promise<unknown>): Promise<ApiError["status"]> {
  return (await assertRejects(action, ApiError)).status;
}

Deno.test("a binding puts the pod on the node and says that it is scheduled", async () => {
  const log: unknown[] = [];
  await bind(request({ pod: pod() }, binding({ kind: "Node", name: "n1" }), log));
  assertEquals(log, [{
    spec: { nodeName: "n1" },
    status: {
      phase: "Running",
      conditions: [{
        type: "PodScheduled",
        status: "True",
        lastProbeTime: null,
        lastTransitionTime: "2026-01-01T00:00:00Z",
      }],
    },
  }]);
});

const refusedBindings: {
  name: string;
  pod: KubeObject;
  target: Record<string, unknown>;
  code: number;
  message: string;
}[] = [
  {
    name: "a pod that has a node",
    pod: pod({ nodeName: "n1" }),
    target: { kind: "Node", name: "n2" },
    code: 409,
    message: 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
  },
  {
    name: "a pod with gates",
    pod: pod({ schedulingGates: [{ name: "g" }] }),
    target: { kind: "Node", name: "n2" },
    code: 409,
    message: 'Operation cannot be fulfilled on pods/binding "p": pod p has non-empty .spec.schedulingGates',
  },
  {
    name: "a target that is no node",
    pod: pod(),
    target: { kind: "Pod", name: "n2" },
    code: 500,
    message: 'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
  },
];
for (const { name, pod: stored, target, code, message } of refusedBindings) {
  Deno.test(`a binding refuses ${name}`, async () => {
    const status = await refusal(() => bind(request({ pod: stored }, binding(target), [])));
    assertEquals([status.code, status.message], [code, message]);
  });
}

function budget(status: Record<string, unknown>, spec: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { ...metadata, name: "b", generation: 1 },
    spec: { selector: { matchLabels: { app: "a" } }, ...spec },
    status: { observedGeneration: 1, ...status },
  };
}

const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
const evictions: { name: string; world: World; dryRun?: boolean; log: unknown[] }[] = [
  { name: "a pod without a budget", world: { pod: pod({}, ready) }, log: [{ deleted: "p", options: {} }] },
  {
    name: "a pending pod whatever its budget says",
    world: { pod: pod({}, { phase: "Pending" }), budgets: [budget({ disruptionsAllowed: 0 })] },
    log: [{ deleted: "p", options: {} }],
  },
  {
    name: "a pod whose budget allows it, and counts it",
    world: { pod: pod({}, ready), budgets: [budget({ disruptionsAllowed: 2 })] },
    log: [
      { budget: { observedGeneration: 1, disruptionsAllowed: 1, disruptedPods: { p: "2026-01-01T00:00:00Z" } } },
      { deleted: "p", options: {} },
    ],
  },
  {
    name: "an unready pod when enough others are healthy",
    world: { pod: pod(), budgets: [budget({ disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 })] },
    log: [{ deleted: "p", options: {} }],
  },
  {
    name: "an unready pod when its budget always lets such go",
    world: { pod: pod(), budgets: [budget({ disruptionsAllowed: 0 }, { unhealthyPodEvictionPolicy: "AlwaysAllow" })] },
    log: [{ deleted: "p", options: {} }],
  },
  {
    name: "nothing in a dry run",
    world: { pod: pod({}, ready), budgets: [budget({ disruptionsAllowed: 2 })] },
    dryRun: true,
    log: [],
  },
];
for (const { name, world, dryRun = false, log: wanted } of evictions) {
  Deno.test(`an eviction removes ${name}`, async () => {
    const log: unknown[] = [];
    const status = await evict(request(world, eviction, log, dryRun));
    assertEquals(log, wanted);
    assertEquals(status["code"], 201);
  });
}

const refusedEvictions: {
  name: string;
  budgets: readonly KubeObject[];
  code: number;
  cause: string;
  retry?: number;
}[] = [
  {
    name: "while the budget is still being processed",
    budgets: [budget({ observedGeneration: 0, disruptionsAllowed: 3 })],
    code: 429,
    cause: "The disruption budget b is still being processed by the server.",
    retry: 10,
  },
  {
    name: "when the budget is used up",
    budgets: [budget({ disruptionsAllowed: 0, desiredHealthy: 2, currentHealthy: 1 })],
    code: 429,
    cause: "The disruption budget b needs 2 healthy pods and has 1 currently",
  },
];
for (const { name, budgets, code, cause, retry } of refusedEvictions) {
  Deno.test(`an eviction is refused ${name}`, async () => {
    const status = await refusal(() => evict(request({ pod: pod({}, ready), budgets }, eviction, [])));
    assertEquals([status.code, status.details?.causes?.[0]?.message, status.details?.retryAfterSeconds], [
      code,
      cause,
      retry,
    ]);
  });
}

Deno.test("an eviction is refused when two budgets want a say", async () => {
  const budgets = [budget({ disruptionsAllowed: 1 }), budget({ disruptionsAllowed: 1 })];
  const status = await refusal(() => evict(request({ pod: pod({}, ready), budgets }, eviction, [])));
  assertEquals([status.code, status.message], [
    500,
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
  ]);
});

Deno.test("a pod's default grace is none before it has a node and after its end", () => {
  const grace = pods.strategy.defaultGracePeriodSeconds;
  assertEquals(grace?.(pod({ terminationGracePeriodSeconds: 5 })), 0);
  assertEquals(grace?.(pod({ nodeName: "n1", terminationGracePeriodSeconds: 5 })), 5);
  assertEquals(grace?.(pod({ nodeName: "n1" })), 30);
  assertEquals(grace?.(pod({ nodeName: "n1", terminationGracePeriodSeconds: 5 }, { phase: "Succeeded" })), 0);
});
