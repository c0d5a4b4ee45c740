/**
 * An object as it lies in the store and as it is served.
 *
 * Stored: `{"kind":K,"apiVersion":A,"metadata":{` + rest, without a resourceVersion: the revision exists only after the
 * commit. Served: the same bytes with `"resourceVersion":"N",` put in behind `"metadata":{`; an item of a list leaves
 * kind and apiVersion out. So an object is encoded once, and parsed only when somebody reads fields.
 */
import { deepFreeze } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { apiVersionOf } from "./resource_registry.ts";
import type { Resource } from "./types.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const heads = new WeakMap<Resource, Uint8Array>();

/** `{"kind":K,"apiVersion":A,"metadata":{` of a resource. */
function headOf(resource: Resource): Uint8Array {
  let head = heads.get(resource);
  if (head === undefined) {
    head = encoder.encode(
      `{"kind":${JSON.stringify(resource.kind)},"apiVersion":${JSON.stringify(apiVersionOf(resource))},"metadata":{`,
    );
    heads.set(resource, head);
  }
  return head;
}

const itemHead = '{"metadata":{';

/** The stored bytes of an object. */
export function encodeStored(resource: Resource, object: KubeObject): Uint8Array {
  const { kind: _kind, apiVersion: _version, metadata, ...rest } = object;
  const { resourceVersion: _revision, ...stored } = metadata;
  return encoder.encode(
    JSON.stringify({ kind: resource.kind, apiVersion: apiVersionOf(resource), metadata: stored, ...rest }),
  );
}

const slabBytes = 256 * 1024;
let slab = new Uint8Array(0);
let used = 0;

/**
 * Room for an answer, cut from a larger piece: buffers of their own cost the collector more than the copying. What is
 * kept for long must not come from here, since it keeps the whole piece.
 */
function allocated(length: number): Uint8Array<ArrayBuffer> {
  if (length > slabBytes / 8) return new Uint8Array(length);
  if (used + length > slab.length) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  used += length;
  return slab.subarray(used - length, used);
}

/** One state of one object: bytes, and the object on first use. */
export class Entry {
  readonly #resource: Resource;
  /** As made or parsed; `#revised` once its resourceVersion is in it, which most answers never look at. */
  #object: KubeObject | undefined;
  #revised = false;
  #frozen = false;

  constructor(
    resource: Resource,
    readonly namespace: string,
    readonly name: string,
    readonly revision: number,
    /** As stored; of a resource that stores under another version: in that version's form. */
    readonly value: Uint8Array,
    object?: KubeObject,
  ) {
    this.#resource = resource;
    this.#object = object;
  }

  /** The object with its resourceVersion. Shared: never change it. */
  get object(): KubeObject {
    if (!this.#revised) {
      this.#object = withRevision(this.#object ?? JSON.parse(decoder.decode(this.value)) as KubeObject, this.revision);
      this.#revised = true;
    }
    return this.#object!;
  }

  /** The object, frozen, for readers that are not the machinery's own. */
  get frozen(): KubeObject {
    const object = this.object;
    if (!this.#frozen) {
      deepFreeze(object);
      this.#frozen = true;
    }
    return object;
  }

  get resource(): Resource {
    return this.#resource;
  }

  /** Keeps the bytes alone, half of what it holds: for a state that is history, which hardly anybody reads again. */
  forget(): void {
    this.#object = undefined;
    this.#revised = false;
    this.#frozen = false;
  }

