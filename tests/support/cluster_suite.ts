/** What the files of tests/cluster share: one cluster for a file, a namespace for a test. */
import { buildBusybox } from "../docker/images.ts";
import { type ClusterOptions, TestCluster } from "./cluster.ts";
import { type Client, clientsMissing } from "./kubectl.ts";

export interface ClusterWorld {
  /** In the test's own namespace, which is gone when the test has ended. */
  readonly kubectl: Client;
  readonly namespace: string;
  readonly cluster: TestCluster;
}

/** Registers tests that share one cluster. The image `busybox` of tests/docker/images.ts is there. */
export function clusterSuite(
  prefix: string,
  options: ClusterOptions = {},
): (name: string, fn: (world: ClusterWorld) => Promise<void>) => void {
  const ignore = clientsMissing("kubectl", "helm");
  let cluster: TestCluster | undefined;
  let made = 0;
  Deno.test.afterAll(async () => await cluster?.[Symbol.asyncDispose]());
  return (name, fn) => {
    Deno.test({
      name,
      ignore,
      fn: async () => {
        if (cluster === undefined) {
          await buildBusybox();
          cluster = await TestCluster.start(options);
        }
        const namespace = `${prefix}-${++made}`;
        const kubectl = cluster.kubectl.with("-n", namespace);
        try {
          await cluster.kubectl.ok(["create", "namespace", namespace]);
          // Pods are admitted when the namespace's service account is there.
          await kubectl.ok("wait --for=create serviceaccount/default --timeout=20s");
          await fn({ kubectl, namespace, cluster });
        } catch (error) {
          await report(cluster, kubectl);
          throw error;
        } finally {
          // Not waited for: what is left when the file has ended goes with the cluster.
          await cluster.kubectl.run(["delete", "namespace", namespace, "--wait=false"]);
        }
      },
    });
  };
}

/** What helps to see why a test failed. */
async function report(cluster: TestCluster, kubectl: Client): Promise<void> {
  const last = (text: string) => text.slice(-4_000);
  console.error(`-- pods\n${last((await kubectl.run(["describe", "pods"])).out)}`);
  console.error(`-- chartroom.log\n${last(await cluster.log())}`);
}
