/**
 * `/inspect/`: the page, and the stream that it reads. The page's own files and the exchange of a token are open to
 * everybody; for the rest the path must be allowed, and each actor shows itself only to those who may read its object.
 */
import type { Context, Hono } from "hono";
import type { Clock } from "../../ports/clock.ts";
import type { InspectionClient, InspectionConnection, InspectionHub } from "../../ports/inspection.ts";
import { badRequest } from "../machinery/errors.ts";
import type { Authorizer, UserInfo } from "../machinery/types.ts";
import { answered, type ServerEnvironment, type UpgradeOffer } from "../server/environment.ts";
import { acceptWebSocket, webSocketProtocol } from "../streaming/upgrades.ts";
import { ActorAccess } from "./actor_access.ts";
import { filterOf, wishesOf } from "./inspector_query.ts";
import type { InspectorSessions } from "./inspector_sessions.ts";
import { StatelyView } from "./stately_view.ts";

/** A file of the page, as it was built. */
export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** Quoted. */
  readonly etag: string;
}

export interface InspectorOptions {
  readonly hub: InspectionHub;
  readonly sessions: InspectorSessions;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  /** Where this very process is reached, when others answer at the same address too: sessions are its own. */
  readonly server?: string;
  /** A file below the page's folder, by path: `index.html`, `assets/page.js`. */
  asset(path: string): Promise<Asset | undefined>;
}

interface Environment {
  Bindings: Partial<ServerEnvironment>;
  Variables: { user: UserInfo };
}

export const streamProtocol = "inspect.chartroom.dev.v1";

const securityHeaders = {
  "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** What everybody may ask for. */
export function openInspectorRoutes<E extends Environment>(app: Hono<E>, options: InspectorOptions): void {
  const { sessions } = options;
  app.get("/inspect", (c) => c.redirect("/inspect/", 308));
  app.get("/inspect/", (c) => sendAsset(c, options, "index.html"));
  app.get("/inspect/assets/:path{.+}", (c) => sendAsset(c, options, c.req.param("path") as string));
  app.post("/inspect/login", async (c) => {
    const { token } = await tokenIn(c.req.raw);
    const cookie = token === undefined ? undefined : sessions.exchange(token);
    if (cookie === undefined) {
      return c.json({ message: 'The token is used up or too old: run "chartroom inspect" again' }, 401);
    }
    return c.body(null, 204, { "set-cookie": cookie });
  });
  app.post("/inspect/logout", (c) => c.body(null, 204, { "set-cookie": sessions.end(c.req.header("cookie")) }));
}

/** What takes the right to the path. */
export function inspectorRoutes<E extends Environment>(app: Hono<E>, options: InspectorOptions): void {
  const { hub, sessions, authorizer, clock, server } = options;
  const accessOf = (user: UserInfo) => new ActorAccess(user, authorizer, clock);

  app.post("/inspect/token", (c) => c.json({ token: sessions.token(c.var.user), ...(server && { server }) }));

  app.get("/inspect/stream", async (c) => {
    const offer = webSocketOffer(c.env.upgrade, c.env.headers ?? {});
    const access = accessOf(c.var.user);
    const maySend = await access.mayEverything();
    const client = (send: InspectionClient["send"], unsent: () => number): InspectionClient => ({
      send,
      get unsentBytes() {
        return unsent();
      },
      maySee: (actor) => access.maySee(actor),
      maySend,
    });
    await acceptStream(offer, (send, unsent) => hub.connect(client(send, unsent)));
    return answered;
  });

  app.get("/inspect/events", (c) => {
    const { raw } = c.env;
    if (raw === undefined) throw badRequest("server-sent events take a connection");
    const access = accessOf(c.var.user);
    raw.begin(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const connection = hub.connect({
      send: (text) => void raw.write(`data: ${text}\n\n`),
      get unsentBytes() {
        return raw.unsentBytes;
      },
      maySee: (actor) => access.maySee(actor),
      maySend: false,
    });
    for (const wish of wishesOf(new URL(c.req.url).searchParams)) connection.receive(JSON.stringify(wish));
    raw.onClose(() => connection.close());
    raw.onDraining(() => {
      connection.close();
      raw.end();
    });
    return answered;
  });

  app.get("/inspect/recording", (c) => {
    const query = new URL(c.req.url).searchParams;
    const access = accessOf(c.var.user);
    const time = (name: "from" | "to") => query.has(name) ? { [name]: Number(query.get(name)) } : {};
    const lines = hub.recording({ filter: filterOf(query), ...time("from"), ...time("to") }, (a) => access.maySee(a));
    const body = ReadableStream.from(encoded(lines));
    return new Response(body, {
      headers: {
        "content-type": "application/jsonl",
        "content-disposition": 'attachment; filename="chartroom.inspection.jsonl"',
        "cache-control": "no-store",
      },
    });
  });

  app.get("/inspect/stately", async (c) => {
    const offer = webSocketOffer(c.env.upgrade, c.env.headers ?? {}, false);
    const access = accessOf(c.var.user);
    const filter = filterOf(new URL(c.req.url).searchParams);
    await acceptStream(
      offer,
      (send, unsent) => new StatelyView(hub, filter, send, unsent, (actor) => access.maySee(actor)),
    );
    return answered;
  });
}

async function* encoded(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const line of lines) yield encoder.encode(`${line}\n`);
}

async function tokenIn(request: Request): Promise<{ token?: string }> {
  const text = await request.text();
  try {
    const { token } = JSON.parse(text.slice(0, 1_000)) as { token?: unknown };
    return typeof token === "string" ? { token } : {};
  } catch {
    return {};
  }
}

/** @throws ApiError 400 for a request that does not ask for a WebSocket, or comes from another site's page. */
function webSocketOffer(
  offer: UpgradeOffer | undefined,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  own = true,
): { offer: UpgradeOffer; protocol: string } {
  if (offer === undefined || offer.protocol !== "websocket") throw badRequest("Upgrade request required");
  const { origin, host } = headers;
  if (typeof origin === "string" && !origin.endsWith(`://${String(host)}`)) {
    throw badRequest(`the stream is not for pages of ${origin}`);
  }
  return { offer, protocol: own ? webSocketProtocol(offer, [streamProtocol, ""]) : "" };
}

type Connect = (send: (text: string) => void, unsent: () => number) => InspectionConnection;

/** Completes the handshake and lets both sides speak. */
export async function acceptStream(
  { offer, protocol }: { offer: UpgradeOffer; protocol: string },
  connect: Connect,
): Promise<void> {
  const socket = await acceptWebSocket(offer, protocol);
  const connection = connect((text) => socket.send(text), () => socket.bufferedAmount);
  socket.on("message", (data, isBinary) => {
    if (!isBinary) connection.receive(String(data));
  });
  socket.on("error", () => socket.terminate());
  socket.on("close", () => connection.close());
}

async function sendAsset(c: Context, { asset }: InspectorOptions, path: string): Promise<Response> {
  const found = await asset(path) ?? await asset(`assets/${path}`);
  if (found === undefined) return c.text(`There is no ${path} here\n`, 404, securityHeaders);
  const headers = {
    ...securityHeaders,
    "content-type": found.type,
    etag: found.etag,
    "cache-control": "no-cache",
  };
  if (c.req.header("if-none-match") === found.etag) return c.body(null, 304, headers);
  return c.body(found.bytes, 200, headers);
}
