/** Where `/proxy/` of a pod, service or node leads (Kubernetes docs, "Access Services Running on Clusters"). */
import type { EndpointSlice, Node, Pod, Service } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import type { Random } from "../../ports/random.ts";
import type { ApiRequest } from "../machinery/api_request.ts";
import { badRequest } from "../machinery/errors.ts";
import { kubeletAddress } from "./pod_target.ts";

export interface ProxyTarget {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  /** A kubelet's own port: it is shown the API server's certificate and has to show one of the cluster. */
  readonly kubelet: boolean;
}

interface Named {
  readonly scheme: "http" | "https";
  readonly name: string;
  /** "" when none was named. */
  readonly port: string;
}

/** `name`, `name:port` or `scheme:name:port`. @throws ApiError 400 */
export function parseProxyName(text: string): Named {
  const parts = text.split(":");
  const [scheme, name, port] = parts.length === 3 ? parts : ["", parts[0], parts[1] ?? ""];
  const known = scheme === "" || scheme === "http" || scheme === "https";
  if (parts.length > 3 || !known || name === undefined || name === "" || port === undefined) {
    throw badRequest(`invalid proxy request ${JSON.stringify(text)}`);
  }
  return { scheme: scheme === "https" ? "https" : "http", name, port };
}

/**
 * Addresses that are the API server's own or mean everybody: whoever may write an address into a pod's status or into
 * endpoints must not reach what listens beside the API server.
 */
export function isProxyable(address: string): boolean {
  if (address.includes(":")) return !/^(::1?$|::ffff:|fe[89ab]|ff)/i.test(address);
  return !/^(0|127|22[4-9]|23\d|255)\.|^169\.254\./.test(address);
}

function checked(target: ProxyTarget): ProxyTarget {
  if (!isProxyable(target.host)) throw badRequest("address not allowed");
  return target;
}

function unavailable(message: string): ApiError {
  return new ApiError(503, "ServiceUnavailable", message);
}

/** @throws ApiError 400, 404, 503 */
export async function proxyTarget(
  client: ApiClient,
  random: Pick<Random, "next">,
  request: ApiRequest,
): Promise<ProxyTarget> {
  const named = parseProxyName(request.name);
  switch (request.resource) {
    case "pods":
      return podTarget(await client.get<Pod>(resources.pods, request.namespace, named.name), named);
    case "services":
      return await serviceTarget(client, random, request.namespace, named);
    case "nodes":
      return nodeTarget(await client.get<Node>(resources.nodes, undefined, named.name), named);
    default:
      throw badRequest(`${request.resource} cannot be proxied`);
  }
}

function podTarget({ metadata, spec, status }: Pod, { scheme, port }: Named): ProxyTarget {
  const first = spec?.containers.flatMap(({ ports }) => ports ?? [])[0]?.containerPort;
  const host = status?.podIP ?? "";
  if (host === "") throw badRequest(`pod ${metadata.name} has no address yet`);
  const chosen = port === "" ? first ?? (scheme === "https" ? 443 : 80) : portNumber(port);
  return checked({ scheme, host, port: chosen, kubelet: false });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  throw badRequest(`invalid port ${JSON.stringify(text)}`);
}

async function serviceTarget(
  client: ApiClient,
  random: Pick<Random, "next">,
  namespace: string,
  { scheme, name, port }: Named,
): Promise<ProxyTarget> {
  const service = await client.get<Service>(resources.services, namespace, name);
  const ports = service.spec?.ports ?? [];
  let portName = port;
  if (/^\d+$/.test(port)) {
    const found = ports.find((one) => one.port === Number(port));
    if (found === undefined) throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
    portName = found.name ?? "";
  } else if (port === "" && ports.length === 1) portName = ports[0]!.name ?? "";
  const labelSelector = `kubernetes.io/service-name=${name}`;
  const slices = await client.list<EndpointSlice>(resources.endpointSlices, { namespace, labelSelector });
  const choices = slices.items.flatMap((slice) => {
    const found = slice.ports?.find((one) => (one.name ?? "") === portName)?.port;
    if (found === undefined) return [];
    const ready = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    return ready.flatMap(({ addresses }) => addresses.slice(0, 1).map((host) => ({ host, port: found })));
  });
  const chosen = choices[Math.floor(random.next() * choices.length)];
  if (chosen === undefined) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return checked({ scheme, ...chosen, kubelet: false });
}

function nodeTarget(node: Node, { scheme, port }: Named): ProxyTarget {
  const kubelet = kubeletAddress(node);
  if (port === "" || Number(port) === kubelet.port) return { scheme: "https", ...kubelet, kubelet: true };
  return checked({ scheme, host: kubelet.host, port: portNumber(port), kubelet: false });
}
