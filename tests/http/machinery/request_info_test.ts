import { assertEquals, assertThrows } from "@std/assert";
import { negotiate } from "../../../http/machinery/negotiation.ts";
import { requestInfo } from "../../../http/machinery/request_info.ts";
import { ApiError } from "../../../machines/objects/status.ts";

const paths: { request: string; info: Record<string, string> }[] = [
  { request: "GET /api/v1/pods", info: { verb: "list", resource: "pods" } },
  { request: "GET /api/v1/pods?watch=true", info: { verb: "watch", resource: "pods" } },
  { request: "GET /api/v1/pods?watch=0", info: { verb: "list", resource: "pods" } },
  {
    request: "GET /api/v1/namespaces/a/pods/p",
    info: { verb: "get", resource: "pods", namespace: "a", name: "p" },
  },
  {
    request: "POST /api/v1/namespaces/a/pods/p/binding",
    info: { verb: "create", resource: "pods", namespace: "a", name: "p", subresource: "binding" },
  },
  {
    request: "GET /api/v1/namespaces/a/services/s/proxy/x/y",
    info: { verb: "get", resource: "services", namespace: "a", name: "s", subresource: "proxy", rest: "x/y" },
  },
  { request: "GET /api/v1/namespaces", info: { verb: "list", resource: "namespaces" } },
  { request: "GET /api/v1/namespaces/a", info: { verb: "get", resource: "namespaces", namespace: "a", name: "a" } },
  {
    request: "PUT /api/v1/namespaces/a/finalize",
    info: { verb: "update", resource: "namespaces", namespace: "a", name: "a", subresource: "finalize" },
  },
  {
    request: "DELETE /apis/apps/v1/namespaces/a/deployments",
    info: {
      verb: "deletecollection",
      group: "apps",
      resource: "deployments",
      namespace: "a",
    },
  },
  { request: "GET /api/v1/watch/namespaces/a/pods", info: { verb: "watch", resource: "pods", namespace: "a" } },
  {
    request: "GET /api/v1/nodes?fieldSelector=metadata.name%3Dn1&watch=1",
    info: { verb: "watch", resource: "nodes", name: "n1", fieldSelector: "metadata.name=n1" },
  },
  {
    request: "PATCH /apis/apps/v1/namespaces/a/deployments/d%2Fe",
    info: {
      verb: "patch",
      group: "apps",
      resource: "deployments",
      namespace: "a",
      name: "d/e",
    },
  },
];
for (const { request, info } of paths) {
  Deno.test(`requestInfo reads ${request}`, () => {
    const [method = "", url = ""] = request.split(" ");
    const [path = "", query = ""] = url.split("?");
    assertEquals(requestInfo(method, path, new URLSearchParams(query)), {
      resourceRequest: true,
      path,
      verb: "",
      group: "",
      version: "v1",
      resource: "",
      subresource: "",
      namespace: "",
      name: "",
      rest: "",
      ...info,
    });
  });
}

for (const path of ["/", "/healthz", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/version"]) {
  Deno.test(`requestInfo takes ${path} for no resource`, () => {
    const { resourceRequest, verb } = requestInfo("GET", path, new URLSearchParams());
    assertEquals({ resourceRequest, verb }, { resourceRequest: false, verb: "get" });
  });
}

const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
const accepts: { accept: string; format: string; view: string }[] = [
  { accept: "", format: "json", view: "plain" },
  { accept: "*/*", format: "json", view: "plain" },
  {
    accept: `${table},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`,
    format: "json",
    view: "Table",
  },
  { accept: "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", format: "json", view: "plain" },
  { accept: "application/vnd.kubernetes.protobuf,application/json", format: "protobuf", view: "plain" },
  { accept: "application/vnd.kubernetes.protobuf;q=0.5,application/json", format: "json", view: "plain" },
  { accept: "text/html;q=0.9,application/yaml;q=0.8", format: "yaml", view: "plain" },
  { accept: "application/json;q=0.1,application/yaml", format: "yaml", view: "plain" },
];
for (const { accept, format, view } of accepts) {
  Deno.test(`negotiate answers "${accept}" with ${view} ${format}`, () => {
    assertEquals(negotiate(accept, new URLSearchParams(), "", true), { format, view, pretty: false } as never);
  });
}

Deno.test("negotiate refuses what nobody can write", () => {
  assertEquals(assertThrows(() => negotiate("text/html", new URLSearchParams(), "", true), ApiError).code, 406);
});

Deno.test("negotiate passes over protobuf where it is not offered", () => {
  const accept = "application/vnd.kubernetes.protobuf,application/json";
  assertEquals(negotiate(accept, new URLSearchParams(), "", false).format, "json");
});

Deno.test("negotiate prints prettily when asked, and for people at a terminal", () => {
  assertEquals(negotiate("", new URLSearchParams("pretty=true"), "", true).pretty, true);
  assertEquals(negotiate("", new URLSearchParams(), "curl/8", true).pretty, true);
  assertEquals(negotiate("", new URLSearchParams("pretty=0"), "curl/8", true).pretty, false);
});
