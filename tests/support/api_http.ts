/** Plain requests to a cluster's API with a kubeconfig's credentials, for what no client would send. */
import { parse } from "@std/yaml";

interface Config {
  readonly clusters: readonly { cluster: { server: string; "certificate-authority-data": string } }[];
  readonly users: readonly { user: { "client-certificate-data": string; "client-key-data": string } }[];
}

export interface Answer {
  readonly code: number;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

export interface ApiHttp extends Disposable {
  request(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

/** Without `credentials` nobody in particular asks. */
export async function apiHttp(
  kubeconfig: string,
  options: { credentials: boolean } = { credentials: true },
): Promise<ApiHttp> {
  const config = parse(await Deno.readTextFile(kubeconfig)) as Config;
  const { cluster } = config.clusters[0]!;
  const { user } = config.users[0]!;
  const client = Deno.createHttpClient({
    caCerts: [atob(cluster["certificate-authority-data"])],
    ...(options.credentials ? { cert: atob(user["client-certificate-data"]), key: atob(user["client-key-data"]) } : {}),
  });
  return {
    async request(method, path, body, headers = { "content-type": "application/json" }) {
      const response = await fetch(`${cluster.server}${path}`, {
        client,
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
      return { code: response.status, body: isJson ? JSON.parse(text) : text };
    },
    [Symbol.dispose]: () => client.close(),
  };
}
