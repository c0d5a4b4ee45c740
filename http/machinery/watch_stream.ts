/**
 * A watch on a connection. It writes to the connection itself where there is one, else into the response's stream, or
 * sends messages over a WebSocket. A client that lets more than 1 MiB of changes pile up is cut off and has to list
 * again.
 */
import type { ResponseHeaders } from "../server/light_response.ts";
import type { RawResponse } from "../server/environment.ts";
import { answered } from "../server/environment.ts";
import type { ApiReply, WatchHandle } from "./api_request.ts";
import type { EncodingContext } from "./encode_reply.ts";
import { LineWriter } from "./line_writer.ts";
import { protobufType } from "./negotiation.ts";

type WatchReply = Extract<ApiReply, { type: "watch" }>;

const maxUnsentBytes = 1024 * 1024;
/** A socket with more than this on its way is not given more until that has gone out. */
const busyBytes = 16 * 1024;

/** A WebSocket whose client only listens. */
export interface WatchSocket {
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  /** `sent` is called when the message has gone out. */
  send(message: Uint8Array | string, sent: () => void): void;
  on(event: "close", listener: () => void): void;
  close(code: number): void;
  terminate(): void;
}

const decoder = new TextDecoder();
/** What stands in front of an event of protobuf in a stream, and not in a message. */
const lengthBytes = 4;

/** Every event is a message: text where it is JSON. @param onDraining Registers who ends with the server. */
export function watchOverSocket(
  reply: WatchReply,
  context: EncodingContext,
  socket: WatchSocket,
  onDraining: (callback: () => void) => void,
): Response {
  const isText = context.representation.format !== "protobuf";
  const sent = () => {
    if (socket.bufferedAmount <= busyBytes) writer.drained();
  };
  const writer = new LineWriter(reply.resource, context, {
    isByMessage: true,
    write(line) {
      if (socket.bufferedAmount > maxUnsentBytes) socket.terminate();
      else socket.send(isText ? decoder.decode(line) : line.subarray(lengthBytes), sent);
      return socket.bufferedAmount <= busyBytes;
    },
    get busy() {
      return socket.bufferedAmount > busyBytes;
    },
    end: () => socket.close(1000),
    cutOff: () => socket.terminate(),
  });
  const handle = reply.open(writer);
  socket.on("close", () => handle.cancel());
  onDraining(() => {
    handle.cancel();
    socket.close(1000);
  });
  return answered;
}

export function watchResponse(
  reply: WatchReply,
  context: EncodingContext,
  raw: RawResponse | undefined,
  further?: ResponseHeaders,
): Response {
  const type = context.representation.format === "protobuf" ? `${protobufType};stream=watch` : "application/json";
  const headers = { "content-type": type, "cache-control": "no-cache, private" };
  return raw === undefined
    ? toStream(reply, context, headers)
    : toConnection(reply, context, raw, { ...headers, ...further });
}

function toConnection(
  reply: WatchReply,
  context: EncodingContext,
  raw: RawResponse,
  headers: ResponseHeaders,
): Response {
  raw.begin(200, headers);
  const writer = new LineWriter(reply.resource, context, {
    write(bytes) {
      if (raw.closed) return true;
      if (raw.unsentBytes <= maxUnsentBytes) return raw.write(bytes);
      raw.destroy();
      return true;
    },
    get busy() {
      return raw.unsentBytes > 0;
    },
    end: () => raw.end(),
    cutOff: () => raw.destroy(),
  });
  raw.onDrain(() => writer.drained());
  const handle = reply.open(writer);
  raw.onClose(() => handle.cancel());
  raw.onDraining(() => {
    handle.cancel();
    raw.end();
  });
  return answered;
}

function toStream(reply: WatchReply, context: EncodingContext, headers: Record<string, string>): Response {
  let handle: WatchHandle | undefined;
  let writer: LineWriter | undefined;
  let over = false;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const cutOff = () => {
        if (over) return;
        over = true;
        controller.error(new Error("Cannot go on with the watch: the client is too far behind"));
        queueMicrotask(() => handle?.cancel());
      };
      writer = new LineWriter(reply.resource, context, {
        write(bytes) {
          if (over) return true;
          const room = controller.desiredSize ?? 0;
          if (room < -maxUnsentBytes) cutOff();
          else controller.enqueue(bytes);
          return room > 0;
        },
        busy: false,
        end() {
          if (!over) controller.close();
          over = true;
        },
        cutOff,
      });
      handle = reply.open(writer);
    },
    pull: () => writer?.drained(),
    cancel() {
      over = true;
      handle?.cancel();
    },
  }, { highWaterMark: 64 * 1024, size: (chunk) => chunk.length });
  return new Response(stream, { status: 200, headers });
}
