/** What a request's header fields say, when they are what HTTP/2 allows (RFC 9113, section 8). */

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** Name in lower case to value, pseudo headers too, as node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Of the body, when it was announced. */
  readonly contentLength: number | undefined;
}

/** What belongs to one connection of HTTP/1.1 and has no meaning here. */
const forbidden = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
/** Of these the first counts; of others all, as one list. */
const single = new Set([
  "authorization",
  "content-length",
  "content-type",
  "from",
  "host",
  "if-modified-since",
  "if-unmodified-since",
  "referer",
  "user-agent",
]);
const pseudo = new Set([":method", ":path", ":scheme", ":authority"]);
const methods = /^[A-Za-z-]+$/;
const paths = /^\/[\x21-\x7e\x80-\xff]*$/;
const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Names that came before and were found good: there are few, and clients send the same ones for ever. */
const knownNames = new Set<string>();
const maxKnownNames = 512;

/** Undefined: malformed. `fields`: names and values in turn. */
export function requestHead(fields: readonly string[]): RequestHead | undefined {
  const headers: Record<string, string | string[] | undefined> = Object.create(null);
  let regular = false;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index]!, value = fields[index + 1]!;
    if (!isValue(value)) return undefined;
    if (name.charCodeAt(0) === 58 /* ":" */) {
      if (regular || !pseudo.has(name) || headers[name] !== undefined) return undefined;
      headers[name] = value;
      continue;
    }
    regular = true;
    if (!isName(name) || (name === "te" && value !== "trailers")) return undefined;
    const before = headers[name];
    if (before === undefined) headers[name] = name === "set-cookie" ? [value] : value;
    else if (typeof before !== "string") before.push(value);
    else if (name === "content-length" && before !== value) return undefined;
    else if (!single.has(name)) headers[name] = `${before}${name === "cookie" ? "; " : ", "}${value}`;
  }
  const { ":method": method, ":path": path, ":scheme": scheme, "content-length": announced } = headers;
  if (typeof method !== "string" || typeof path !== "string" || scheme === undefined) return undefined;
  if (!methods.test(method) || !(paths.test(path) || (path === "*" && method === "OPTIONS"))) return undefined;
  if (announced !== undefined && !/^\d{1,15}$/.test(String(announced))) return undefined;
  return { method, path, headers, contentLength: announced === undefined ? undefined : Number(announced) };
}

function isName(name: string): boolean {
  if (knownNames.has(name)) return true;
  if (!token.test(name) || forbidden.has(name)) return false;
  if (knownNames.size < maxKnownNames) knownNames.add(name);
  return true;
}

function isValue(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code === 0 || code === 10 || code === 13) return false;
  }
  return true;
}
