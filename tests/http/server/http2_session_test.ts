/**
 * Gates every upgrade of Deno: some versions corrupt memory when an HTTP/2 session of node's server that carried many
 * requests closes (see docs/decisions/0001). Passing means the process is still alive. Our own server does the same.
 */
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { assertEquals } from "@std/assert";
import { serve } from "../../../http/server.ts";
import { authority, serving } from "./keys.ts";

Deno.test("node's HTTP/2 server survives 20 sessions of 1,000 requests each", async () => {
  const server = http2.createSecureServer({ cert: serving.certificate, key: serving.key }, (_, response) => {
    response.end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  assertEquals(await sessions(20, (server.address() as AddressInfo).port), 20_000);
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("the server survives 5 HTTP/2 sessions of 1,000 requests each", async () => {
  const server = await serve({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    certificate: serving.certificate,
    key: serving.key,
    clientCertificateAuthority: authority.certificate,
    fetch: () => new Response("ok"),
  });
  const answered = await sessions(5, server.addresses[0]!.port);
  await server.close(5_000);
  assertEquals([answered, server.connections], [5_000, 0]);
});

/** How many requests were answered, a hundred at a time, a thousand a session. */
async function sessions(count: number, port: number): Promise<number> {
  let answered = 0;
  for (let round = 0; round < count; round++) {
    const session = http2.connect(`https://127.0.0.1:${port}`, { ca: authority.certificate });
    const closed = new Promise((resolve) => session.once("close", () => resolve(undefined)));
    for (let batch = 0; batch < 10; batch++) {
      const bodies = await Promise.all(Array.from({ length: 100 }, () => get(session)));
      answered += bodies.filter((body) => body === "ok").length;
    }
    session.close();
    await closed;
  }
  return answered;
}

function get(session: http2.ClientHttp2Session): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": "/" });
    let body = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => body += chunk);
    stream.on("end", () => resolve(body));
    stream.on("error", reject);
    stream.end();
  });
}
