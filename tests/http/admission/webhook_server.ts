/** A webhook as people write them: an HTTPS server with a certificate of its own. */
import https from "node:https";
import type { AddressInfo } from "node:net";
import { issue, makeAuthority } from "../../../http/auth/certificates/issue.ts";

const now = Date.now();
export const webhookAuthority = await makeAuthority("webhook-ca", now);
const pair = await issue(webhookAuthority, {
  commonName: "hook",
  usages: ["server"],
  dnsNames: ["hook.ns.svc"],
  ipAddresses: ["127.0.0.1"],
}, now);

/** What one path answers; an object is a review, a number a status without one. */
// deno-lint-ignore no-explicit-any
export type Handler = (review: any) => object | number | Promise<object | number>;

export interface WebhookServer extends AsyncDisposable {
  readonly port: number;
  /** Paths with their queries, and what was sent there. */
  // deno-lint-ignore no-explicit-any
  readonly asked: { path: string; host: string; body: any }[];
  readonly caBundle: string;
}

export async function webhookServer(handlers: Readonly<Record<string, Handler>>): Promise<WebhookServer> {
  const asked: WebhookServer["asked"] = [];
  const server = https.createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    const parts: Uint8Array[] = [];
    request.on("data", (part: Uint8Array) => void parts.push(part));
    request.on("end", async () => {
      const path = request.url ?? "";
      const body = JSON.parse(new TextDecoder().decode(await new Blob(parts as BlobPart[]).arrayBuffer()));
      asked.push({ path, host: request.headers.host ?? "", body });
      const answer = await handlers[path.split("?")[0]!]?.(body) ?? 404;
      if (typeof answer === "number") response.writeHead(answer).end("out of order");
      else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    caBundle: btoa(webhookAuthority.certificate),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A review that answers what was asked. */
export const review = (response: object) =>
// deno-lint-ignore no-explicit-any
({ apiVersion, kind, request }: any) => ({ apiVersion, kind, response: { uid: request.uid, ...response } });

export const patch = (...operations: object[]) => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: btoa(JSON.stringify(operations)),
});
