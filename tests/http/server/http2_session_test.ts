/**
 * Gates every upgrade of Deno: some versions corrupt memory when an HTTP/2 session that carried many requests closes
 * (see docs/architecture.md). Passing means the process is still alive.
 */
import http2 from "node:http2";
import { assertEquals } from "@std/assert";
import { serve } from "../../../http/server.ts";
import { authority, serving } from "./keys.ts";

Deno.test("the server survives 20 HTTP/2 sessions of 1,000 requests each", async () => {
  const server = await serve({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    certificate: serving.certificate,
    key: serving.key,
    clientCertificateAuthority: authority.certificate,
    fetch: () => new Response("ok"),
  });
  let answered = 0;
  for (let round = 0; round < 20; round++) {
    const session = http2.connect(`https://127.0.0.1:${server.addresses[0]!.port}`, { ca: authority.certificate });
    const closed = new Promise((resolve) => session.once("close", () => resolve(undefined)));
    for (let batch = 0; batch < 10; batch++) {
      const bodies = await Promise.all(Array.from({ length: 100 }, () => get(session)));
      answered += bodies.filter((body) => body === "ok").length;
    }
    session.close();
    await closed;
  }
  await server.close(5_000);
  assertEquals([answered, server.connections], [20_000, 0]);
});

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
