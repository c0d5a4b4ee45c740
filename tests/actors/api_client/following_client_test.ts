import { assertEquals } from "@std/assert";
import { followingClient } from "../../../actors/api_client/following_client.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { ActorSystem, address } from "../../../actors/system.ts";
import { answered, serve, type Server } from "../../../http/server.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { authority, serving } from "../../http/server/keys.ts";
import { eventually } from "../../support/eventually.ts";

const configMaps = { group: "", version: "v1", resource: "configmaps" };

/** A master that says who it is, keeps watches open, and can fall silent without ending anything. */
class Master {
  silent = false;
  masters: string[] = [];
  #server: Server | undefined;

  constructor(readonly name: string) {}

  async start(): Promise<void> {
    this.#server = await serve({
      addresses: [{ host: "127.0.0.1", port: 0 }],
      certificate: serving.certificate,
      key: serving.key,
      clientCertificateAuthority: authority.certificate,
      fetch: (request, { raw }) => {
        const { pathname, searchParams } = new URL(request.url);
        if (this.silent) return new Promise<Response>((resolve) => raw.onClose(() => resolve(answered)));
        if (pathname === "/masters") return Response.json({ servers: this.masters });
        const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: this.name, resourceVersion: "7" } };
        if (!searchParams.has("watch")) return Response.json(object);
        raw.begin(200, { "content-type": "application/json" });
        raw.write(new TextEncoder().encode(`${JSON.stringify({ type: "ADDED", object })}\n`));
        return answered;
      },
    });
  }

  get url(): string {
    return `https://127.0.0.1:${this.#server!.addresses[0]!.port}`;
  }

  async close(): Promise<void> {
    await this.#server?.close(0);
  }
}

Deno.test("followingClient leaves a master that has fallen silent: its watches end, and requests go to the next one", async () => {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const [a, b] = [new Master("a"), new Master("b")];
  await Promise.all([a.start(), b.start()]);
  a.masters = b.masters = [a.url, b.url];
  const kept: (readonly string[])[] = [];
  const client = followingClient({
    system,
    node: "worker-1",
    servers: [a.url],
    authority: authority.certificate,
    userAgent: "test",
    path: "/masters",
    keep: (servers) => kept.push(servers),
  });
  const answeredBy = async () => (await client.get<KubeObject>(configMaps, "default", "any")).metadata.name;
  const connection = system.get(address({ node: "worker-1", kind: "api-connection", name: "worker-1" }));
  const connected = () =>
    eventually("it is connected", () => {
      clock.run();
      assertEquals(connection?.getSnapshot().value, "connected");
    }, { everyMs: 2 });
  try {
    await connected();
    assertEquals([kept, await answeredBy()], [[[a.url, b.url]], "a"]);
    const seen = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    client.watch<KubeObject>(configMaps, {}, { events: () => seen.resolve(), closed: () => ended.resolve() });
    await seen.promise;

    a.silent = true;
    clock.advance(10_000);
    const hanging = answeredBy();
    clock.advance(4_000);
    await ended.promise;
    // It changes nothing, so it is asked again, elsewhere.
    assertEquals(await hanging, "b");
    await connected();
    assertEquals([await answeredBy(), kept.length], ["b", 1]);
  } finally {
    client.close();
    system.stopAll();
    await Promise.all([a.close(), b.close()]);
  }
});
