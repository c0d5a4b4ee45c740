/**
 * `/proxy/` of pods, services and nodes: the request goes on to what the object stands for, and its answer comes back as
 * it is. Credentials stay here.
 */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { ApiError } from "../../machines/objects/status.ts";
import type { Random } from "../../ports/random.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { ApiRequest } from "../machinery/api_request.ts";
import { answered, type ServerEnvironment, type UpgradeOffer } from "../server.ts";
import { type ProxyTarget, proxyTarget } from "./proxy_target.ts";
import { bodyOf, passOn, requestHead, splice, withheld } from "./relay.ts";

export interface ObjectProxyOptions {
  readonly client: ApiClient;
  readonly random: Pick<Random, "next">;
  /** PEM: what kubelets are shown, and what signs theirs. */
  readonly kubelet: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** Of one connection, not of what is carried over it. */
const hopByHop =
  /^(connection|keep-alive|proxy-authenticate|proxy-authorization|proxy-connection|te|trailer|transfer-encoding|upgrade)$/i;

export async function proxyObject(
  { client, random, kubelet }: ObjectProxyOptions,
  request: ApiRequest,
  asked: Request,
  environment: Partial<ServerEnvironment>,
): Promise<Response> {
  const [base, path] = pathBehind(asked.url);
  const mark = asked.url.indexOf("?");
  const search = mark < 0 ? "" : asked.url.slice(mark);
  if (path === "" && (asked.method === "GET" || asked.method === "HEAD")) {
    return new Response(null, { status: 301, headers: { location: `${base}/${search}` } });
  }
  const target = await proxyTarget(client, random, request);
  // What runs in a pod has whatever certificate it has; only a kubelet's is ours.
  const trust = target.kubelet ? kubelet : { rejectUnauthorized: false };
  const whole = `${path === "" ? "/" : path}${search}`;
  if (environment.upgrade !== undefined) return await upgrade(environment.upgrade, target, whole, trust);
  const headers: Record<string, string> = {};
  for (const [name, value] of asked.headers) {
    if (!hopByHop.test(name) && !withheld.test(name) && name !== "content-length") headers[name] = value;
  }
  headers["x-forwarded-host"] = asked.headers.get("host") ?? new URL(asked.url).host;
  headers["x-forwarded-proto"] = "https";
  const body = asked.method === "GET" || asked.method === "HEAD" ? undefined : await asked.bytes();
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: target.host, port: target.port, method: asked.method, path: whole, headers };
    const sent = target.scheme === "https"
      ? https.request({ ...options, ...trust }, resolve)
      : http.request(options, resolve);
    sent.on("error", (error: Error) => reject(unreachable(error)));
    environment.raw?.onClose(() => sent.destroy());
    if (body !== undefined) sent.setHeader("content-length", String(body.length));
    sent.end(body);
  });
  return answer(reply, base, target, environment);
}

/** Up to and including `/proxy`, and what follows, as it was written. */
function pathBehind(url: string): [string, string] {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const mark = url.indexOf("?");
  const path = url.slice(start, mark < 0 ? undefined : mark);
  const found = /^(\/api\/v1\/(?:namespaces\/[^/]+\/)?(?:pods|services|nodes)\/[^/]+\/proxy)(\/.*)?$/.exec(path);
  return [found?.[1] ?? path, found?.[2] ?? ""];
}

function answer(
  reply: IncomingMessage,
  base: string,
  target: ProxyTarget,
  { raw }: Partial<ServerEnvironment>,
): Response {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(reply.headers)) {
    if (value !== undefined && !hopByHop.test(name)) headers[name] = value;
  }
  const { location } = headers;
  if (typeof location === "string") headers["location"] = relocated(location, base, target);
  const status = reply.statusCode ?? 502;
  if (raw === undefined) {
    const flat = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
    return new Response(status === 204 || status === 304 ? null : bodyOf(reply), { status, headers: flat });
  }
  raw.begin(status, headers);
  passOn(reply, raw);
  return answered;
}

/** A redirect within what is proxied stays behind the proxy. */
function relocated(location: string, base: string, { scheme, host, port }: ProxyTarget): string {
  if (location.startsWith("/") && !location.startsWith("//")) return `${base}${location}`;
  const own = [`${scheme}://${host}:${port}`, `${scheme}://${host}`].find((one) =>
    location === one || location.startsWith(`${one}/`)
  );
  return own === undefined ? location : `${base}${location.slice(own.length)}`;
}

async function upgrade(
  offer: UpgradeOffer,
  { scheme, host, port }: ProxyTarget,
  path: string,
  trust: Partial<ObjectProxyOptions["kubelet"]> & { readonly rejectUnauthorized?: boolean },
): Promise<Response> {
  const upstream = await new Promise<net.Socket>((resolve, reject) => {
    const socket = scheme === "https"
      ? tls.connect({ host, port, ...trust, ALPNProtocols: ["http/1.1"] }, () => resolve(socket))
      : net.connect({ host, port }, () => resolve(socket));
    socket.once("error", (error: Error) => reject(unreachable(error)));
  });
  upstream.setNoDelay(true);
  upstream.write(requestHead(offer, path, `${host}:${port}`));
  const { socket, head } = offer.take();
  splice(socket, upstream, head);
  return answered;
}

function unreachable(error: Error): ApiError {
  return new ApiError(503, "ServiceUnavailable", `error trying to reach service: ${error.message}`);
}
