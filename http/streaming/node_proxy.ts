/**
 * The API server's side of logs, exec, attach and port-forward: it knows the pod, the node and the rights, dials the
 * node's kubelet with the API server's own certificate and passes the bytes of the connection on, both ways, as they are.
 */
import https from "node:https";
import type { IncomingMessage } from "node:http";
import tls from "node:tls";
import type { Node, Pod } from "../../machines/objects/object.ts";
import { ApiError, type Status } from "../../machines/objects/status.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import type { Random } from "../../ports/random.ts";
import type { KeyPair } from "../auth/certificates/issue.ts";
import { logOptions } from "../kubelet/log_options.ts";
import { forbiddenRequest } from "../auth/forbidden.ts";
import { type ApiRequest, attributesOf } from "../machinery/api_request.ts";
import { badRequest, methodNotAllowed, notImplemented } from "../machinery/errors.ts";
import type { Authorizer } from "../machinery/types.ts";
import { answered, type ServerEnvironment, type UpgradeOffer } from "../server.ts";
import { proxyObject } from "./object_proxy.ts";
import { bodyOf, passOn, requestHead, splice } from "./relay.ts";
import { containerOf, kubeletAddress, podOnNode } from "./pod_target.ts";

export interface NodeProxyOptions {
  readonly client: ApiClient;
  /** What the API server shows to kubelets. */
  readonly clientCertificate: KeyPair;
  /** PEM: signs kubelets' serving certificates. */
  readonly authority: string;
  /**
   * Asked once more for `create` where a stream was asked for with GET, as WebSocket clients must: who may only read
   * pods must not run commands in them (Kubernetes 1.35, AuthorizePodWebsocketUpgradeCreatePermission).
   */
  readonly authorizer?: Authorizer;
  /** Chooses among a service's endpoints. */
  readonly random?: Pick<Random, "next">;
}

export interface NodeProxy {
  /** Carries out a request that is allowed; fits the application's `connect`. */
  connect(
    connection: { readonly request: ApiRequest; readonly http: Request },
    environment: Partial<ServerEnvironment>,
  ): Promise<Response>;
  /** Lets go of the connections kept to kubelets. */
  close(): void;
}

interface Kubelet {
  readonly host: string;
  readonly port: number;
}

