/**
 * A watch as lines of JSON on a connection. Every line is encoded once per form, however many watch; a client that lets
 * more than 1 MiB pile up is cut off and has to list again.
 */
import type { Status } from "../../machines/objects/status.ts";
import type { RawResponse } from "../server/environment.ts";
import { answered } from "../server/environment.ts";
import type { ApiReply, WatchHandle } from "./api_request.ts";
import type { EncodingContext } from "./encode_reply.ts";
import { apiVersionOf } from "./resource_registry.ts";
import { viewOf } from "./stored_object.ts";
import { partialOf, tableOf } from "./table.ts";
import type { Resource } from "./types.ts";
import type { WatchItem, WatchItemSink } from "./watcher.ts";

type WatchReply = Extract<ApiReply, { type: "watch" }>;

const maxUnsentBytes = 1024 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Where lines go. */
interface LineSink {
  write(bytes: Uint8Array): void;
  end(): void;
}

/** Turns what a watcher sees into lines of the asked form. */
class LineWriter implements WatchItemSink {
  readonly #resource: Resource;
  readonly #context: EncodingContext;
  readonly #form: string;
  readonly #out: LineSink;
  #sentColumns = false;

  constructor(resource: Resource, context: EncodingContext, out: LineSink) {
    this.#resource = resource;
    this.#context = context;
    this.#out = out;
    const { view } = context.representation;
    this.#form = `${view}/${view === "Table" ? context.includeObject : ""}/${apiVersionOf(resource)}`;
  }

  items(batch: readonly WatchItem[]): void {
    if (batch.length === 1) return this.#out.write(this.#line(batch[0]!));
    const lines = batch.map((item) => this.#line(item));
    let length = 0;
    for (const line of lines) length += line.length;
    const joined = new Uint8Array(length);
    let at = 0;
    for (const line of lines) {
      joined.set(line, at);
      at += line.length;
    }
    this.#out.write(joined);
  }

  #line(item: WatchItem): Uint8Array {
    if (this.#context.representation.view === "Table" && !this.#sentColumns) {
      this.#sentColumns = true;
      return this.#encode(item, true);
    }
    let line = item.encoded.get(this.#form);
    if (line === undefined) item.encoded.set(this.#form, line = this.#encode(item, false));
    return line;
  }

  #encode(item: WatchItem, headers: boolean): Uint8Array {
    const entry = viewOf(item.entry, this.#resource);
    const { representation: { view }, includeObject } = this.#context;
    if (view === "plain") {
      const opening = encoder.encode(`{"type":"${item.type}","object":`);
      const object = entry.bytes();
      const line = new Uint8Array(opening.length + object.length + 2);
      line.set(opening);
      line.set(object, opening.length);
      line.set(lineEnd, line.length - 2);
      return line;
    }
    const metadata = { resourceVersion: entry.object.metadata.resourceVersion };
    const object = view === "Table"
      ? tableOf(this.#resource, [entry], metadata, includeObject, this.#context.now(), headers)
      : partialOf(entry.object);
    return encoder.encode(`${JSON.stringify({ type: item.type, object })}\n`);
  }

  bookmark(revision: number, initialEnd: boolean): void {
    const metadata = {
      resourceVersion: String(revision),
      ...(initialEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    };
    const { view } = this.#context.representation;
    const object = view === "Table"
      ? { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata, columnDefinitions: null, rows: [] }
      : view === "PartialObjectMetadata"
      ? { kind: view, apiVersion: "meta.k8s.io/v1", metadata }
      : { kind: this.#resource.kind, apiVersion: apiVersionOf(this.#resource), metadata };
    this.#out.write(encoder.encode(`${JSON.stringify({ type: "BOOKMARK", object })}\n`));
  }

  closed(status: Status | undefined): void {
    if (status !== undefined) {
      this.#out.write(encoder.encode(`${JSON.stringify({ type: "ERROR", object: status })}\n`));
    }
    this.#out.end();
  }
}

const lineEnd = encoder.encode("}\n");
const headers = { "content-type": "application/json", "cache-control": "no-cache, private" };

/** Writes the watch to the connection itself where there is one, else into the response's stream. */
export function watchResponse(
  reply: WatchReply,
  context: EncodingContext,
  raw: RawResponse | undefined,
  lines = true,
): Response {
  return lines && raw !== undefined ? toConnection(reply, context, raw) : toStream(reply, context);
}

function toConnection(reply: WatchReply, context: EncodingContext, raw: RawResponse): Response {
  raw.begin(200, headers);
  const handle = reply.open(
    new LineWriter(reply.resource, context, {
      write(bytes) {
        if (raw.closed) return;
        if (raw.unsentBytes > maxUnsentBytes) raw.destroy();
        else raw.write(bytes);
      },
      end: () => raw.end(),
    }),
  );
  raw.onClose(() => handle.cancel());
  raw.onDraining(() => {
    handle.cancel();
    raw.end();
  });
  return answered;
}

function toStream(reply: WatchReply, context: EncodingContext): Response {
  let handle: WatchHandle | undefined;
  let over = false;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      handle = reply.open(
        new LineWriter(reply.resource, context, {
          write(bytes) {
            if (over) return;
            if ((controller.desiredSize ?? 0) < -maxUnsentBytes) {
              over = true;
              controller.error(new Error("Cannot go on with the watch: the client is too far behind"));
              queueMicrotask(() => handle?.cancel());
            } else controller.enqueue(bytes);
          },
          end() {
            if (!over) controller.close();
            over = true;
          },
        }),
      );
    },
    cancel() {
      over = true;
      handle?.cancel();
    },
  }, { highWaterMark: 0, size: (chunk) => chunk.length });
  return new Response(stream, { status: 200, headers });
}

/** A watch over WebSocket: one message a line. `send` gets text; `closed` is told when the server ends it. */
export function watchMessages(
  reply: WatchReply,
  context: EncodingContext,
  send: (text: string) => void,
  closed: () => void,
): WatchHandle {
  return reply.open(
    new LineWriter(reply.resource, context, {
      write(bytes) {
        for (const line of decoder.decode(bytes).split("\n")) if (line !== "") send(line);
      },
      end: closed,
    }),
  );
}
