/** Nodes and masters that are processes of their own: a master's inspector gathers what their actors tell. */
import type { Env, Hono } from "hono";
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
import { ApiError } from "../machines/objects/status.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { Clock, Wake } from "../ports/clock.ts";

const kubeletPath = "/inspect/stream";
const masterPath = "/inspect/own";
const lookEveryMs = 10_000;
const lookAgainMs = 1_000;
const connectWithinMs = 5_000;

/** On a kubelet, whose server lets in the API server alone: the stream of this process, who may see what is its affair. */
export function nodeInspectionRoutes<E extends Env & { Bindings: ServerEnvironment }>(
  app: Hono<E>,
  system: ActorSystem,
  name: string,
): Hub {
  return ownStream(app, kubeletPath, { system, name, maySend: true }, () => true);
}

/** On a master: the same for the other masters, which say who may see what themselves. */
export function masterInspectionRoutes<E extends Env & { Bindings: Partial<ServerEnvironment> }>(
  app: Hono<E>,
  own: OwnActors,
  isMaster: (user: string) => boolean,
): Hub {
  return ownStream(app, masterPath, own, (user) => isMaster(user));
}

interface OwnActors {
  readonly system: ActorSystem;
  readonly name: string;
  readonly maySend: boolean;
}

function ownStream<E extends Env & { Bindings: Partial<ServerEnvironment> }>(
  app: Hono<E>,
  path: string,
  { system, name, maySend }: OwnActors,
  admits: (user: string) => boolean,
): Hub {
  const session = realRandom.uuid().slice(0, 8);
  const hub = new Hub({ clock: system.clock, cluster: name, session, maySend });
  hub.add(new SystemSource({ system, name }));
  app.get(path, async (c) => {
    const { user } = c.var as { readonly user?: { readonly name: string } };
    if (!admits(user?.name ?? "")) throw forbidden(path);
    const { upgrade } = c.env;
    if (upgrade === undefined) throw badRequest("Upgrade request required");
    await acceptStream({ offer: upgrade, protocol: streamProtocol }, (send, unsent) =>
      hub.connect({
        send,
        get unsentBytes() {
          return unsent();
        },
        maySee: () => true,
        maySend,
      }));
    return answered;
  });
  return hub;
}

function forbidden(path: string): ApiError {
  return new ApiError(403, "Forbidden", `${path} is for the other masters; /inspect/stream shows what you may see`);
}

/** Another master, by its API server's own address: `https://host:port`. */
export interface OtherMaster {
  readonly name: string;
  readonly server: string;
}

export interface InspectedProcessesOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly authority: string;
  readonly certificate: KeyPair;
  /** Whether a node's actors are in this very process. */
  own(node: string): boolean;
  /** Masters beside this one. */
  others(): readonly OtherMaster[];
}

/** Keeps a source for each process elsewhere, while somebody watches. */
export class InspectedProcesses {
  readonly #options: InspectedProcessesOptions;
  readonly #hub: Hub;
  readonly #known = new Set<string>();
  #next: Wake | undefined;
  #stopped = true;

  constructor(hub: Hub, options: InspectedProcessesOptions) {
    this.#options = options;
    this.#hub = hub;
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
    const { clock } = this.#options;
    let next = lookEveryMs;
    try {
      const elsewhere = await this.#elsewhere();
      for (const name of [...this.#known]) {
        if (elsewhere.has(name)) continue;
        this.#known.delete(name);
        this.#hub.remove(name);
      }
      for (const [name, connect] of elsewhere) {
        if (this.#known.has(name)) continue;
        this.#known.add(name);
        this.#hub.add(new RemoteSource(name, clock, connect));
      }
    } catch {
      // The API is not there for the moment, or not yet: looked at again.
      next = lookAgainMs;
    }
    if (!this.#stopped) this.#next = clock.wakeAt(clock.now() + next, () => void this.#look());
  }

  /** By name; a machine may be a node and a master under one. */
  async #elsewhere(): Promise<Map<string, ConnectStream>> {
    const { client, own, others } = this.#options;
    const { items } = await client.list<Node>(resources.nodes);
    const found = new Map<string, ConnectStream>();
    for (const { metadata: { name } } of items) if (!own(name)) found.set(name, this.#connectToNode(name));
    for (const { name, server } of others()) {
      const connect = this.#connectTo(() => Promise.resolve(`${server.replace(/^http/, "ws")}${masterPath}`));
      found.set(found.has(name) ? `${name} (master)` : name, connect);
    }
    return found;
  }

  /** The node is read anew each time: its kubelet may have another port after a restart. */
  #connectToNode(name: string): ConnectStream {
    return this.#connectTo(async () => {
      const now = await this.#options.client.get<Node>(resources.nodes, undefined, name);
      const { host, port } = kubeletAddress(now);
      return `wss://${host}:${port}${kubeletPath}`;
    });
  }

  #connectTo(address: () => Promise<string>): ConnectStream {
    const { authority, certificate } = this.#options;
    return async (hear) => {
      const url = await address();
      const { WebSocket } = await webSocketPackage();
      const socket = new WebSocket(url, [streamProtocol], {
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
