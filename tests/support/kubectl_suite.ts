/** What the files of tests/kubectl share: one API server for a file, a namespace for a test. */
import { type ApiCluster, startApiCluster } from "./api_cluster.ts";
import { type Client, clientsMissing } from "./kubectl.ts";

export interface World {
  /** In the test's own namespace. */
  readonly kubectl: Client;
  readonly namespace: string;
  readonly cluster: ApiCluster;
}

/** Registers tests that share one API server, each with a namespace that nobody else uses. */
export function kubectlSuite(prefix: string): (name: string, fn: (world: World) => Promise<void>) => void {
  const ignore = clientsMissing("kubectl");
  let cluster: ApiCluster | undefined;
  let made = 0;
  Deno.test.afterAll(async () => await cluster?.[Symbol.asyncDispose]());
  return (name, fn) => {
    Deno.test({
      name,
      ignore,
      fn: async () => {
        cluster ??= await startApiCluster();
        const namespace = `${prefix}-${++made}`;
        await cluster.kubectl.ok(["create", "namespace", namespace]);
        await fn({ kubectl: cluster.kubectl.with("-n", namespace), namespace, cluster });
      },
    });
  };
}
