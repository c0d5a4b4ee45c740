import { assertEquals } from "@std/assert";
import { harness, type Write } from "./harness.ts";

type Amounts = Record<string, string>;

const quota = (hard: Amounts, used: Amounts, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "q", namespace: "ns" },
  spec: { hard, ...spec },
  status: { hard, used },
});
const pod = (resources: object = {}): Write => ({
  text: "create pods in ns",
  object: { metadata: { name: "p", namespace: "ns" }, spec: { containers: [{ name: "c", image: "i", resources }] } },
});
const map: Write = { text: "create configmaps in ns", object: { metadata: { name: "m", namespace: "ns" } } };
const claim = (storage: string) => ({
  metadata: { name: "v", namespace: "ns" },
  spec: { resources: { requests: { storage } } },
});

const rows: { name: string; quota: object; write: Write; says?: string; used?: Amounts }[] = [
  {
    name: "counts what it lets in",
    quota: quota({ configmaps: "2" }, { configmaps: "1" }),
    write: map,
    used: { configmaps: "2" },
  },
  {
    name: "refuses what would be too much",
    quota: quota({ "count/configmaps": "2", configmaps: "2" }, { "count/configmaps": "2", configmaps: "1" }),
    write: map,
    says: 'configmaps "m" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=2, ' +
      "limited: count/configmaps=2",
  },
  {
    name: "counts what pods ask for",
    quota: quota({ pods: "2", "requests.cpu": "1", "limits.memory": "1Gi" }, {
      pods: "0",
      "requests.cpu": "400m",
      "limits.memory": "0",
    }),
    write: pod({ requests: { cpu: "600m" }, limits: { memory: "512Mi" } }),
    used: { pods: "1", "requests.cpu": "1", "limits.memory": "512Mi" },
  },
  {
    name: "tells all that is exceeded, and only that",
    quota: quota({ pods: "2", "requests.cpu": "1", "requests.memory": "1Gi" }, {
      pods: "0",
      "requests.cpu": "1",
      "requests.memory": "1Gi",
    }),
    write: pod({ requests: { cpu: "1m", memory: "1Mi" } }),
    says: 'pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=1m,requests.memory=1Mi, ' +
      "used: requests.cpu=1,requests.memory=1Gi, limited: requests.cpu=1,requests.memory=1Gi",
  },
  {
    name: "refuses pods that do not say what they take",
    quota: quota({ "requests.cpu": "1", "limits.memory": "1" }, { "requests.cpu": "0", "limits.memory": "0" }),
    write: pod(),
    says: 'pods "p" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
  },
  {
    name: "refuses while nobody knows what is used",
    quota: quota({ configmaps: "2" }, {}),
    write: map,
    says: 'configmaps "m" is forbidden: status unknown for quota: q, resources: configmaps',
  },
  {
    name: "does not count what is out of its scopes",
    quota: quota({ pods: "0" }, { pods: "0" }, { scopes: ["Terminating"] }),
    write: pod(),
    used: { pods: "0" },
  },
  {
    name: "counts only what grows in an update",
    quota: quota({ "requests.storage": "3Gi", persistentvolumeclaims: "1" }, {
      "requests.storage": "1Gi",
      persistentvolumeclaims: "1",
    }),
    write: { text: "update persistentvolumeclaims v in ns", object: claim("2Gi"), old: claim("1Gi") },
    used: { "requests.storage": "2Gi", persistentvolumeclaims: "1" },
  },
  {
    name: "counts nothing in a dry run",
    quota: quota({ configmaps: "2" }, { configmaps: "1" }),
    write: { ...map, dryRun: true },
    used: { configmaps: "1" },
  },
  {
    name: "does not mind the changes of what only is",
    quota: quota({ configmaps: "1" }, { configmaps: "1" }),
    write: { text: "update configmaps m in ns", object: map.object!, old: map.object! },
    used: { configmaps: "1" },
  },
];
for (const { name, quota, write, says, used } of rows) {
  Deno.test(`a quota ${name}`, async () => {
    const world = await harness((api) => void api.put("resourcequotas", quota));
    const { error } = await world.run(write);
    const left = world.api.objects.get("resourcequotas|ns|q") as unknown as { status: { used: Amounts } };
    world.stop();
    assertEquals([error?.message, used === undefined ? undefined : left.status.used], [says, used]);
  });
}

Deno.test("a quota lets no two writers pass together what neither may alone", async () => {
  const world = await harness((api) => void api.put("resourcequotas", quota({ configmaps: "3" }, { configmaps: "0" })));
  const answers = await Promise.all(
    Array.from(
      { length: 8 },
      (_, index) =>
        world.run({ text: "create configmaps in ns", object: { metadata: { name: `m${index}`, namespace: "ns" } } }),
    ),
  );
  world.stop();
  assertEquals(answers.filter(({ error }) => error === undefined).length, 3);
});
