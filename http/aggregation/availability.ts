/** Whether an extension API server can be reached, in kube-aggregator's words, and what it serves. */
import type { IncomingMessage } from "node:http";
import type { EndpointSlice, Service } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import { goNetworkError } from "../outgoing/go_error.ts";
import { type ApiService, type ExtensionClient, remoteHeaders } from "./extension_client.ts";

export interface Availability {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  /** The APIResourceList it answers with. */
  readonly discovery?: unknown;
}

const no = (reason: string, message: string): Availability => ({ status: "False", reason, message });
const checkTimeoutMs = 5_000;

export async function availabilityOf(
  service: ApiService,
  { client, extension, clock }: { client: ApiClient; extension: ExtensionClient; clock: Clock },
): Promise<Availability> {
  const { namespace, name, port = 443 } = service.spec.service!;
  const shown = `service/${name} in ${JSON.stringify(namespace)}`;
  const found = await findService(client, namespace, name);
  if (found === undefined) return no("ServiceNotFound", `${shown} is not present`);
  if (found.spec?.type !== "ExternalName") {
    const own = found.spec?.ports?.find((each) => each.port === port);
    if (own === undefined) return no("ServicePortError", `${shown} is not listening on port ${port}`);
    const labelSelector = `kubernetes.io/service-name=${name}`;
    const { items } = await client.list<EndpointSlice>(resources.endpointSlices, { namespace, labelSelector });
    if (items.length === 0) return no("EndpointsNotFound", `cannot find endpointslices for ${shown}`);
    const portName = own.name ?? "";
    const isReady = items.some(({ endpoints = [], ports }) =>
      (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false) &&
      (ports ?? []).some((each) => (each.name ?? "") === portName && each.port !== undefined)
    );
    if (!isReady) {
      return no(
        "MissingEndpoints",
        `endpointslices for ${shown} have no addresses with port name ${JSON.stringify(portName)}`,
      );
    }
  }
  return await discoveryCheck(service, extension, clock);
}

async function findService(client: ApiClient, namespace: string, name: string): Promise<Service | undefined> {
  try {
    return await client.get<Service>(resources.services, namespace, name);
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

/** Asks for what the server has to serve in any case. */
async function discoveryCheck(service: ApiService, extension: ExtensionClient, clock: Clock): Promise<Availability> {
  const path = `/apis/${service.spec.group ?? ""}/${service.spec.version}`;
  let address = "";
  let giveUp = () => {};
  let late = false;
  const wake = clock.wakeAt(clock.now() + checkTimeoutMs, () => {
    late = true;
    giveUp();
  });
  try {
    const { host, port } = await extension.endpoint(service);
    address = `${host}:${port}`;
    const user = { name: "system:kube-aggregator", groups: ["system:masters"] };
    const headers = { ...remoteHeaders(user), accept: "application/json" };
    const reply = await extension.ask(service, { method: "GET", path, headers }, (stop) => giveUp = stop);
    const code = reply.statusCode ?? 0;
    const url = `https://${address}${path}`;
    const text = await textOf(reply);
    if (code < 200 || code >= 300) {
      return no("FailedDiscoveryCheck", `failing or missing response from ${url}: bad status from ${url}: ${code}`);
    }
    return { status: "True", reason: "Passed", message: "all checks passed", discovery: parsed(text) };
  } catch (error) {
    const url = `https://${address}${path}`;
    const why = late ? "context deadline exceeded" : goNetworkError(error, address);
    return no("FailedDiscoveryCheck", `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${why}`);
  } finally {
    wake.cancel();
  }
}

export async function textOf(reply: IncomingMessage): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of reply) text += decoder.decode(part as Uint8Array, { stream: true });
  return text + decoder.decode();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
