/** Nodes that are processes of their own: the master's inspector gathers what their actors tell, from their kubelets. */
import type { Hono } from "hono";
import { Hub } from "../actors/inspection/inspection_hub.ts";
import { type ConnectStream, RemoteSource } from "../actors/inspection/remote_source.ts";
import { SystemSource } from "../actors/inspection/system_source.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { ActorSystem } from "../actors/system.ts";
import type { KeyPair } from "../http/auth/certificates/issue.ts";
import { acceptStream, streamProtocol } from "../http/inspector/inspector_routes.ts";
import { badRequest } from "../http/machinery/errors.ts";
import { answered, type ServerEnvironment } from "../http/server.ts";
import { kubeletAddress } from "../http/streaming/pod_target.ts";
import { webSocketPackage } from "../http/streaming/web_socket.ts";
import type { Node } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { Clock, Wake } from "../ports/clock.ts";

const path = "/inspect/stream";
const lookEveryMs = 10_000;
const connectWithinMs = 5_000;

/** On a kubelet, whose server lets in the API server alone: the stream of this process, who may see what is its affair. */
export function nodeInspectionRoutes(
  app: Hono<{ Bindings: ServerEnvironment }>,
  system: ActorSystem,
  name: string,
): Hub {
  const session = realRandom.uuid().slice(0, 8);
  const hub = new Hub({ clock: system.clock, cluster: name, session, maySend: true });
  hub.add(new SystemSource({ system, name }));
  app.get(path, async (c) => {
    const { upgrade } = c.env;
    if (upgrade === undefined) throw badRequest("Upgrade request required");
    await acceptStream({ offer: upgrade, protocol: streamProtocol }, (send, unsent) =>
      hub.connect({
        send,
        get unsentBytes() {
          return unsent();
        },
        maySee: () => true,
        maySend: true,
      }));
    return answered;
  });
  return hub;
}

export interface InspectedNodesOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly authority: string;
  readonly certificate: KeyPair;
  /** Whether a node's actors are in this very process. */
  own(node: string): boolean;
}

/** Keeps a source for each node elsewhere, while somebody watches. */
export class InspectedNodes {
  readonly #options: InspectedNodesOptions;
  readonly #hub: Hub;
  readonly #known = new Set<string>();
  #next: Wake | undefined;
  #stopped = true;

  constructor(hub: Hub, options: InspectedNodesOptions) {
    this.#hub = hub;
    this.#options = options;
    hub.whenWatched((watched) => watched ? this.#begin() : this.#end());
  }

  #begin(): void {
    this.#stopped = false;
    void this.#look();
  }

  #end(): void {
    this.#stopped = true;
    this.#next?.cancel();
  }

  async #look(): Promise<void> {
    const { client, clock, own } = this.#options;
    try {
      const { items } = await client.list<Node>(resources.nodes);
      const elsewhere = new Map(
        items.map((node) => [node.metadata.name, node]).filter(([name]) => !own(name as string)) as [string, Node][],
      );
      for (const name of [...this.#known]) {
        if (elsewhere.has(name)) continue;
        this.#known.delete(name);
        this.#hub.remove(name);
      }
      for (const [name, node] of elsewhere) {
        if (this.#known.has(name)) continue;
        this.#known.add(name);
        this.#hub.add(new RemoteSource(name, clock, this.#connectTo(node)));
      }
    } catch {
      // The API is not there for the moment: looked at again.
    }
    if (!this.#stopped) this.#next = clock.wakeAt(clock.now() + lookEveryMs, () => void this.#look());
  }

  /** The node is read anew each time: its kubelet may have another port after a restart. */
  #connectTo(node: Node): ConnectStream {
    const { client, authority, certificate } = this.#options;
    return async (hear) => {
      const now = await client.get<Node>(resources.nodes, undefined, node.metadata.name);
      const { host, port } = kubeletAddress(now);
      const { WebSocket } = await webSocketPackage();
      const socket = new WebSocket(`wss://${host}:${port}${path}`, [streamProtocol], {
        ca: authority,
        cert: certificate.certificate,
        key: certificate.key,
        handshakeTimeout: connectWithinMs,
      });
      socket.on("message", (data, isBinary) => !isBinary && hear.message(String(data)));
      socket.on("close", () => hear.closed());
      await new Promise<void>((resolve, reject) => {
        socket.on("open", resolve);
        socket.on("error", reject);
      });
      return { send: (text) => socket.send(text), close: () => socket.close() };
    };
  }
}
