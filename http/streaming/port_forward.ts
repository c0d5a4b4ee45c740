/**
 * Port forwarding: SPDY/3.1 streams in pairs (data and error, by request), on an upgraded socket or tunnelled in a
 * WebSocket; and the older channels over WebSocket, two for each port of the query.
 */
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { Clock, Wake } from "../../ports/clock.ts";
import type { ByteStream } from "../../ports/node_streams.ts";
import { badRequest } from "../machinery/errors.ts";
import type { UpgradeOffer } from "../server/environment.ts";
import { channelProtocols, ChannelSocket } from "./channel_socket.ts";
import { SpdyConnection, type SpdyOptions } from "./spdy/spdy_connection.ts";
import type { SpdyStream } from "./spdy/spdy_stream.ts";
import { acceptSpdy, acceptWebSocket, byteStreamOf, spdyProtocol, webSocketProtocol } from "./upgrades.ts";

export type DialPort = (port: number) => Promise<ByteStream>;

const portForward = "portforward.k8s.io";
const tunnel = `SPDY/3.1+${portForward}`;
/** How long the second stream of a pair may keep the first waiting. */
const pairMs = 30_000;

/**
 * Resolves when the offer is accepted; from then on every connection of the client's is dialled.
 *
 * @throws ApiError when the offer is none of these protocols.
 */
export async function acceptPortForward(
  offer: UpgradeOffer,
  query: URLSearchParams,
  dial: DialPort,
  clock?: Clock,
): Promise<void> {
  if (offer.protocol === "spdy/3.1") {
    const protocol = spdyProtocol(offer, [portForward]);
    acceptSpdy(offer, protocol, pairs(dial, clock));
    return;
  }
  if (offer.protocol !== "websocket") throw badRequest("Upgrade request required");
  const protocol = webSocketProtocol(offer, [tunnel, ...Object.keys(channelProtocols)]);
  if (protocol === tunnel) {
    const socket: Duplex = await byteStreamOf(await acceptWebSocket(offer, protocol));
    new SpdyConnection(socket, { ...pairs(dial, clock), side: "server" });
    return;
  }
  const ports = portsOf(query);
  const socket = await acceptWebSocket(offer, protocol);
  const channels = new ChannelSocket(socket, channelProtocols[protocol]!);
  ports.forEach((port, index) => void overChannels(channels, index, port, dial));
}

function portsOf(query: URLSearchParams): number[] {
  const texts = query.getAll("ports").flatMap((text) => text.split(","));
  const texts_ = texts.length > 0 ? texts : query.getAll("port");
  if (texts_.length === 0) throw badRequest('query parameter "port" is required');
  return texts_.map((text) => {
    const port = Number(text);
    if (!isPort(port)) throw badRequest(`invalid port ${JSON.stringify(text)}`);
    return port;
  });
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  readonly port: number;
  readonly limit: Wake | undefined;
}

function pairs(dial: DialPort, clock: Clock | undefined): Omit<SpdyOptions, "side"> {
  const waiting = new Map<string, Pair>();
  const giveUp = (request: string) => {
    const { data, error } = waiting.get(request) ?? {};
    waiting.delete(request);
    for (const one of [data, error]) one?.reset(5);
  };
  return {
    onStream(stream) {
      const { streamtype: type = "", port: portText = "" } = stream.headers;
      const port = Number(portText);
      if ((type !== "data" && type !== "error") || !isPort(port)) return stream.reset(3);
      stream.accept();
      // Clients of old sent no request id, but opened the data stream right after its error stream.
      const request = stream.headers["requestid"] ?? String(type === "error" ? stream.id : stream.id - 2);
      const pair: Pair = waiting.get(request) ??
        { port, limit: clock?.wakeAt(clock.now() + pairMs, () => giveUp(request)) };
      waiting.set(request, pair);
      pair[type] = stream;
      const { data, error } = pair;
      if (data === undefined || error === undefined) return;
      pair.limit?.cancel();
      waiting.delete(request);
      void forward(port, data, error, dial);
    },
    onClose() {
      for (const { limit } of waiting.values()) limit?.cancel();
      waiting.clear();
    },
  };
}

async function forward(port: number, data: SpdyStream, error: SpdyStream, dial: DialPort): Promise<void> {
  const writer = error.writable.getWriter();
  try {
    const connection = await dial(port);
    await joined(data.readable, data.writable, connection);
  } catch (failure) {
    await writer.write(Buffer.from(failureText(port, failure))).catch(() => {});
    await data.writable.close().catch(() => {});
  }
  await writer.close().catch(() => {});
}

async function overChannels(channels: ChannelSocket, index: number, port: number, dial: DialPort): Promise<void> {
  const [data, error] = [2 * index, 2 * index + 1];
  // The first message of each channel says which port it is of.
  const number = Buffer.alloc(2);
  number.writeUInt16LE(port);
  const incoming = channels.readable(data);
  try {
    await channels.send(data, number);
    await channels.send(error, number);
    await joined(incoming, channels.writable(data), await dial(port));
  } catch (failure) {
    await channels.send(error, Buffer.from(failureText(port, failure))).catch(() => {});
  }
}

function failureText(port: number, failure: unknown): string {
  return `error forwarding port ${port} to pod: ${failure instanceof Error ? failure.message : String(failure)}`;
}

/** Bytes both ways until both have ended. When the pod's side ends, the client's is not waited for. */
async function joined(
  readable: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  connection: ByteStream,
): Promise<void> {
  const stop = new AbortController();
  const toPod = readable.pipeTo(connection.writable, { signal: stop.signal }).catch(() => {});
  try {
    await connection.readable.pipeTo(writable);
  } finally {
    stop.abort();
    await toPod;
    connection.close();
  }
}
