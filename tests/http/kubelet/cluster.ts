/** An API server and a kubelet with real sockets between them, and one pod. */
import { issue } from "../../../http/auth/certificates/issue.ts";
import { componentSubjects } from "../../../http/auth/certificates/subjects.ts";
import { serveKubelet } from "../../../http/kubelet/kubelet_server.ts";
import type { ApiRequest } from "../../../http/machinery/api_request.ts";
import { serve } from "../../../http/server.ts";
import { nodeProxy, type NodeProxyOptions } from "../../../http/streaming/node_proxy.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { MemoryApi } from "../auth/memory_api.ts";
import { authority, serving } from "../server/keys.ts";
import { FakeStreams } from "./fake_streams.ts";

export const kubeletClient = await issue(authority, componentSubjects["apiserver-kubelet-client"], Date.now());

const discovery: Record<string, unknown> = {
  "/api": { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] },
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
  "/api/v1": {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: "v1",
    resources: [{
      name: "pods",
      singularName: "pod",
      namespaced: true,
      kind: "Pod",
      verbs: ["get", "list"],
      shortNames: ["po"],
    }],
  },
};

export async function cluster(options: Pick<NodeProxyOptions, "authorizer"> = {}) {
  const streams = new FakeStreams();
  const errors: unknown[] = [];
  const local = [{ host: "127.0.0.1", port: 0 }];
  const tls = { certificate: serving.certificate, key: serving.key, clientCertificateAuthority: authority.certificate };
  const onError = (error: unknown) => void errors.push(error);
  const kubelet = await serveKubelet({ addresses: local, ...tls, streams, onError });
  const kubeletPort = kubelet.addresses[0]!.port;
  const api = new MemoryApi();
  api.put("nodes", {
    metadata: { name: "n1" },
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    },
  });
  const containers = ["main", "waiting"].map((name) => ({ name, image: "i" }));
  const spec = { nodeName: "n1", containers };
  const annotations = { "kubectl.kubernetes.io/default-container": "main" };
  const kind = { kind: "Pod", apiVersion: "v1", status: { phase: "Running" } };
  api.put("pods", { ...kind, metadata: { name: "p", namespace: "ns", annotations }, spec });
  api.put("pods", { ...kind, metadata: { name: "two", namespace: "ns" }, spec });
  api.put("pods", { ...kind, metadata: { name: "free", namespace: "ns" }, spec: { containers: [containers[0]] } });
  api.put("pods", { ...kind, metadata: { name: "lost", namespace: "ns" }, spec: { ...spec, nodeName: "gone" } });
  const proxy = nodeProxy({
    client: api,
    clientCertificate: kubeletClient,
    authority: authority.certificate,
    ...options,
  });
  const server = await serve({
    addresses: local,
    ...tls,
    onError,
    async fetch(http, environment) {
      const url = new URL(http.url);
      const answer = discovery[url.pathname];
      if (answer !== undefined) return Response.json(answer);
      const [, , , , namespace = "", , name = "", subresource = ""] = url.pathname.split("/");
      try {
        if (subresource === "") {
          return Response.json(await api.get({ group: "", version: "v1", resource: "pods" }, namespace, name));
        }
        const verb = http.method === "POST" ? "create" : "get";
        const user = { name: "bob", groups: [] };
        const named = { user, verb, group: "", resource: "pods", subresource, namespace, name };
        const request = { ...named, query: url.searchParams } as unknown as ApiRequest;
        return await proxy.connect({ request, http }, environment);
      } catch (error) {
        if (error instanceof ApiError) return Response.json(error.status, { status: error.code });
        throw error;
      }
    },
  });
  const { port } = server.addresses[0]!;
  return {
    streams,
    errors,
    port,
    kubeletPort,
    /** Resolves when every process was let go of. */
    async idle() {
      while (streams.running > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    server,
    async close() {
      proxy.close();
      await server.close(1_000);
      await kubelet.close(1_000);
    },
  };
}
