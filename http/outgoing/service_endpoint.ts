/** A ready endpoint behind a service: who is named by its service is dialled directly, wherever its address leads. */
import type { EndpointSlice, Service } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import type { Random } from "../../ports/random.ts";

export interface ServiceReference {
  readonly namespace: string;
  readonly name: string;
  /** Default: 443. */
  readonly port?: number;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Why there is none. */
export class NoEndpoint extends Error {}

/** @throws NoEndpoint */
export async function serviceEndpoint(
  client: ApiClient,
  random: Pick<Random, "next">,
  { namespace, name, port = 443 }: ServiceReference,
): Promise<Endpoint> {
  const service = await findService(client, namespace, name);
  const { type, externalName, ports = [] } = service.spec ?? {};
  if (type === "ExternalName") return { host: externalName ?? "", port };
  const found = ports.find((each) => each.port === port);
  if (found === undefined) throw new NoEndpoint(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const labelSelector = `kubernetes.io/service-name=${name}`;
  const { items } = await client.list<EndpointSlice>(resources.endpointSlices, { namespace, labelSelector });
  const choices = items.flatMap((slice) => {
    const own = slice.ports?.find((each) => (each.name ?? "") === (found.name ?? ""))?.port;
    if (own === undefined) return [];
    const ready = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    return ready.flatMap(({ addresses }) => addresses.slice(0, 1).map((host) => ({ host, port: own })));
  });
  const chosen = choices[Math.floor(random.next() * choices.length)];
  if (chosen === undefined) throw new NoEndpoint(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen;
}

async function findService(client: ApiClient, namespace: string, name: string): Promise<Service> {
  try {
    return await client.get<Service>(resources.services, namespace, name);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 404) throw error;
    throw new NoEndpoint(`service ${JSON.stringify(name)} not found`);
  }
}
