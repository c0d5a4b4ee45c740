import { assert, assertEquals } from "@std/assert";
import { masterInspectionRoutes } from "../../../commands/inspected_processes.ts";
import { startInspector } from "../../../commands/inspector.ts";
import { createApp } from "../../../http/app.ts";
import type { Authenticator, Authorizer, UserInfo } from "../../../http/machinery/types.ts";
import { serve } from "../../../http/server.ts";
import { webSocketPackage } from "../../../http/streaming/web_socket.ts";
import { realClock } from "../../../actors/real/real_clock.ts";
import { actorKind, ActorSystem, address } from "../../../actors/system.ts";
import type { ServerMessage } from "../../../ports/inspection.ts";
import { forbiddenRequest } from "../../../http/auth/forbidden.ts";
import type { Api } from "../../../http/machinery/api.ts";
import { createMachine } from "xstate";
import { authority, serving } from "../server/keys.ts";

/** Bearer tokens that are users' names; `ann` may look, but get pods in `default` alone; `admin` may do everything. */
const users: Readonly<Record<string, UserInfo>> = {
  "Bearer ann": { name: "ann", groups: ["system:authenticated"] },
  "Bearer bob": { name: "bob", groups: ["system:authenticated"] },
  "Bearer admin": { name: "admin", groups: ["system:masters"] },
};
const authenticator: Authenticator = {
  authenticate: ({ authorization }) => Promise.resolve(users[authorization ?? ""]),
};
const authorizer: Authorizer = {
  authorize: ({ user, resourceRequest, path, resource, namespace }) => ({
    allowed: user.groups.includes("system:masters") ||
      (user.name === "ann" &&
        (resourceRequest ? resource === "pods" && namespace === "default" : path.startsWith("/inspect/"))),
    reason: "",
  }),
};

const podKind = actorKind("pod", createMachine({ id: "pod", options: { maxIterations: 100 } }), {});

async function inspected() {
  const system = new ActorSystem({ clock: realClock });
  for (const namespace of ["default", "hidden"]) {
    system.spawn(podKind, {
      address: address({ node: "worker-0", kind: "pod", namespace, name: "web" }),
      input: undefined,
    });
  }
  const report = (problem: string) => {
    throw new Error(problem);
  };
  const server = "https://127.0.0.2:6443";
  const inspector = await startInspector({ system, cluster: "test", name: "master-0", server, authorizer, report });
  const own = { stop() {} };
  const api = {
    registry: { all: () => [], hasGroup: () => false },
    clock: realClock,
    schema: Promise.resolve({}),
    async authorize(request: Parameters<Authorizer["authorize"]>[0]) {
      if (!(await authorizer.authorize(request)).allowed) throw forbiddenRequest(request, "");
    },
  } as unknown as Api;
  const app = createApp({
    api,
    authenticator: inspector.authenticator(authenticator),
    serverAddress: "",
    health: { livez: [], readyz: [] },
    open: inspector.open,
    extend: (routes) => {
      inspector.extend(routes);
      const actors = { system, name: "master-0", maySend: false };
      const hub = masterInspectionRoutes(routes, actors, (user) => user === "admin");
      own.stop = () => hub.stop();
    },
  });
  const listening = await serve({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    certificate: serving.certificate,
    key: serving.key,
    fetch: (request, environment) => app.fetch(request, environment),
  });
  const host = `127.0.0.1:${listening.addresses[0]!.port}`;
  const client = Deno.createHttpClient({ caCerts: [authority.certificate] });
  return {
    host,
    ask: (path: string, init: RequestInit = {}) => fetch(`https://${host}${path}`, { ...init, client }),
    async close() {
      client.close();
      own.stop();
      await inspector.stop();
      system.stopAll();
      await listening.close(0);
    },
  };
}

