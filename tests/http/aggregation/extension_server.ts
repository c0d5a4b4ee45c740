/** A small extension API server: one group version with one resource, which believes only the front proxy. */
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { issue, makeAuthority } from "../../../http/auth/certificates/issue.ts";

export const group = "agg.example.com";
const now = Date.now();
const authority = await makeAuthority("extension-ca", now);
const pair = await issue(
  authority,
  { commonName: "s", usages: ["server"], dnsNames: ["s.default.svc", "localhost"] },
  now,
);

export interface ExtensionServer extends AsyncDisposable {
  readonly port: number;
  readonly caBundle: string;
  /** `METHOD path by user (groups)`. */
  readonly asked: string[];
}

const discovery = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: `${group}/v1`,
  resources: [
    {
      name: "things",
      singularName: "thing",
      namespaced: true,
      kind: "Thing",
      verbs: ["get", "list"],
      shortNames: ["th"],
    },
    { name: "things/status", singularName: "", namespaced: true, kind: "Thing", verbs: ["get"] },
  ],
};
const thing = (name: string) => ({
  kind: "Thing",
  apiVersion: `${group}/v1`,
  metadata: { name, namespace: "default", creationTimestamp: "2026-01-01T00:00:00Z" },
});

/** @param frontProxy what signs the certificate of who may speak for others, PEM. */
export async function extensionServer(frontProxy: string): Promise<ExtensionServer> {
  const asked: string[] = [];
  const options = {
    cert: pair.certificate,
    key: pair.key,
    ca: frontProxy,
    requestCert: true,
    rejectUnauthorized: true,
  };
  const server = https.createServer(options, (request, response) => {
    const { method = "", url = "", headers } = request;
    const subject = (request.socket as TLSSocket).getPeerCertificate().subject as { CN?: string } | undefined;
    const path = url.split("?")[0]!;
    const answer = (code: number, body: object) =>
      response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (subject?.CN !== "front-proxy-client") return answer(401, {});
    if (headers["x-remote-user"] !== "system:kube-aggregator") {
      asked.push(
        `${method} ${url} by ${headers["x-remote-user"]} (${headers["x-remote-group"]})` +
          (headers.authorization === undefined ? "" : " with credentials"),
      );
    }
    if (path === `/apis/${group}/v1`) return answer(200, discovery);
    if (path === `/apis/${group}/v1/namespaces/default/things`) {
      return answer(200, {
        kind: "ThingList",
        apiVersion: `${group}/v1`,
        metadata: {},
        items: [thing("a"), thing("b")],
      });
    }
    if (path === `/apis/${group}/v1/namespaces/default/things/a`) return answer(200, thing("a"));
    if (path === `/openapi/v3/apis/${group}/v1`) return answer(200, { openapi: "3.0.0", paths: {} });
    answer(404, { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 });
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    caBundle: btoa(authority.certificate),
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The service, by a name outside, and the APIService that lead to a server. */
export function manifests({ port, caBundle }: Pick<ExtensionServer, "port" | "caBundle">) {
  return {
    service: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s", namespace: "default" },
      spec: { type: "ExternalName", externalName: "localhost" },
    },
    apiService: {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: `v1.${group}` },
      spec: {
        group,
        version: "v1",
        groupPriorityMinimum: 100,
        versionPriority: 10,
        caBundle,
        service: { name: "s", namespace: "default", port },
      },
    },
  };
}
