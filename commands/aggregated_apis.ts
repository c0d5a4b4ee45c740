/** What other API servers provide under this one's name: they are shown the front proxy's certificate. */
import { apiServiceActors } from "../actors/aggregation/api_service_actors.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { ActorSystem } from "../actors/system.ts";
import { Aggregation } from "../http/aggregation/aggregation.ts";
import { ApiServices } from "../http/aggregation/api_services.ts";
import { ExtensionClient } from "../http/aggregation/extension_client.ts";
import { type ClusterKeys, keptCertificate } from "../http/auth/certificates/pki.ts";
import { componentSubjects } from "../http/auth/certificates/subjects.ts";
import type { Api } from "../http/machinery/api.ts";
import type { ApiClient } from "../ports/api_client.ts";

export interface AggregationOptions {
  readonly system: ActorSystem;
  /** The master's name. */
  readonly node: string;
  readonly files: Parameters<typeof keptCertificate>[0];
  readonly keys: ClusterKeys;
  readonly api: Api;
  /** The server's own. */
  readonly client: ApiClient;
}

export async function startAggregation(
  { system, node, files, keys, api, client }: AggregationOptions,
): Promise<{ readonly aggregation: Aggregation; stop(): void }> {
  const { clock } = system;
  const subject = componentSubjects["front-proxy-client"];
  const signer = keys.frontProxyAuthority;
  const certificate = await keptCertificate(files, "front-proxy-client", signer, subject, clock.wallTime());
  const extension = new ExtensionClient({ client, random: realRandom, certificate });
  const services = new ApiServices({ client, clock, extension, watch: apiServiceActors(system, node) });
  const following = services.follow();
  await following.ready;
  return { aggregation: new Aggregation(api, services, extension), stop: () => following.stop() };
}