async function streamOf(host: string, headers: Record<string, string>, path = "stream"): Promise<ServerMessage[]> {
  const { WebSocket } = await webSocketPackage();
  const options = { ca: authority.certificate, headers };
  const socket = new WebSocket(`wss://${host}/inspect/${path}`, ["inspect.chartroom.dev.v1"], options);
  const said: ServerMessage[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.on("error", reject);
  socket.on("open", () => socket.send('{"type":"watch"}'));
  socket.on("message", (data) => {
    said.push(JSON.parse(String(data)));
    if (said.some(({ type }) => type === "counts")) resolve();
  });
  await promise.finally(() => socket.terminate());
  return said;
}

const shown = (said: readonly ServerMessage[]) =>
  said.flatMap((message) => message.type === "actors" ? message.rows.map(({ namespace }) => namespace) : []);

const status = async (answer: Promise<Response>) => {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
};

// Sockets that the peer has closed end a little later than the test.
const loose = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "a one-time token becomes a cookie, with which the page sees what its user may see and nothing else",
  ...loose,
  async fn() {
    const { host, ask, close } = await inspected();
    try {
      const { token, server } =
        await (await ask("/inspect/token", { method: "POST", headers: { authorization: "Bearer ann" } }))
          .json();
      assertEquals(server, "https://127.0.0.2:6443");
      const login = await ask("/inspect/login", { method: "POST", body: JSON.stringify({ token }) });
      assertEquals(login.status, 204);
      const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
      assertEquals(shown(await streamOf(host, { cookie })), ["default"]);
      assertEquals(shown(await streamOf(host, { authorization: "Bearer admin" })), ["default", "hidden"]);
      assertEquals(await status(ask("/inspect/login", { method: "POST", body: JSON.stringify({ token }) })), 401);
      const lines = await (await ask("/inspect/recording", { headers: { cookie } })).text();
      assert(lines.includes("/pod/default/web/"));
      assert(!lines.includes("/pod/hidden/web/"));
      await ask("/inspect/logout", { method: "POST", headers: { cookie } });
      assertEquals(await status(ask("/inspect/recording", { headers: { cookie } })), 403);
    } finally {
      await close();
    }
  },
});

Deno.test({
  name: "the stream is for those who may, and never for other sites' pages; the page's files are under a strict policy",
  ...loose,
  async fn() {
    const { host, ask, close } = await inspected();
    try {
      for (const path of ["/inspect/recording", "/inspect/events", "/inspect/stream", "/inspect/stately"]) {
        assertEquals(await status(ask(path)), 403, path);
        assertEquals(await status(ask(path, { headers: { authorization: "Bearer bob" } })), 403, path);
      }
      assertEquals(await status(ask("/inspect/token", { method: "POST" })), 403);
      const page = await ask("/inspect/");
      await page.body?.cancel();
      assert(page.headers.get("content-security-policy")?.startsWith("default-src 'self'"));
      for (const path of ["/inspect/assets/..%2f..%2fmain.tsx", "/inspect/assets/%2e%2e/deno.json"]) {
        assert([403, 404].includes(await status(ask(path))), path);
      }
      const foreign = { authorization: "Bearer admin", origin: "https://elsewhere.example" };
      const refused = await streamOf(host, foreign).then(() => "open", (error) => String(error.message));
      assert(refused.includes("400"), refused);
      await streamOf(host, { ...foreign, origin: `https://${host}` });
    } finally {
      await close();
    }
  },
});

Deno.test({
  name: "the stream of a master's own actors is for other masters alone, whoever may read /inspect/",
  ...loose,
  async fn() {
    const { host, close } = await inspected();
    try {
      const refused = await streamOf(host, { authorization: "Bearer ann" }, "own").then(() => "open", String);
      assert(refused.includes("403"), refused);
      assertEquals(shown(await streamOf(host, { authorization: "Bearer admin" }, "own")), ["default", "hidden"]);
    } finally {
      await close();
    }
  },
});

Deno.test({
  name: "server-sent events carry the same stream",
  ...loose,
  async fn() {
    const { ask, close } = await inspected();
    try {
      const answer = await ask("/inspect/events?kind=pod", { headers: { authorization: "Bearer ann" } });
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (!text.includes('"counts"')) text += (await reader.read()).value ?? "";
      await reader.cancel();
      const said = text.split("\n\n").filter((event) => event.startsWith("data: ")).slice(0, -1)
        .map((event) => JSON.parse(event.slice(6)) as ServerMessage);
      assertEquals(said[0]?.type, "hello");
      assertEquals(shown(said), ["default"]);
    } finally {
      await close();
    }
  },
});
