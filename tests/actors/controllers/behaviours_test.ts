import { assertEquals, assertRejects } from "@std/assert";
import type { Namespace, Node } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { comparableNamespace, comparableNode } from "./behaviours.ts";
import { story } from "./story.ts";

const container = { name: "c", image: "i:1" };
const template = (image = "i:1") => ({
  metadata: { labels: { app: "a" } },
  spec: { containers: [{ name: "c", image }] },
});

story("deployment: roll out, update, undo, scale, pause", async (world, same) => {
  const { deployments } = resources;
  await world.create(deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: "a" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
      template: template(),
    },
  });
  await same("created");
  await world.clock.pass(2000);
  await world.round();
  await same("all ready");
  await world.merge(deployments, "d", { spec: { template: { spec: { containers: [{ name: "c", image: "i:2" }] } } } });
  await same("image changed");
  for (const what of ["rolling 1", "rolling 2", "rolling 3", "rolling 4"]) {
    await world.clock.pass(1000);
    await world.round();
    await same(what);
  }
  await same("rolled out");
  await world.merge(deployments, "d", { spec: { replicas: 2 } });
  await world.round();
  await same("scaled to 2");
  const paused = { paused: true, template: { spec: { containers: [{ name: "c", image: "i:3" }] } } };
  await world.merge(deployments, "d", { spec: paused });
  await same("paused with a new image");
  await world.merge(deployments, "d", { spec: { paused: null, progressDeadlineSeconds: 2, minReadySeconds: 1 } });
  await world.clock.pass(5000);
  await same("resumed, deadline passed");
});

story("replica set: adopt, release, scale down choice", async (world, same) => {
  const { pods, replicaSets } = resources;
  await world.create(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "orphan", labels: { app: "a" } },
    spec: { containers: [container] },
  });
  await world.create(replicaSets, {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "r" },
    spec: { replicas: 3, selector: { matchLabels: { app: "a" } }, template: template() },
  });
  await same("adopted");
  await world.merge(pods, "orphan", { metadata: { labels: { app: "z" } } });
  await same("released");
  const [, ready] = await world.kubelets.pods(world.namespace);
  await world.kubelets.run(ready!);
  await world.merge(replicaSets, "r", { spec: { replicas: 1 } });
  await same("scaled to 1");
  await world.client.delete(replicaSets, world.namespace, "r", { propagationPolicy: "Orphan" });
  await world.react();
  await same("deleted, orphans");
});

story("services and endpoint slices", async (world, same) => {
  const { services, pods, endpoints } = resources;
  const service = (name: string, spec: object) => ({ apiVersion: "v1", kind: "Service", metadata: { name }, spec });
  const selector = { app: "a" };
  const web = { name: "http", port: 80, targetPort: "web" };
  await world.create(
    services,
    service("cluster", { selector, ports: [web, { name: "num", port: 81, targetPort: 9000 }] }),
  );
  await world.create(
    services,
    service("headless", { selector, clusterIP: "None", ports: [{ name: "http", port: 80 }] }),
  );
  await world.create(services, service("early", { selector, publishNotReadyAddresses: true, ports: [{ port: 80 }] }));
  await world.create(
    services,
    service("lb", {
      selector,
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      ports: [{ port: 80 }],
    }),
  );
  await world.create(services, service("manual", { ports: [{ port: 80 }] }));
  await same("no pods");
  for (const [name, ready] of [["p1", true], ["p2", true], ["p3", false]] as const) {
    await world.create(pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: { app: "a" } },
      spec: {
        ...(name === "p1" && { hostname: "h1", subdomain: "headless" }),
        containers: [{ ...container, ports: [{ name: "web", containerPort: 8080 }] }],
      },
    });
    await world.kubelets.run(await world.client.get(pods, world.namespace, name), ready);
    await world.react();
  }
  await same("two ready, one not");
  await world.client.delete(pods, world.namespace, "p1");
  await world.react();
  await same("one terminating");
  await world.create(endpoints, {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "manual" },
    subsets: [{ addresses: [{ ip: "10.9.9.9" }], ports: [{ port: 80 }] }],
  });
  await same("mirrored");
  await world.client.delete(services, world.namespace, "cluster");
  await world.react();
  await same("service deleted");
});

story("namespace: deletion with contents", async (world, _, told) => {
  const { pods, configMaps, namespaces } = resources;
  await world.create(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { containers: [container] },
  });
  await world.create(configMaps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "c", finalizers: ["e.com/x"] },
  });
  await world.client.delete(namespaces, undefined, world.namespace);
  await world.react();
  const get = () => world.client.get<Namespace>(namespaces, undefined, world.namespace);
  const conditions = async () =>
    (await get()).status?.conditions?.map(({ type, status, message }) => [type, status, message]);
  const fine = [
    ["NamespaceDeletionDiscoveryFailure", "False", "All resources successfully discovered"],
    ["NamespaceDeletionGroupVersionParsingFailure", "False", "All legacy kube types successfully parsed"],
    [
      "NamespaceDeletionContentFailure",
      "False",
      "All content successfully deleted, may be waiting on finalization",
    ],
  ];
  const finalizers = [
    "NamespaceFinalizersRemaining",
    "True",
    "Some content in the namespace has finalizers remaining: e.com/x in 1 resource instances",
  ];
  const left = (what: string) => ["NamespaceContentRemaining", "True", `Some resources are remaining: ${what}`];
  assertEquals(await conditions(), [
    ...fine,
    left("configmaps. has 1 resource instances, pods. has 1 resource instances"),
    finalizers,
  ]);
  await world.kubelets.finishAll(world.namespace);
  await world.react();
  assertEquals(await conditions(), [...fine, left("configmaps. has 1 resource instances"), finalizers]);
  let last: Namespace | undefined;
  const watch = world.client.watch<Namespace>(namespaces, { resourceVersion: (await get()).metadata.resourceVersion }, {
    events(batch) {
      for (const event of batch) if (event.type === "DELETED") last = event.object;
    },
    closed() {},
  });
  await world.merge(configMaps, "c", { metadata: { finalizers: null } });
  watch.cancel();
  await assertRejects(get, ApiError, "not found");
  // What was said last of it, while the finalizer was still there.
  const { spec: _spec, ...said } = comparableNamespace(last as unknown as Record<string, unknown>);
  if (told === undefined) return;
  const { spec: __, ...recorded } = comparableNamespace(told.shot("gone").namespace);
  assertEquals(said, recorded);
});

story("node: silence, taints, eviction", async (world, same, told) => {
  const { pods, nodes } = resources;
  const tolerations = ["unreachable", "not-ready"].map((key) => ({
    key: `node.kubernetes.io/${key}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 5,
  }));
  await world.create(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { nodeName: "n2", containers: [container], tolerations },
  });
  await world.round();
  for (let passed = 0; passed < 70; passed += 10) {
    await world.clock.pass(10_000);
    await world.kubelets.renew("n1");
    await world.kubelets.renew("n3");
  }
  await world.react();
  const seen = async () => (await world.client.list<Node>(nodes)).items.map((node) => comparableNode({ ...node }));
  const recorded = (what: string) => told?.shot(what).nodes?.map(comparableNode);
  await same("silent for 70 s");
  if (told !== undefined) assertEquals(await seen(), recorded("silent for 70 s"));
  await world.kubelets.renew("n2");
  await world.kubelets.post("n2");
  await world.react();
  await same("back");
  if (told !== undefined) assertEquals(await seen(), recorded("back"));
});
