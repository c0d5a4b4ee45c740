/**
 * The streams of `exec` and `attach`, however they came: stdin, stdout, stderr, the terminal's size, and the status at
 * the end (Kubernetes' remote command protocol, v1 to v5).
 */
import { Buffer } from "node:buffer";
import type { Status } from "../../machines/objects/status.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ProcessOptions } from "../../ports/node_streams.ts";
import { badRequest } from "../machinery/errors.ts";
import type { UpgradeOffer } from "../server/environment.ts";
import { channelProtocols, ChannelSocket } from "./channel_socket.ts";
import type { SpdyConnection } from "./spdy/spdy_connection.ts";
import type { SpdyStream } from "./spdy/spdy_stream.ts";
import { acceptSpdy, acceptWebSocket, spdyProtocol, webSocketProtocol } from "./upgrades.ts";

export interface RemoteCommand {
  readonly stdin?: ReadableStream<Uint8Array>;
  readonly stdout?: WritableStream<Uint8Array>;
  readonly stderr?: WritableStream<Uint8Array>;
  /** Sizes of the client's terminal. */
  readonly resize?: AsyncIterable<{ readonly columns: number; readonly rows: number }>;
  /** Resolves when the client is gone. */
  readonly gone: Promise<void>;
  /** Says how it ended, and ends the connection. */
  finish(status: Status): Promise<void>;
}

/** Numbers of the channels over WebSocket. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const spdyProtocols = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io", ""];
/** How long a client may take to open the streams it asked for. */
const creationMs = 30_000;

/** @throws ApiError when the offer is neither, or of no version in common. */
export function acceptRemoteCommand(
  offer: UpgradeOffer,
  options: ProcessOptions,
  clock?: Clock,
): Promise<RemoteCommand> {
  switch (offer.protocol) {
    case "websocket":
      return overWebSocket(offer, options);
    case "spdy/3.1":
      return overSpdy(offer, options, clock);
    default:
      throw badRequest("Upgrade request required");
  }
}

async function overWebSocket(offer: UpgradeOffer, options: ProcessOptions): Promise<RemoteCommand> {
  const name = webSocketProtocol(offer, Object.keys(channelProtocols));
  const channels = new ChannelSocket(await acceptWebSocket(offer, name), channelProtocols[name]!);
  const structured = name.startsWith("v4.") || name.startsWith("v5.");
  const { stdin, stdout, stderr, tty } = options;
  const command: RemoteCommand = {
    ...(stdin ? { stdin: channels.readable(channel.stdin) } : {}),
    ...(stdout ? { stdout: channels.writable(channel.stdout) } : {}),
    ...(stderr && !tty ? { stderr: channels.writable(channel.stderr) } : {}),
    ...(tty ? { resize: sizesOf(channels.readable(channel.resize)) } : {}),
    gone: channels.closed,
    async finish(status) {
      const text = statusText(status, structured);
      if (text !== "") await channels.send(channel.error, Buffer.from(text)).catch(() => {});
      channels.close();
      await channels.closed;
    },
  };
  // An empty message tells the client that the connection stands, before the process has said anything.
  const first = stdout ? channel.stdout : stderr && !tty ? channel.stderr : channel.error;
  await channels.send(first, new Uint8Array()).catch(() => {});
  return command;
}

async function overSpdy(
  offer: UpgradeOffer,
  options: ProcessOptions,
  clock: Clock | undefined,
): Promise<RemoteCommand> {
  const protocol = spdyProtocol(offer, spdyProtocols);
  const { stdin, stdout, stderr, tty } = options;
  const sizes = tty && ["v4.channel.k8s.io", "v3.channel.k8s.io"].includes(protocol);
  const wanted = new Set([
    "error",
    ...(stdin ? ["stdin"] : []),
    ...(stdout ? ["stdout"] : []),
    ...(stderr && !tty ? ["stderr"] : []),
    ...(sizes ? ["resize"] : []),
  ]);
  const streams = new Map<string, SpdyStream>();
  const all = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const connection: SpdyConnection = acceptSpdy(offer, protocol, {
    onStream(stream) {
      const type = stream.headers["streamtype"] ?? "";
      if (!wanted.has(type) || streams.has(type)) return stream.reset(3);
      stream.accept();
      streams.set(type, stream);
      if (streams.size === wanted.size) all.resolve();
    },
    onClose() {
      gone.resolve();
      all.reject(new Error("Cannot run the command: the client left before its streams were open"));
    },
  });
  const limit = clock?.wakeAt(clock.now() + creationMs, () => {
    all.reject(new Error("Cannot run the command: the client did not open its streams in time"));
    connection.close();
  });
  await all.promise.finally(() => limit?.cancel());
  const [input, output, errors, error, resize] = ["stdin", "stdout", "stderr", "error", "resize"].map((type) =>
    streams.get(type)
  );
  return {
    ...(input === undefined ? {} : { stdin: input.readable }),
    ...(output === undefined ? {} : { stdout: output.writable }),
    ...(errors === undefined ? {} : { stderr: errors.writable }),
    ...(resize === undefined ? {} : { resize: sizesOf(resize.readable) }),
    gone: gone.promise,
    async finish(status) {
      const text = statusText(status, protocol === "v4.channel.k8s.io");
      const writer = error!.writable.getWriter();
      try {
        if (text !== "") await writer.write(Buffer.from(text));
        await writer.close();
      } catch {
        // The client has left: nobody to tell.
      }
      connection.close();
    },
  };
}

/** Up to v3 only a failure is told, as text; from v4 on always a Status. */
function statusText(status: Status, structured: boolean): string {
  if (structured) return JSON.stringify(status);
  return status.status === "Success" ? "" : status.message ?? "";
}

/** `{"Width":80,"Height":24}`, one after the other, however they are cut. */
async function* sizesOf(readable: ReadableStream<Uint8Array>) {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of readable) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("}"); end >= 0; end = text.indexOf("}")) {
      const size = parsed(text.slice(0, end + 1));
      text = text.slice(end + 1);
      if (size !== undefined) yield size;
    }
    // What is no size will not become one.
    if (text.length > 1_024) text = "";
  }
}

function parsed(text: string): { columns: number; rows: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    return typeof Width === "number" && typeof Height === "number" ? { columns: Width, rows: Height } : undefined;
  } catch {
    return undefined;
  }
}