  /** The same content under another revision: what a deletion event shows. */
  at(revision: number): Entry {
    return new Entry(this.#resource, this.namespace, this.name, revision, this.value, this.#object);
  }

  /** The whole object as served. */
  bytes(): Uint8Array {
    const head = headOf(this.#resource).length;
    const hole = `"resourceVersion":"${this.revision}",`;
    const bytes = allocated(this.value.length + hole.length);
    bytes.set(this.value.subarray(0, head));
    for (let i = 0; i < hole.length; i++) bytes[head + i] = hole.charCodeAt(i);
    bytes.set(this.value.subarray(head), head + hole.length);
    return bytes;
  }

  /** Bytes of this entry as an item of a list. */
  itemLength(): number {
    if (this.#resource.custom === true) return 21 + String(this.revision).length + this.value.length;
    return itemHead.length + 21 + String(this.revision).length + this.value.length - headOf(this.#resource).length;
  }

  /** Writes the item and answers where it ends. */
  writeItem(target: Uint8Array, at: number): number {
    if (this.#resource.custom === true) {
      const whole = this.bytes();
      target.set(whole, at);
      return at + whole.length;
    }
    const text = `${itemHead}"resourceVersion":"${this.revision}",`;
    for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
    const rest = this.value.subarray(headOf(this.#resource).length);
    target.set(rest, at + text.length);
    return at + text.length + rest.length;
  }
}

function withRevision(object: KubeObject, revision: number): KubeObject {
  const resourceVersion = String(revision);
  if (object.metadata.resourceVersion === resourceVersion) return object;
  const { kind, apiVersion, metadata, ...rest } = object;
  return { kind, apiVersion, metadata: { ...metadata, resourceVersion }, ...rest };
}

/** An entry for an object that was just made (and maybe not stored). */
export function entryOf(resource: Resource, object: KubeObject, revision: number, value?: Uint8Array): Entry {
  const { name, namespace = "" } = object.metadata;
  return new Entry(resource, namespace, name, revision, value ?? encodeStored(resource, object), object);
}

const views = new WeakMap<Entry, Map<Resource, Entry>>();

/** The entry in the form of `resource`, which may be another version of what is stored. */
export function viewOf(entry: Entry, resource: Resource): Entry {
  if (entry.resource === resource || resource.storedAs === undefined) return entry;
  const view = views.get(entry)?.get(resource);
  if (view !== undefined) return view;
  if (resource.storedAs.convert !== undefined) throw new Unconverted(entry, resource);
  return knownView(entry, resource, resource.storedAs.fromStored(entry.object));
}

function knownView(entry: Entry, resource: Resource, object: KubeObject): Entry {
  if (entry.resource === resource || resource.storedAs === undefined) return entry;
  let known = views.get(entry);
  if (known === undefined) views.set(entry, known = new Map());
  const view = new Entry(resource, entry.namespace, entry.name, entry.revision, encodeStored(resource, object), object);
  known.set(resource, view);
  return view;
}

/** The view of what was just written: where converting it again would take somebody else, what the writer has. */
export function writtenView(entry: Entry, resource: Resource, object: KubeObject): Entry {
  return resource.storedAs?.convert === undefined ? viewOf(entry, resource) : knownView(entry, resource, object);
}

/** Who asked for a view must first have it converted, by somebody who is not here. */
export class Unconverted extends Error {
  constructor(readonly entry: Entry, readonly resource: Resource) {
    super(`Cannot show ${resource.resource} ${entry.name}: it has not been converted yet`);
  }
}

/** Has the views made that only others can make. @throws ApiError */
export async function convertViews(entries: readonly Entry[], resource: Resource): Promise<void> {
  const { convert } = resource.storedAs ?? {};
  if (convert === undefined) return;
  const open = entries.filter((entry) => entry.resource !== resource && !views.get(entry)?.has(resource));
  if (open.length === 0) return;
  const objects = await convert.fromStored(open.map(({ object }) => object));
  open.forEach((entry, index) => knownView(entry, resource, objects[index]!));
}

/** The object as it is stored. @throws ApiError */
export function storedForm({ storedAs }: Resource, object: KubeObject): KubeObject | Promise<KubeObject> {
  if (storedAs === undefined) return object;
  return storedAs.convert === undefined ? storedAs.toStored(object) : storedAs.convert.toStored(object);
}

/** What a dry run answers: the object as it would be, with the revision it has now, if any. */
export function dryEntry(resource: Resource, object: KubeObject): Entry {
  return new DryEntry(resource, object);
}

class DryEntry extends Entry {
  readonly #dry: KubeObject;

  constructor(resource: Resource, object: KubeObject) {
    const value = encoder.encode(JSON.stringify(object));
    super(resource, object.metadata.namespace ?? "", object.metadata.name, 0, value);
    this.#dry = object;
  }

  override get object(): KubeObject {
    return this.#dry;
  }

  override bytes(): Uint8Array {
    return this.value;
  }
}
