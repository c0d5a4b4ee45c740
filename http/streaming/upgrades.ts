/** Accepting an upgrade: WebSocket with a subprotocol, or SPDY/3.1 with a stream protocol. */
import type { Duplex } from "node:stream";
import { ApiError } from "../../machines/objects/status.ts";
import { badRequest } from "../machinery/errors.ts";
import type { UpgradeOffer } from "../server/environment.ts";
import { SpdyConnection, type SpdyOptions } from "./spdy/spdy_connection.ts";
import { type WebSocket, webSocketPackage } from "./web_socket.ts";

/** Messages of a WebSocket that are taken at most; a client's writes are cut to a few tens of KiB. */
const largestMessage = 8 << 20;

/** What a client asked for of `supported`, in its own order; "" where it asked for nothing and that is supported. */
function chosen(asked: readonly string[], supported: readonly string[]): string | undefined {
  if (asked.length === 0) return supported.includes("") ? "" : undefined;
  return asked.find((protocol) => supported.includes(protocol));
}

function listOf(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(",") : header ?? "";
  return text.split(",").map((one) => one.trim()).filter((one) => one !== "");
}

/** The subprotocols that a client of a WebSocket can speak; none where it does not say. */
export function askedProtocols(offer: UpgradeOffer): string[] {
  return listOf(offer.headers["sec-websocket-protocol"]);
}

/** The subprotocol that this offer would be accepted with. @throws ApiError 400 when there is none. */
export function webSocketProtocol(offer: UpgradeOffer, supported: readonly string[]): string {
  const asked = askedProtocols(offer);
  const protocol = chosen(asked, supported);
  if (protocol === undefined) {
    throw badRequest(
      `unable to upgrade: unable to negotiate protocol: client supports ${printed(asked)}, ` +
        `server accepts ${printed(supported)}`,
    );
  }
  return protocol;
}

/** Completes the handshake. */
export async function acceptWebSocket(offer: UpgradeOffer, protocol: string): Promise<WebSocket> {
  const { WebSocketServer } = await webSocketPackage();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: largestMessage,
    perMessageDeflate: false,
  });
  // The subprotocol is agreed on here: the package refuses names with a slash in them, such as the tunnel's.
  const { "sec-websocket-protocol": _, ...headers } = offer.headers;
  if (protocol !== "") server.on("headers", (lines) => void lines.push(`Sec-WebSocket-Protocol: ${protocol}`));
  const { socket, head } = offer.take();
  const request = { method: offer.method, url: offer.target, headers };
  return await new Promise((resolve, reject) => {
    socket.once("close", () => reject(new Error("Cannot upgrade to WebSocket: the connection was closed")));
    server.handleUpgrade(request, socket, head, (ws) => resolve(ws));
  });
}

/** The messages of a WebSocket as a byte stream. */
export async function byteStreamOf(socket: WebSocket): Promise<Duplex> {
  const { createWebSocketStream } = await webSocketPackage();
  return createWebSocketStream(socket);
}

/** @throws ApiError 403 when client and server have no stream protocol in common. */
export function spdyProtocol(offer: UpgradeOffer, supported: readonly string[]): string {
  const asked = listOf(offer.headers["x-stream-protocol-version"]);
  const protocol = chosen(asked, supported);
  if (protocol === undefined) {
    const message = `unable to upgrade: unable to negotiate protocol: client supports ${printed(asked)}, ` +
      `server accepts ${printed(supported)}`;
    throw new ApiError(403, "Forbidden", message);
  }
  return protocol;
}

export function acceptSpdy(offer: UpgradeOffer, protocol: string, options: Omit<SpdyOptions, "side">): SpdyConnection {
  const { socket, head } = offer.take();
  const version = protocol === "" ? "" : `X-Stream-Protocol-Version: ${protocol}\r\n`;
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${version}\r\n`,
  );
  const connection = new SpdyConnection(socket, { ...options, side: "server" });
  connection.unshift(head);
  return connection;
}

function printed(protocols: readonly string[]): string {
  return `[${protocols.join(" ")}]`;
}
