/** The audit log of a master, as a file and as a webhook is sent it, of what kubectl does. */
import { assert, assertEquals } from "@std/assert";
import { startApiCluster } from "../support/api_cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";

const ignore = clientsMissing("kubectl");

const policy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:apiserver"]
- level: Metadata
  resources: [{ resources: [secrets, "serviceaccounts/token"] }]
- level: RequestResponse
  namespaces: [shop]
  resources: [{ resources: [configmaps] }]
- level: Metadata
`;

interface Event {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: { readonly resource: string; readonly name?: string };
  readonly requestObject?: { readonly data: object };
  readonly responseStatus?: { readonly code: number };
}

/** Takes batches, and refuses the first. */
function auditWebhook() {
  const received: Event[] = [];
  let isFirst = true;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { kind, items } = await request.json();
    if (isFirst) {
      isFirst = false;
      return new Response("busy", { status: 503 });
    }
    assertEquals([kind, request.headers.get("authorization")], ["EventList", "Bearer let-me-in"]);
    received.push(...items);
    return new Response();
  });
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "w", cluster: { server: `http://127.0.0.1:${server.addr.port}/audit` } }],
    users: [{ name: "u", user: { token: "let-me-in" } }],
    contexts: [{ name: "c", context: { cluster: "w", user: "u" } }],
    "current-context": "c",
  };
  return { received, config: JSON.stringify(config), close: () => server.shutdown() };
}

Deno.test({
  name: "the audit log of a master tells who did what with kubectl, and no secret",
  ignore,
  async fn() {
    const webhook = auditWebhook();
    const log = (directory: string) => `${directory}/audit/audit.log`;
    const cluster = await startApiCluster(async (directory) => {
      await Deno.writeTextFile(`${directory}/policy.yaml`, policy);
      await Deno.writeTextFile(`${directory}/webhook.yaml`, webhook.config);
      return {
        auditPolicyFile: `${directory}/policy.yaml`,
        auditLogPath: log(directory),
        auditWebhookConfigFile: `${directory}/webhook.yaml`,
        auditWebhookBatchMaxSize: 1,
      };
    });
    try {
      const { kubectl, directory } = cluster;
      await kubectl.ok("create namespace shop");
      await kubectl.ok("-n shop create configmap c --from-literal=colour=blue");
      await kubectl.ok("-n shop create secret generic s --from-literal=password=hunter2");
      await kubectl.ok("-n shop get secret s -o yaml");
      const { code } = await kubectl.run(["-n", "shop", "get", "secrets", "--as=eve"]);
      assertEquals(code, 1);
      const text = await Deno.readTextFile(log(directory));
      assertEquals([text.includes("hunter2"), text.includes(btoa("hunter2"))], [false, false]);
      const events: Event[] = text.trim().split("\n").map((line) => JSON.parse(line));
      const ofKubectl = events.filter(({ userAgent, objectRef }) =>
        userAgent?.startsWith("kubectl/") && objectRef !== undefined
      );
      const told = ofKubectl.map(({ verb, objectRef, responseStatus }) =>
        `${verb} ${objectRef!.resource} ${objectRef!.name ?? ""} ${responseStatus?.code}`
      );
      assertEquals(told, [
        "create namespaces shop 201",
        "create configmaps c 201",
        "create secrets s 201",
        "get secrets s 200",
        "list secrets  403",
      ]);
      assertEquals(ofKubectl[1]!.requestObject!.data, { colour: "blue" });
      assert(events.some(({ user }) => user.username === "system:kube-scheduler"), "components are told of as well");
      assert((await kubectl.ok("get --raw /metrics")).includes("apiserver_audit_event_total"));
      await eventually("the webhook has what the file has", () => {
        assert(webhook.received.some(({ objectRef }) => objectRef?.name === "s"));
      }, { withinMs: 60_000 });
    } finally {
      await cluster[Symbol.asyncDispose]();
      await webhook.close();
    }
  },
});
