import { assertEquals } from "@std/assert";
import type { ApiRequest } from "../../../http/machinery/api_request.ts";
import { connectOptions, queryOf } from "../../../http/machinery/connect_options.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../../../http/machinery/types.ts";
import { admin, testApi } from "./test_api.ts";

const rows: { kind: string; query: string; rest?: string; is: object }[] = [
  {
    kind: "PodExecOptions",
    query: "command=sh&command=-c&stdin=true&stdout=1&stderr=false&tty=0&container=c",
    is: { stdin: true, stdout: true, container: "c", command: ["sh", "-c"] },
  },
  { kind: "PodExecOptions", query: "", is: { command: null } },
  { kind: "PodAttachOptions", query: "stdout=&tty=yes", is: { stdout: true, tty: true } },
  { kind: "PodPortForwardOptions", query: "ports=80,81&ports=82", is: { ports: [80, 81, 82] } },
  { kind: "PodProxyOptions", query: "a=b", rest: "x/y", is: { path: "x/y" } },
  { kind: "ServiceProxyOptions", query: "path=z", is: { path: "z" } },
  { kind: "NodeProxyOptions", query: "path=z", rest: "logs", is: { path: "logs" } },
];

for (const { kind, query, rest = "", is } of rows) {
  Deno.test(`connectOptions reads "${query}"${rest === "" ? "" : ` of ${rest}`} as ${kind}`, () => {
    assertEquals(connectOptions(kind, new URLSearchParams(query), rest) as unknown, { kind, apiVersion: "v1", ...is });
  });
}

Deno.test("queryOf asks for what the options say", () => {
  const query = new URLSearchParams("stdin=true&tty=true&container=c&command=sh&command=-c");
  assertEquals(queryOf(connectOptions("PodExecOptions", query, "")).toString(), query.toString());
});

/** An exec as the engine hands it to the streams. */
async function execWith(plugin: Omit<AdmissionPlugin, "name">): Promise<ApiRequest | undefined> {
  const test = await testApi({ admission: [{ name: "test", ...plugin }] });
  try {
    const reply = await test.api.execute({
      verb: "create",
      group: "",
      version: "v1",
      resource: "pods",
      subresource: "exec",
      namespace: "default",
      name: "p",
      path: "/api/v1/namespaces/default/pods/p/exec",
      query: new URLSearchParams("command=rm&command=-rf&stdout=true"),
      user: admin,
      userAgent: "",
    });
    return reply.type === "connect" ? reply.request : undefined;
  } finally {
    test.stop();
  }
}

Deno.test("admission sees what an exec would run", async () => {
  const seen: AdmissionRequest[] = [];
  await execWith({ validate: (request) => void seen.push(request) });
  assertEquals(seen.map(({ operation, object }) => [operation, object as unknown]), [
    ["CONNECT", { kind: "PodExecOptions", apiVersion: "v1", stdout: true, command: ["rm", "-rf"] }],
  ]);
});

Deno.test("admission may change what an exec runs", async () => {
  const request = await execWith({
    admit: (asked) => {
      asked.object = { ...asked.object!, command: ["ls"] } as never;
    },
  });
  assertEquals(request?.query.toString(), "stdout=true&command=ls");
});
