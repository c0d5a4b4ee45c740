import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { ApiRequest } from "../../../http/machinery/api_request.ts";
import { proxyObject } from "../../../http/streaming/object_proxy.ts";
import { isProxyable, parseProxyName, proxyTarget } from "../../../http/streaming/proxy_target.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import type { ApiClient } from "../../../ports/api_client.ts";

const random = { next: () => 0.99 };

/** Answers `get` and `list` from a table by resource. */
function clientOf(objects: Record<string, unknown>): ApiClient {
  return {
    get: (ref: { resource: string }) => Promise.resolve(objects[ref.resource]),
    list: (ref: { resource: string }) => Promise.resolve({ items: objects[ref.resource] }),
  } as unknown as ApiClient;
}

const asked = (resource: string, name: string) => ({ resource, name, namespace: "default" }) as unknown as ApiRequest;

const world = {
  pods: {
    metadata: { name: "p" },
    spec: { containers: [{ ports: [{ containerPort: 8080 }] }] },
    status: { podIP: "10.1.0.5" },
  },
  services: {
    metadata: { name: "s" },
    spec: { ports: [{ name: "web", port: 80 }, { name: "admin", port: 81 }] },
  },
  endpointslices: [{
    ports: [{ name: "web", port: 8080 }, { name: "admin", port: 8081 }],
    endpoints: [
      { addresses: ["10.1.0.6"], conditions: { ready: true } },
      { addresses: ["10.1.0.7"], conditions: { ready: false } },
    ],
  }],
  nodes: {
    metadata: { name: "n" },
    status: {
      addresses: [{ type: "InternalIP", address: "10.2.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    },
  },
};

const targets: { name: string; resource: string; object: string; target: string }[] = [
  { name: "a pod's first port", resource: "pods", object: "p", target: "http://10.1.0.5:8080" },
  { name: "a pod's named port and scheme", resource: "pods", object: "https:p:443", target: "https://10.1.0.5:443" },
  { name: "a service's port by name", resource: "services", object: "s:admin", target: "http://10.1.0.6:8081" },
  { name: "a service's port by number", resource: "services", object: "s:80", target: "http://10.1.0.6:8080" },
  { name: "a node's kubelet", resource: "nodes", object: "n", target: "https://10.2.0.1:10250 kubelet" },
  { name: "another port of a node", resource: "nodes", object: "n:9100", target: "http://10.2.0.1:9100" },
];
for (const { name, resource, object, target } of targets) {
  Deno.test(`a proxied request goes to ${name}`, async () => {
    const { scheme, host, port, kubelet } = await proxyTarget(clientOf(world), random, asked(resource, object));
    assertEquals(`${scheme}://${host}:${port}${kubelet ? " kubelet" : ""}`, target);
  });
}

Deno.test("a proxied request to a service without ready endpoints, or to no port of it, is answered 503", async () => {
  for (
    const [name, objects] of [["s:80", { ...world, endpointslices: [] }], ["s:82", world], ["s:none", world]] as const
  ) {
    const error = await assertRejects(() => proxyTarget(clientOf(objects), random, asked("services", name)), ApiError);
    assertEquals((error as ApiError).code, 503);
  }
});

Deno.test("addresses of the API server's own host are not proxied to", async () => {
  const refused = ["127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::1", "::"];
  assertEquals([...refused, "fe80::1", "::ffff:127.0.0.1", "ff02::1"].filter(isProxyable), []);
  assertEquals(["10.0.0.1", "192.168.1.1", "fd00::1", "172.17.0.2"].filter(isProxyable).length, 4);
  const pods = { ...world.pods, status: { podIP: "127.0.0.1" } };
  await assertRejects(
    () => proxyTarget(clientOf({ pods }), random, asked("pods", "p")),
    ApiError,
    "address not allowed",
  );
});

Deno.test("names that are no proxy targets are refused", () => {
  for (const name of ["a:b:c:d", "ftp:p:21", "", ":80"]) assertThrows(() => parseProxyName(name), ApiError);
});

const address = Object.values(Deno.networkInterfaces()).find(({ family, address }) =>
  family === "IPv4" && isProxyable(address)
)?.address;
if (address === undefined) console.log("skipped: proxying needs an IPv4 address of this host that is not loopback");

Deno.test({
  name: "a proxied request and its answer pass through, credentials and redirects do not",
  ignore: address === undefined,
  async fn() {
    const server = http.createServer((request, response) => {
      if (request.url === "/away") return void response.writeHead(302, { location: "/there?x=1" }).end();
      let body = "";
      request.on("data", (chunk) => body += chunk);
      request.on("end", () => {
        const { authorization, cookie, "x-own": own } = request.headers;
        response.writeHead(418, { "x-answer": "yes", connection: "keep-alive" });
        response.end(JSON.stringify({ method: request.method, url: request.url, body, authorization, cookie, own }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    const { port } = server.address() as AddressInfo;
    const client = clientOf({ pods: { ...world.pods, status: { podIP: address } } });
    const kubelet = { ca: "", cert: "", key: "" };
    const base = `https://api/api/v1/namespaces/default/pods/p:${port}/proxy`;
    const ask = (path: string, init: RequestInit = {}) =>
      proxyObject({ client, random, kubelet }, asked("pods", `p:${port}`), new Request(base + path, init), {});
    const headers = { authorization: "Bearer secret", cookie: "a=b", "x-own": "1" };
    const answer = await ask("/a%2Fb/?q=1", { method: "POST", headers, body: "hello" });
    assertEquals([answer.status, answer.headers.get("x-answer"), answer.headers.get("connection")], [418, "yes", null]);
    assertEquals(await answer.json(), { method: "POST", url: "/a%2Fb/?q=1", body: "hello", own: "1" });
    const moved = await ask("/away");
    await moved.body?.cancel();
    assertEquals(moved.headers.get("location"), `/api/v1/namespaces/default/pods/p:${port}/proxy/there?x=1`);
    assertEquals((await ask("?q=1")).headers.get("location"), `/api/v1/namespaces/default/pods/p:${port}/proxy/?q=1`);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  },
});
