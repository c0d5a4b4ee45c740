/** `chartroom inspect --open FILE` and `--listen PORT`: the page without a cluster, for this host alone. */
import { ForeignSource } from "../actors/inspection/foreign_source.ts";
import { Hub } from "../actors/inspection/inspection_hub.ts";
import { RecordedSource } from "../actors/inspection/recorded_source.ts";
import { realClock } from "../actors/real/real_clock.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { InspectionConnection } from "../ports/inspection.ts";
import { pageAsset } from "./inspector_page.ts";

export interface AloneOptions {
  readonly open?: string;
  readonly listen?: string;
}

export async function inspectAlone(options: AloneOptions): Promise<void> {
  const recording = options.open === undefined ? undefined : await textOf(options.open);
  const alone = serveAlone({
    port: portOf(options.listen),
    ...(recording === undefined ? {} : { recording }),
    listening: (url) => {
      if (recording === undefined) {
        console.error(`Apps send to it by createWebSocketInspector({ url: "${url.replace(/^http/, "ws")}" }).`);
        console.log(`${url}/inspect/`);
      } else console.log(`${url}/inspect/#recording=/inspect/recording`);
    },
  });
  await alone.finished;
}

/** `-`: what is piped in, for which no permission is needed. */
async function textOf(file: string): Promise<string> {
  if (file === "-") return await new Response(Deno.stdin.readable).text();
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new Error(`Cannot read "${file}": only the cluster's state may be read; say --open - < ${file}`);
  }
}

function portOf(text: string | undefined): number {
  const port = Number(text ?? 0);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new Error(`Cannot listen on port "${text}": it must be a number from 0 to 65535`);
}

export interface AloneServer {
  readonly finished: Promise<void>;
  close(): Promise<void>;
}

export function serveAlone(options: {
  readonly port: number;
  readonly recording?: string;
  listening(url: string): void;
}): AloneServer {
  const { recording } = options;
  const recorded = recording === undefined ? undefined : new RecordedSource("recording", recording);
  const hub = new Hub({
    clock: realClock,
    cluster: recorded?.cluster ?? "foreign apps",
    session: realRandom.uuid().slice(0, 8),
    source: recorded === undefined ? "foreign" : "recording",
  });
  if (recorded !== undefined) hub.add(recorded);
  let apps = 0;
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: options.port,
    onListen: ({ port }) => options.listening(`http://127.0.0.1:${port}`),
  }, async (request) => {
    const url = new URL(request.url);
    const wantsSocket = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    if (url.pathname === "/inspect/stream" && wantsSocket) return reader(request, url, hub);
    if (wantsSocket && recorded === undefined) return producer(request, hub, `app-${++apps}`);
    if (url.pathname === "/inspect/login" || url.pathname === "/inspect/logout") {
      return new Response(null, { status: 204 });
    }
    if (url.pathname === "/inspect/recording" && recording !== undefined) {
      return new Response(recording, { headers: { "content-type": "application/jsonl" } });
    }
    if (url.pathname === "/" || url.pathname === "/inspect") return Response.redirect(`${url.origin}/inspect/`, 302);
    return await file(url.pathname);
  });
  return {
    finished: server.finished,
    async close() {
      hub.stop();
      await server.shutdown();
    },
  };
}

/** A page; other sites' pages are refused. */
function reader(request: Request, url: URL, hub: Hub): Response {
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== url.origin) {
    return new Response("The stream is for its own page\n", { status: 403 });
  }
  const protocol = request.headers.get("sec-websocket-protocol")?.split(",")[0]?.trim();
  const { socket, response } = Deno.upgradeWebSocket(request, protocol === undefined ? {} : { protocol });
  let connection = undefined as InspectionConnection | undefined;
  socket.onopen = () => {
    connection = hub.connect({
      send: (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
      get unsentBytes() {
        return socket.bufferedAmount;
      },
      maySee: () => true,
      maySend: false,
    });
  };
  socket.onmessage = ({ data }) => typeof data === "string" && connection?.receive(data);
  socket.onclose = () => connection?.close();
  return response;
}

/** An app that tells of itself. */
function producer(request: Request, hub: Hub, name: string): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  const source = new ForeignSource(name, realClock);
  hub.add(source);
  socket.onmessage = ({ data }) => typeof data === "string" && source.receive(data);
  return response;
}

async function file(path: string): Promise<Response> {
  const name = path === "/inspect/" ? "index.html" : path.replace(/^\/inspect\/(assets\/)?/, "");
  const asset = await pageAsset(name) ?? await pageAsset(`assets/${name}`);
  if (asset === undefined) return new Response(`There is no ${path} here\n`, { status: 404 });
  return new Response(asset.bytes, {
    headers: {
      "content-type": asset.type,
      "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      etag: asset.etag,
    },
  });
}