export function nodeProxy(options: NodeProxyOptions): NodeProxy {
  const { certificate: cert, key } = options.clientCertificate;
  const trust = { ca: options.authority, cert, key };
  const agent = new https.Agent({ keepAlive: true, ...trust });
  // Which of a service's endpoints answers is nobody's to predict and nobody's to repeat.
  const random = options.random ?? { next: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32 };
  const proxied = { client: options.client, random, kubelet: trust };

  async function locate(request: ApiRequest): Promise<{ pod: Pod; kubelet: () => Promise<Kubelet> }> {
    const pod = await options.client.get<Pod>(resources.pods, request.namespace, request.name);
    const kubelet = async () => {
      const node = await options.client.get<Node>(resources.nodes, undefined, podOnNode(pod));
      return kubeletAddress(node);
    };
    return { pod, kubelet };
  }

  async function logs(request: ApiRequest, environment: Partial<ServerEnvironment>): Promise<Response> {
    const { query } = request;
    const wanted = logOptions(query);
    const { pod, kubelet } = await locate(request);
    const container = containerOf(pod, query.get("container") ?? "", "log");
    // A pod that no node has taken has said nothing yet.
    if ((pod.spec?.nodeName ?? "") === "") return new Response("", { headers: { "content-type": "text/plain" } });
    const passed = new URLSearchParams();
    for (const [name, value] of Object.entries(wanted)) if (value !== false) passed.set(name, String(value));
    const { host, port } = await kubelet();
    const path = `/containerLogs/${target(pod)}/${encodeURIComponent(container)}?${passed}`;
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = https.get({ host, port, path, agent }, resolve);
      asked.on("error", (error) => reject(unreachable(request, { host, port }, path, error)));
      environment.raw?.onClose(() => asked.destroy());
    });
    if (reply.statusCode !== 200) throw ApiError.from(await statusOf(reply));
    const headers = { "content-type": "text/plain", "cache-control": "no-cache, private" };
    const { raw } = environment;
    if (raw === undefined) return new Response(bodyOf(reply), { headers });
    raw.begin(200, headers);
    passOn(reply, raw);
    return answered;
  }

  async function upgrade(
    request: ApiRequest,
    path: (pod: Pod) => string,
    offer: UpgradeOffer | undefined,
  ): Promise<Response> {
    if (request.verb === "get" && options.authorizer !== undefined) {
      const attributes = { ...attributesOf(request), verb: "create" };
      const decision = await options.authorizer.authorize(attributes);
      if (!decision.allowed) throw forbiddenRequest(attributes, decision.reason);
    }
    const { pod, kubelet } = await locate(request);
    const target = path(pod);
    if (offer === undefined) throw badRequest("Upgrade request required");
    const { host, port } = await kubelet();
    const upstream = tls.connect({ host, port, ...trust, ALPNProtocols: ["http/1.1"], ...serverName(host) });
    await new Promise<void>((resolve, reject) => {
      upstream.once("secureConnect", () => resolve());
      upstream.once("error", (error) => reject(unreachable(request, { host, port }, target, error)));
    });
    upstream.setNoDelay(true);
    upstream.write(requestHead(offer, target, `${host}:${port}`));
    const { socket, head } = offer.take();
    splice(socket, upstream, head);
    return answered;
  }

  return {
    async connect({ request, http }, environment) {
      if (request.subresource === "proxy") return await proxyObject(proxied, request, http, environment);
      if (request.resource !== "pods") throw notImplemented(`connect to ${request.resource}/${request.subresource}`);
      const { query } = request;
      const { upgrade: offer } = environment;
      switch (request.subresource) {
        case "log":
          if (request.verb !== "get") throw methodNotAllowed();
          return await logs(request, environment);
        case "exec":
        case "attach": {
          const word = request.subresource;
          return await upgrade(request, (pod) => {
            const container = containerOf(pod, query.get("container") ?? "", word);
            return `/${word}/${target(pod)}/${encodeURIComponent(container)}?${processQuery(query, word)}`;
          }, offer);
        }
        case "portforward":
          return await upgrade(request, (pod) => {
            const ports = query.getAll("ports").map((port) => `port=${encodeURIComponent(port)}`).join("&");
            return `/portForward/${target(pod)}?${ports}`;
          }, offer);
        default:
          throw notImplemented(`connect to pods/${request.subresource}`);
      }
    },
    close: () => agent.destroy(),
  };
}

function target({ metadata }: Pod): string {
  return `${encodeURIComponent(metadata.namespace ?? "")}/${encodeURIComponent(metadata.name)}`;
}

/** The API's names of the streams (`stdin`) are not the kubelet's (`input`). */
function processQuery(query: URLSearchParams, word: "exec" | "attach"): URLSearchParams {
  const passed = new URLSearchParams();
  const names = [["stdin", "input"], ["stdout", "output"], ["stderr", "error"], ["tty", "tty"]] as const;
  let streams = 0;
  for (const [own, theirs] of names) {
    const text = query.get(own);
    if (text !== "true" && text !== "1") continue;
    passed.set(theirs, "1");
    if (own !== "tty") streams++;
  }
  if (streams === 0) throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
  if (word === "attach") return passed;
  const command = query.getAll("command");
  if (command.length === 0) throw badRequest("you must specify at least 1 command for the container");
  for (const argument of command) passed.append("command", argument);
  return passed;
}

function serverName(host: string): { servername?: string } {
  return /^[\d.]+$|:/.test(host) ? {} : { servername: host };
}

function unreachable(request: ApiRequest, { host, port }: Kubelet, path: string, error: Error): ApiError {
  const url = `https://${host}:${port}${path}`;
  const message = request.subresource === "log"
    ? `Get ${JSON.stringify(url)}: ${error.message}`
    : `error dialing backend: ${error.message}`;
  const refusal = new ApiError(500, "", message);
  delete refusal.status.reason;
  return refusal;
}

async function statusOf(reply: IncomingMessage): Promise<Status> {
  let text = "";
  reply.setEncoding("utf8");
  for await (const chunk of reply) text += chunk;
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === "Status") return status;
  } catch {
    // Not from a kubelet of ours: its text is the message.
  }
  return new ApiError(reply.statusCode ?? 500, "InternalError", text.trim()).status;
}
