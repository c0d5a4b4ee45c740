/** Who a kubeconfig leads to, and as whom it is spoken to: how webhooks of the API server are configured. */
import http from "node:http";
import https from "node:https";
import type { IncomingMessage } from "node:http";
import { parse } from "yaml";
import type { Clock } from "../../ports/clock.ts";
import { goNetworkError } from "./go_error.ts";

export interface WebhookTarget {
  readonly server: URL;
  /** PEM. */
  readonly ca?: string;
  readonly serverName?: string;
  readonly isInsecure: boolean;
  /** PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  readonly authorization?: string;
}

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly { readonly name: string; readonly context?: { cluster?: string; user?: string } }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster?: Record<string, unknown> }[];
  readonly users?: readonly { readonly name: string; readonly user?: Record<string, unknown> }[];
}

/** `read`: files that it names. @throws Error saying what is wrong with it. */
export async function kubeconfigTarget(text: string, read: (path: string) => Promise<string>): Promise<WebhookTarget> {
  const config = parse(text) as Kubeconfig | null;
  const contexts = config?.contexts ?? [];
  const context = contexts.find(({ name }) => name === config?.["current-context"])?.context ?? contexts[0]?.context;
  const clusters = config?.clusters ?? [];
  const cluster = clusters.find(({ name }) => name === context?.cluster)?.cluster ??
    (context === undefined ? clusters[0]?.cluster : undefined);
  const user = config?.users?.find(({ name }) => name === context?.user)?.user ?? {};
  if (cluster === undefined) throw refusal("it names no cluster");
  const server = URL.parse(String(cluster["server"]));
  if (server === null || !["http:", "https:"].includes(server.protocol)) {
    throw refusal(`its server ${JSON.stringify(cluster["server"])} is no URL of http or https`);
  }
  const unsupported = ["exec", "auth-provider", "username", "password"].find((name) => name in user);
  if (unsupported !== undefined) {
    throw refusal(`its user has "${unsupported}", which is not supported: use a client certificate or a token`);
  }
  const given = async (from: Record<string, unknown>, name: string) => {
    const data = from[`${name}-data`], path = from[name];
    return typeof data === "string" ? atob(data) : typeof path === "string" ? await read(path) : undefined;
  };
  const ca = await given(cluster, "certificate-authority");
  const cert = await given(user, "client-certificate");
  const key = await given(user, "client-key");
  const file = user["tokenFile"];
  const token = typeof file === "string" ? (await read(file)).trim() : user["token"] as string | undefined;
  const serverName = cluster["tls-server-name"] as string | undefined;
  return {
    server,
    isInsecure: cluster["insecure-skip-tls-verify"] === true,
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(cert === undefined || key === undefined ? {} : { certificate: { cert, key } }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
}

function refusal(why: string): Error {
  return new Error(`Cannot use the kubeconfig: ${why}`);
}

const largestAnswer = 16 * 1024 * 1024;

/** A JSON document. `ca`: PEM; absent: what this host trusts. @throws Error saying why there is none. */
export function getJson(url: string, ca: string | undefined, clock: Clock, timeoutMs: number): Promise<unknown> {
  const target = { server: new URL(url), isInsecure: false, ...(ca === undefined ? {} : { ca }) };
  return ask(target, "GET", undefined, clock, timeoutMs);
}

/** Posts JSON; the answer, parsed. @throws Error saying why there is none, without anything that was sent. */
export function postTo(target: WebhookTarget, text: string, clock: Clock, timeoutMs: number): Promise<unknown> {
  return ask(target, "POST", new TextEncoder().encode(text), clock, timeoutMs);
}

function ask(
  target: WebhookTarget,
  method: "GET" | "POST",
  bytes: Uint8Array | undefined,
  clock: Clock,
  timeoutMs: number,
): Promise<unknown> {
  const { server, ca, certificate, authorization, isInsecure, serverName } = target;
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const failed = (why: string) =>
    reject(new Error(`${method === "GET" ? "Get" : "Post"} ${JSON.stringify(server.href)}: ${why}`));
  const isTls = server.protocol === "https:";
  const host = server.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(server.port || (isTls ? 443 : 80));
  const sent = (isTls ? https : http).request({
    host,
    port,
    method,
    path: `${server.pathname}${server.search}`,
    agent: false,
    headers: {
      host: server.host,
      ...(bytes === undefined ? {} : { "content-type": "application/json", "content-length": String(bytes.length) }),
      accept: "application/json, */*",
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(ca === undefined ? {} : { ca }),
    ...(certificate ?? {}),
    ...(isInsecure ? { rejectUnauthorized: false } : {}),
    // A name, where it is one: addresses are no server names.
    ...(serverName !== undefined ? { servername: serverName } : /^[\d.]+$|:/.test(host) ? {} : { servername: host }),
  });
  const wake = clock.wakeAt(clock.now() + timeoutMs, () => {
    failed("context deadline exceeded");
    sent.destroy();
  });
  sent.on("error", (error: Error) => failed(goNetworkError(error, `${host}:${port}`)));
  sent.on("response", (reply: IncomingMessage) => {
    readAll(reply).then((answer) => {
      const code = reply.statusCode ?? 0;
      if (code < 200 || code >= 300) return failed(`it answered with ${code}`);
      try {
        resolve(answer === "" ? undefined : JSON.parse(answer));
      } catch {
        failed("its answer is no JSON");
      }
    }, (error: Error) => failed(error.message));
  });
  sent.end(bytes);
  return promise.finally(() => wake.cancel());
}

async function readAll(reply: IncomingMessage): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of reply) {
    text += decoder.decode(part as Uint8Array, { stream: true });
    if (text.length > largestAnswer) {
      reply.destroy();
      throw new Error(`Cannot read its answer: it is larger than ${largestAnswer} bytes`);
    }
  }
  return text + decoder.decode();
}
