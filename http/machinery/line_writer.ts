/**
 * What a watcher sees, as lines of JSON or frames of protobuf in the asked form. Every line is encoded once per form,
 * however many watch.
 *
 * A few lines are written at once. Many (the state a watch begins with) are written a piece per turn of the event loop
 * and only as fast as the client reads; what happens meanwhile waits behind them.
 */
import type { Status } from "../../machines/objects/status.ts";
import type { EncodingContext } from "./encode_reply.ts";
import { apiVersionOf } from "./resource_registry.ts";
import { viewOf } from "./stored_object.ts";
import { partialOf, tableOf } from "./table.ts";
import type { Resource } from "./types.ts";
import { WatchItem, type WatchItemSink } from "./watcher.ts";

/** Where lines go. */
export interface LineSink {
  /** False: the client is behind; `drained` of the writer is to be called once it is not. */
  write(bytes: Uint8Array): boolean;
  /** What was written last has not left yet: more is better sent together a moment later. */
  readonly busy: boolean;
  /** Every line is a message of its own and must be written alone. */
  readonly isByMessage?: boolean;
  end(): void;
  /** The client is too far behind: it has to list again. */
  cutOff(): void;
}

const encoder = new TextEncoder();
const lineEnd = encoder.encode("}\n");

/** More lines than this are written in pieces. */
const atOnce = 256;
const pieceBytes = 256 * 1024;
/** So many lines may wait behind those a watch began with. */
const maxBehind = 8_192;

/** Watchers of the same things get the same lines one after the other: they are put together once. */
let lastJoined: { readonly lines: readonly Uint8Array[]; readonly bytes: Uint8Array } | undefined;
/** What is kept must be small; no more than this is. */
const keptBytes = 64 * 1024;

function joined(lines: readonly Uint8Array[]): Uint8Array {
  const known = lastJoined;
  if (known?.lines.length === lines.length && lines.every((line, index) => line === known.lines[index])) {
    return known.bytes;
  }
  let length = 0;
  for (const line of lines) length += line.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const line of lines) {
    bytes.set(line, at);
    at += line.length;
  }
  lastJoined = length <= keptBytes ? { lines, bytes } : undefined;
  return bytes;
}

export class LineWriter implements WatchItemSink {
  readonly #resource: Resource;
  readonly #context: EncodingContext;
  readonly #form: string;
  readonly #out: LineSink;
  #sentColumns = false;
  /** Lines not written yet, in order: items, and bookmarks that are encoded already. */
  #waiting: (WatchItem | Uint8Array)[] = [];
  #next = 0;
  #limit = 0;
  #scheduled = false;
  #blocked = false;
  #ending = false;
  #over = false;

  constructor(resource: Resource, context: EncodingContext, out: LineSink) {
    this.#resource = resource;
    this.#context = context;
    this.#out = out;
    const { format, view } = context.representation;
    this.#form = `${format}/${view}/${view === "Table" ? context.includeObject : ""}/${apiVersionOf(resource)}`;
  }

  items(batch: readonly WatchItem[]): void {
    if (this.#over) return;
    if (this.#waiting.length === 0 && batch.length <= atOnce && !this.#out.busy) {
      this.#write(batch.map((item) => this.#line(item)));
      return;
    }
    if (this.#waiting.length === 0) this.#limit = batch.length + maxBehind;
    if (this.#waiting.length - this.#next + batch.length > this.#limit) return this.#cutOff();
    for (const item of batch) this.#waiting.push(item);
    this.#schedule();
  }

  #cutOff(): void {
    this.#over = true;
    this.#waiting = [];
    this.#out.cutOff();
  }

  #schedule(): void {
    if (this.#scheduled || this.#blocked || this.#over) return;
    this.#scheduled = true;
    this.#context.soon(() => {
      this.#scheduled = false;
      this.#piece();
    });
  }

  #piece(): void {
    if (this.#over) return;
    const lines: Uint8Array[] = [];
    let length = 0;
    while (this.#next < this.#waiting.length && length < pieceBytes) {
      const next = this.#waiting[this.#next++]!;
      const line = next instanceof WatchItem ? this.#line(next) : next;
      lines.push(line);
      length += line.length;
    }
    const keepsUp = this.#write(lines);
    if (this.#next < this.#waiting.length) {
      this.#blocked = !keepsUp;
      return this.#schedule();
    }
    this.#waiting = [];
    this.#next = 0;
    if (this.#ending) this.#end();
  }

  /** The client has caught up. */
  drained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#waiting.length > 0) this.#schedule();
  }

  #write(lines: readonly Uint8Array[]): boolean {
    if (this.#out.isByMessage === true) {
      let keepsUp = true;
      for (const line of lines) keepsUp = this.#out.write(line);
      return keepsUp;
    }
    return this.#out.write(lines.length === 1 ? lines[0]! : joined(lines));
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
    const { representation: { format, view }, includeObject } = this.#context;
    if (format === "protobuf") return this.#event(item.type, view === "plain" ? entry.object : partialOf(entry.object));
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
    return this.#event(item.type, object);
  }

  #event(type: string, object: unknown): Uint8Array {
    const { representation: { format }, protobuf } = this.#context;
    if (format !== "protobuf" || protobuf === undefined) return encoder.encode(`${JSON.stringify({ type, object })}\n`);
    return protobuf.watchEvent(type, protobuf.object(object as Parameters<typeof protobuf.object>[0]));
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
    this.#add(this.#event("BOOKMARK", object));
  }

  closed(status: Status | undefined): void {
    if (status !== undefined) this.#add(this.#event("ERROR", status));
    if (this.#waiting.length === 0) this.#end();
    else this.#ending = true;
  }

  #add(line: Uint8Array): void {
    if (this.#over) return;
    if (this.#waiting.length === 0) this.#out.write(line);
    else this.#waiting.push(line);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#out.end();
  }
}
