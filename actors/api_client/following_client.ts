/** The API over HTTPS for who stays: it follows which masters there are, and goes to the next one when its own is lost. */
import { apiConnectionMachine, inTurn } from "../../machines/api_connection/api_connection_machine.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import { type ActorHandle, actorKind, type ActorSystem, address } from "../system.ts";
import { HttpClient, type Identity, type Route } from "./http_client.ts";

export interface FollowingClientOptions extends Identity {
  readonly system: ActorSystem;
  /** Whose connection it is. */
  readonly node: string;
  /** What is known of the masters before one of them has said more: `https://host:port`. */
  readonly servers: readonly string[];
  /** Where a master that serves answers with `{ servers }`. */
  readonly path: string;
  /** For the next start. */
  keep(servers: readonly string[]): void;
}

export function followingClient(options: FollowingClientOptions): ApiClient & { close(): void } {
  const { system, node, servers, path, keep, ...identity } = options;
  const at = address({ node, kind: "api-connection", name: node });
  let connection = undefined as ActorHandle<typeof apiConnectionMachine> | undefined;
  const route: Route = {
    servers: () => connection === undefined ? servers : inTurn(connection.getSnapshot().context),
    failed: (server) => connection?.send({ type: "request.failed", server }),
  };
  const client = new FollowingClient(identity, route, () => system.stop(at));
  const kind = actorKind("api-connection", apiConnectionMachine, {
    askServer: async ({ server }, { signal }) => ({
      type: "server.answered",
      servers: await mastersAt(client, server, path, signal),
    }),
    dropServer: ({ server }) => client.drop(server),
    keepServers: ({ servers }) => void keep(servers),
  });
  connection = system.spawn(kind, { address: at, input: { servers } });
  return client;
}

class FollowingClient extends HttpClient {
  constructor(identity: Identity, route: Route, readonly end: () => void) {
    super(identity, route);
  }

  override close(): void {
    this.end();
    super.close();
  }
}

/** One that is older, or has given no right to ask, serves as well: it just does not say who else does. */
async function mastersAt(client: HttpClient, server: string, path: string, signal: AbortSignal): Promise<string[]> {
  const response = await client.ask(server, path, signal);
  const text = await response.text();
  if (response.status === 403 || response.status === 404) return [];
  if (!response.ok) throw new Error(`${server} answered ${response.status}: ${text.slice(0, 200)}`);
  const { servers } = JSON.parse(text) as { servers?: unknown };
  return Array.isArray(servers) ? servers.filter((each) => typeof each === "string") : [];
}
