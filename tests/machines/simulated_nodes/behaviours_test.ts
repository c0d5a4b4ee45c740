import { assertEquals, assertThrows } from "@std/assert";
import { parse } from "@std/yaml";
import { behaviourOf, isReadyAfter, readBehaviours, seenPod } from "../../../machines/simulated_nodes/behaviours.ts";
import { drawn, FieldError } from "../../../machines/simulated_nodes/fields.ts";
import type { Pod } from "../../../machines/objects/object.ts";

const read = (text: string) => readBehaviours(parse(text), "");

const declared = read(`
nodes: { cpu: 8, memory: 32Gi, pods: 50, zones: 3, labels: { disk: ssd } }
behaviours:
  - name: the shop's front fails now and then
    match: { namespace: shop, selector: "app=web,tier in (front)" }
    startDelay: 1s..3s
    exit: { after: 1m30s, code: 3 }
  - match: { container: migrate }
    exit: { after: 500ms, code: 1 }
  - match: { owner: Job }
    startDelay: 2s
  - match: { selector: slow }
    ready: { after: 5s, until: 1h }
  - match: { selector: sick }
    ready: false
    exit: never
`);

interface Shape {
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly owner?: string;
  readonly inits?: { name: string; restartPolicy?: string }[];
}

const pod = ({ namespace = "default", labels = {}, owner, inits = [] }: Shape): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "p",
    namespace,
    labels,
    uid: "u",
    resourceVersion: "1",
    creationTimestamp: "2030-01-01T00:00:00Z",
    ...(owner === undefined
      ? {}
      : { ownerReferences: [{ apiVersion: "batch/v1", kind: owner, name: "o", uid: "o", controller: true }] }),
  },
  spec: { containers: [{ name: "app", image: "app:1" }], initContainers: inits },
} as unknown as Pod);

const ms = (leastMs: number, mostMs = leastMs) => ({ leastMs, mostMs });
const web = { app: "web", tier: "front" };

const cases: { name: string; of: Shape; container?: string; is: Record<string, unknown> }[] = [
  { name: "lets a pod run for which nothing is declared", of: {}, is: {} },
  {
    name: "takes the first row that matches namespace and labels",
    of: { namespace: "shop", labels: web },
    is: { startDelay: ms(1000, 3000), exit: { after: ms(90_000), code: 3 } },
  },
  { name: "looks at the namespace", of: { labels: web }, is: {} },
  {
    name: "ends init containers at once",
    of: { inits: [{ name: "first" }] },
    container: "first",
    is: { exit: { after: ms(0) } },
  },
  {
    name: "declares an init container only by its name",
    of: { inits: [{ name: "migrate" }] },
    container: "migrate",
    is: { exit: { after: ms(500), code: 1 } },
  },
  {
    name: "lets sidecars run",
    of: { inits: [{ name: "proxy", restartPolicy: "Always" }] },
    container: "proxy",
    is: {},
  },
  {
    name: "ends a Job's containers after a second, also where something else is declared of them",
    of: { owner: "Job" },
    is: { startDelay: ms(2000), exit: { after: ms(1000) } },
  },
  {
    name: "lets a container run on that is never to exit",
    of: { labels: { sick: "yes" } },
    is: { ready: false, exit: "never" },
  },
];

for (const { name, of, container = "app", is } of cases) {
  Deno.test(`behaviourOf ${name}`, () => {
    const { match: _, name: __, ...behaviour } = behaviourOf(declared, pod(of), container);
    assertEquals(behaviour, is);
  });
}

const faults: { text: string; says: string }[] = [
  { text: "nodes: { cores: 3 }", says: "nodes.cores: no such field; known are cpu, memory, pods, labels, zones" },
  { text: "nodes: { pods: 0 }", says: "nodes.pods: 0 is no whole number from 1 to 1000" },
  { text: "nodes: { memory: much }", says: 'nodes.memory: "much" is no quantity' },
  { text: "behaviours: {}", says: "behaviours: {} is no list" },
  { text: "behaviours: [3]", says: "behaviours[0]: 3 is no mapping of fields" },
  {
    text: "behaviours: [{}, { exit: { after: soon } }]",
    says: 'behaviours[1].exit.after: "soon" is no duration: say 500ms, 10s, 1m30s, or a range such as 2s..5s',
  },
  { text: "behaviours: [{ startDelay: 5s..2s }]", says: 'behaviours[0].startDelay: "5s..2s" ends before it begins' },
  {
    text: "behaviours: [{ exit: { code: 300 } }]",
    says: "behaviours[0].exit.code: 300 is no whole number from 0 to 255",
  },
  { text: "behaviours: [{ ready: maybe }]", says: 'behaviours[0].ready: "maybe" is no mapping of fields' },
  { text: "behaviours: [{ ignoresStop: 1 }]", says: "behaviours[0].ignoresStop: 1 is neither true nor false" },
  { text: "behaviours: [{ match: { namespace: 3 } }]", says: "behaviours[0].match.namespace: 3 is no text" },
  { text: "pods: []", says: "pods: no such field; known are nodes, behaviours" },
  { text: "7", says: "the file: 7 is no mapping of fields" },
];

for (const { text, says } of faults) {
  Deno.test(`readBehaviours names the field: ${says}`, () => {
    assertThrows(() => read(text), FieldError, says);
  });
}

Deno.test("readBehaviours names the field of a selector that cannot be read", () => {
  assertThrows(
    () => read("behaviours: [{ match: { selector: 'a in' } }]"),
    FieldError,
    "behaviours[0].match.selector: ",
  );
});

Deno.test("readBehaviours takes an empty file for nothing declared", () => {
  assertEquals(read(""), { nodes: {}, behaviours: [] });
});

Deno.test("isReadyAfter follows what is declared", () => {
  const is = (labels: Record<string, string>, at: number) =>
    isReadyAfter(behaviourOf(declared, pod({ labels }), "app"), at, (of) => drawn(of, 0));
  assertEquals([0, 4_999, 5_000, 3_599_999, 3_600_000].map((at) => is({ slow: "" }, at)), [
    false,
    false,
    true,
    true,
    false,
  ]);
  assertEquals([is({ sick: "" }, 1e9), is({}, 0)], [false, true]);
});

Deno.test("seenPod has a probe where readiness is declared, and is the very pod where not", () => {
  const plain = pod({});
  assertEquals(seenPod(declared, plain) === plain, true);
  const [container] = seenPod(declared, pod({ labels: { slow: "" } })).spec!.containers;
  assertEquals(container?.readinessProbe?.periodSeconds, 1);
});
