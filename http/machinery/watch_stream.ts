/**
 * A watch on a connection. It writes to the connection itself where there is one, else into the response's stream. A
 * client that lets more than 1 MiB of changes pile up is cut off and has to list again.
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
