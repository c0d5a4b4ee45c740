import type { Node } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { story } from "./story.ts";

const { pods, nodes } = resources;
const pod = (name: string, spec: object = {}, requests?: Record<string, string>, labels?: Record<string, string>) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...(labels && { labels }) },
  spec: { containers: [{ name: "c", image: "i:1", ...(requests && { resources: { requests } }) }], ...spec },
});

story("scheduler: why a pod does not fit", async (world, same) => {
  const hasDisk = (value: string) => ({
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "disk", operator: "In", values: [value] }] }],
      },
    },
  });
  const gpu = { limits: { "example.com/gpu": "1" }, requests: { cpu: "5", memory: "9Gi", "example.com/gpu": "1" } };
  const withPort = {
    nodeSelector: { disk: "ssd" },
    containers: [{ name: "c", image: "i:1", ports: [{ containerPort: 1, hostPort: 7777 }] }],
  };
  const drafts = [
    pod("cpu", {}, { cpu: "5" }),
    pod("mem", {}, { memory: "9Gi" }),
    pod("both", { containers: [{ name: "c", image: "i:1", resources: gpu }] }),
    pod("selector", { nodeSelector: { disk: "nvme" } }),
    pod("affinity", { affinity: hasDisk("tape") }),
    pod("gone", { nodeSelector: { "kubernetes.io/hostname": "n9" } }),
    pod("gated", { schedulingGates: [{ name: "e.com/g" }] }),
    pod("claim", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "nope" } }] }),
    pod("port1", withPort),
    pod("port2", withPort),
    ...[0, 1, 2, 3].map((index) =>
      pod(
        `anti${index}`,
        {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [{
                labelSelector: { matchLabels: { x: "anti" } },
                topologyKey: "kubernetes.io/hostname",
              }],
            },
          },
        },
        undefined,
        { x: "anti" },
      )
    ),
    ...[0, 1, 2].map((index) =>
      pod(
        `spread${index}`,
        {
          nodeSelector: { "topology.kubernetes.io/zone": "a" },
          topologySpreadConstraints: [{
            maxSkew: 1,
            topologyKey: "disk",
            whenUnsatisfiable: "DoNotSchedule",
            labelSelector: { matchLabels: { x: "spread" } },
            nodeAffinityPolicy: "Ignore",
          }],
        },
        undefined,
        { x: "spread" },
      )
    ),
  ];
  for (const draft of drafts) await world.create(pods, draft);
  const change = async (name: string, spec: object) => {
    const node = await world.client.get<Node>(nodes, undefined, name);
    await world.client.update(nodes, { ...node, spec: { ...node.spec, ...spec } });
    await world.react();
  };
  await change("n2", { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] });
  await change("n3", { unschedulable: true });
  await world.create(pods, pod("tainted", { nodeSelector: { disk: "hdd" } }));
  await world.clock.pass(20_000);
  await same("after scheduling", ["pods"]);
  await change("n2", { taints: undefined });
  await change("n3", { unschedulable: undefined });
  await world.clock.pass(20_000);
  await same("after the nodes changed", ["pods"]);
});

story("scheduler: preemption", async (world, same) => {
  const classes = resources.priorityClasses;
  const metadata = { name: "high" };
  await world.client.create(classes, undefined, {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata,
    value: 1000,
  });
  for (const name of ["low0", "low1", "low2"]) await world.create(pods, pod(name, {}, { cpu: "3" }));
  await world.round();
  await world.create(pods, pod("vip", { priorityClassName: "high" }, { cpu: "3" }));
  await same("preempting");
  await world.kubelets.finishAll(world.namespace);
  await world.clock.pass(2000);
  await same("bound");
});
