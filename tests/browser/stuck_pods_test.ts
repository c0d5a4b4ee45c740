/** Pods that are stuck in each of the ways that users meet: the page says the cause and the next step. */
import { assert, assertMatch } from "@std/assert";
import { TestCluster } from "../support/cluster.ts";
import { clusterSuite } from "../support/cluster_suite.ts";
import { busybox } from "../docker/images.ts";
import { goTo, openBrowser, openPage } from "./page_browser.ts";

const test = clusterSuite("page", { nodes: 2 });

interface Stuck {
  readonly name: string;
  readonly spec: Record<string, unknown>;
  readonly finalizers?: string[];
  /** What the page says, of the cause and of what comes next. */
  readonly says: readonly RegExp[];
}

const main = { name: "main", image: busybox, imagePullPolicy: "Never", command: ["/bin/sh", "-c", "sleep 3600"] };
const stuck: readonly Stuck[] = [
  {
    name: "image",
    spec: { containers: [{ name: "main", image: "registry.invalid/nothing:1" }] },
    says: [/get the image again \(ImagePullBackOff\)/, /after pullBackOff, in .*: to preparing\.image/],
  },
  {
    name: "crash",
    spec: { containers: [{ ...main, command: ["/bin/sh", "-c", "exit 3"] }] },
    says: [/CrashLoopBackOff/, /after crashBackOff, in .*: to preparing/],
  },
  {
    name: "unschedulable",
    spec: { nodeSelector: { disk: "fast" }, containers: [main] },
    says: [/2 node\(s\) didn't match Pod's node affinity\/selector/, /cluster\.changed: to queued/],
  },
  {
    name: "unready",
    spec: {
      containers: [{ ...main, readinessProbe: { exec: { command: ["/bin/sh", "-c", "exit 1"] }, periodSeconds: 1 } }],
    },
    says: [
      /its readiness probe has not passed: gets no traffic/,
      /probe\.passed if "isReadiness": to running\.up\.ready/,
    ],
  },
  {
    name: "configless",
    spec: { containers: [{ ...main, envFrom: [{ configMapRef: { name: "absent" } }] }] },
    says: [/CreateContainerConfigError/, /after createRetry, in .*: to preparing\.image/],
  },
  {
    name: "volumeless",
    spec: {
      volumes: [{ name: "data", secret: { secretName: "absent" } }],
      containers: [{ ...main, volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    },
    says: [
      /A volume could not be mounted \(FailedMount\)/,
      /after mountBackOff, in .*: to active\.preparing\.volumes\.mounting/,
    ],
  },
  {
    name: "finalized",
    finalizers: ["example.com/hold"],
    spec: { terminationGracePeriodSeconds: 0, containers: [main] },
    says: [/waits for its finalizers: whoever set them must take them away/],
  },
];

test("inspector page says the cause and the next step of every stuck pod of a real cluster", async ({ kubectl, namespace, cluster }) => {
  const items = stuck.map(({ name, spec, finalizers = [] }) => ({
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name, finalizers }, spec },
  }));
  await kubectl.ok("apply -f -", { input: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
  try {
    await kubectl.ok("wait --for=jsonpath={.status.phase}=Running pod/finalized --timeout=30s");
    await kubectl.ok("delete pod finalized --wait=false");
    await using browser = await openBrowser();
    const { page } = await openPage(browser);
    const link = /https:\S+/.exec(await cluster.chartroom("inspect"))![0];
    await page.goto(link);
    for (const { name, says } of stuck) {
      await goTo(page, `#/object/${namespace}/${name}`);
      for (const words of says) {
        await page.locator("main").getByText(words).first().waitFor();
        assertMatch(await page.locator("main").innerText(), words);
      }
    }
  } finally {
    await kubectl.ok(["patch", "pod", "finalized", "--type=merge", "-p", '{"metadata":{"finalizers":null}}']);
  }
});

Deno.test("inspector page says which node is gone, what the cluster makes of it, and what would bring it back", async () => {
  await using cluster = await TestCluster.start({ nodes: 2, flags: ["--split", "--runtime", "simulated"] });
  await using browser = await openBrowser();
  const { page } = await openPage(browser);
  await page.goto(/https:\S+/.exec(await cluster.chartroom("inspect"))![0]);
  await page.locator("main").getByText("worker-1").first().waitFor();
  const worker = (await cluster.running()).processes?.["worker-1"];
  assert(worker !== undefined);
  // Its connections stay as they are, as those of a host that lost its power.
  Deno.kill(worker, "SIGSTOP");
  try {
    await page.locator("main").getByText(/worker-1 does not answer/).waitFor();
    await cluster.kubectl.ok("wait --for=condition=Ready=Unknown node/worker-1 --timeout=90s");
    await page.locator("main").getByText("What the cluster makes of it").click();
    for (const words of [/Known to be unreachable\. Waits for a sign of life/, /heartbeat\.seen.*: to alive/]) {
      await page.locator("main").getByText(words).first().waitFor();
    }
  } finally {
    Deno.kill(worker, "SIGCONT");
  }
  await page.locator("main").getByText(/Shows signs of life/).first().waitFor();
});
