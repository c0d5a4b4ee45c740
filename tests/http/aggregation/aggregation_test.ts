import { assertEquals } from "@std/assert";
import { apiServiceActors } from "../../../actors/aggregation/api_service_actors.ts";
import { ActorSystem } from "../../../actors/system.ts";
import { Aggregation } from "../../../http/aggregation/aggregation.ts";
import { ApiServices, apiServices } from "../../../http/aggregation/api_services.ts";
import { ExtensionClient } from "../../../http/aggregation/extension_client.ts";
import { createApp } from "../../../http/app.ts";
import { issue, makeAuthority } from "../../../http/auth/certificates/issue.ts";
import { componentSubjects } from "../../../http/auth/certificates/subjects.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { admin, testApi } from "../machinery/test_api.ts";
import { extensionServer, group, manifests } from "./extension_server.ts";

const frontProxy = await makeAuthority("front-proxy-ca", Date.now());
const certificate = await issue(frontProxy, componentSubjects["front-proxy-client"], Date.now());
const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

async function world(allow?: string[]) {
  const test = await testApi(allow === undefined ? {} : { allow });
  const { api, clock } = test;
  const client = api.client({ ...admin, name: "system:apiserver" });
  const extension = new ExtensionClient({ client, random: { next: () => 0 }, certificate });
  const system = new ActorSystem({ clock });
  const services = new ApiServices({ client, clock, extension, watch: apiServiceActors(system, "master-0") });
  const following = services.follow();
  await following.ready;
  const ping = { name: "ping", check: () => undefined };
  const app = createApp({
    api,
    aggregation: new Aggregation(api, services, extension),
    authenticator: {
      authenticate: ({ headers }) => Promise.resolve({ ...admin, name: headers.get("x-user") ?? admin.name }),
    },
    serverAddress: "192.0.2.2:16443",
    health: { livez: [ping], readyz: [ping] },
  });
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await app.request(path, { headers: { authorization: "Bearer secret", ...headers } });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
    // deno-lint-ignore no-explicit-any
    return { code: response.status, body: isJson ? JSON.parse(text) as any : text };
  };
  const condition = async () => {
    const { status } = await client.get<KubeObject>(apiServices, undefined, `v1.${group}`);
    // deno-lint-ignore no-explicit-any
    const [only] = (status as any)?.conditions ?? [];
    return only === undefined ? "" : `${only.status} ${only.reason}: ${only.message}`;
  };
  /** Lets what is under way end, then time pass, until `holds`. */
  const until = async (holds: () => Promise<boolean>) => {
    for (let turn = 0; !await holds(); turn++) {
      if (turn > 5_000) throw new Error(`Cannot wait any longer: ${await condition()}`);
      if (turn % 100 === 99) clock.advance(1_000);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };
  return {
    ...test,
    client,
    get,
    condition,
    until,
    stop() {
      following.stop();
      system.stopAll();
      api.close();
    },
  };
}

Deno.test("an API that another server provides is found and answered there, in the name of who asks", async () => {
  await using server = await extensionServer(frontProxy.certificate);
  const { client, get, condition, until, stop } = await world();
  const { service, apiService } = manifests(server);
  await client.create(resources.services, "default", service);
  await client.create(apiServices, undefined, apiService);
  await until(async () => await condition() === "True Passed: all checks passed");
  const list = await get(`/apis/${group}/v1/namespaces/default/things?limit=5`);
  assertEquals([list.code, list.body.items.length], [200, 2]);
  assertEquals(server.asked, [
    `GET /apis/${group}/v1/namespaces/default/things?limit=5 by admin (system:masters, system:authenticated)`,
  ]);
  assertEquals((await get(`/apis/${group}/v1/namespaces/default/things/z`)).code, 404);
  assertEquals((await get(`/apis/${group}/v1`)).body.resources.length, 2);
  assertEquals((await get(`/apis/${group}`)).body.preferredVersion, { groupVersion: `${group}/v1`, version: "v1" });
  // deno-lint-ignore no-explicit-any
  const groups = (await get("/apis")).body.groups.map(({ name }: any) => name);
  assertEquals([groups.includes("apps"), groups.at(-1)], [true, group]);
  const { items } = (await get("/apis", { accept: aggregated })).body;
  assertEquals(items.at(-1), {
    metadata: { name: group },
    versions: [{
      version: "v1",
      resources: [{
        resource: "things",
        responseKind: { group: "", version: "", kind: "Thing" },
        scope: "Namespaced",
        singularResource: "thing",
        verbs: ["get", "list"],
        shortNames: ["th"],
        subresources: [{
          subresource: "status",
          responseKind: { group: "", version: "", kind: "Thing" },
          verbs: ["get"],
        }],
      }],
      freshness: "Current",
    }],
  });
  const index = (await get("/openapi/v3")).body.paths;
  assertEquals(["apis/apps/v1" in index, `apis/${group}/v1` in index], [true, true]);
  assertEquals((await get(index[`apis/${group}/v1`].serverRelativeURL)).body.openapi, "3.0.0");
  await client.delete(apiServices, undefined, `v1.${group}`);
  await until(async () => (await get(`/apis/${group}/v1/namespaces/default/things`)).code === 404);
  stop();
});

Deno.test("an API whose server is away says so, and is back when it is", async () => {
  const { client, get, condition, until, stop } = await world();
  await using server = await extensionServer(frontProxy.certificate);
  const { service, apiService } = manifests(server);
  await client.create(apiServices, undefined, apiService);
  await until(async () => await condition() !== "");
  assertEquals(await condition(), 'False ServiceNotFound: service/s in "default" is not present');
  assertEquals(await get(`/apis/${group}/v1/namespaces/default/things`), { code: 503, body: "service unavailable\n" });
  const { items } = (await get("/apis", { accept: aggregated })).body;
  assertEquals(items.at(-1).versions[0].freshness, "Stale");
  await client.create(resources.services, "default", service);
  await until(async () => (await get(`/apis/${group}/v1/namespaces/default/things`)).code === 200);
  stop();
});

Deno.test("an API whose server shows a certificate that nobody vouches for is not available", async () => {
  await using server = await extensionServer(frontProxy.certificate);
  const { client, condition, until, stop } = await world();
  const { service, apiService } = manifests({ ...server, caBundle: btoa(frontProxy.certificate) });
  await client.create(resources.services, "default", service);
  await client.create(apiServices, undefined, apiService);
  await until(async () => await condition() !== "");
  const url = `https://localhost:${server.port}/apis/${group}/v1`;
  assertEquals(
    await condition(),
    `False FailedDiscoveryCheck: failing or missing response from ${url}: Get "${url}": tls: failed to verify ` +
      "certificate: x509: certificate signed by unknown authority",
  );
  stop();
});

Deno.test("who may not is not let through to another server's API", async () => {
  await using server = await extensionServer(frontProxy.certificate);
  const { client, get, condition, until, stop } = await world(["system:apiserver"]);
  const { service, apiService } = manifests(server);
  await client.create(resources.services, "default", service);
  await client.create(apiServices, undefined, apiService);
  await until(async () => (await condition()).startsWith("True"));
  assertEquals((await get(`/apis/${group}/v1/namespaces/default/things`)).code, 403);
  assertEquals(server.asked, []);
  stop();
});
