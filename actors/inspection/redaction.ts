/**
 * What leaves the process when somebody watches: values without secrets, cut to a bounded size.
 *
 * Three rules, from the widest to the narrowest. A Kubernetes object is named, not copied: whoever may read it has
 * kubectl. A field whose name says that it is secret is left out whatever is in it. A text that looks like a key or a
 * token is left out wherever it stands.
 */
import { type Json, redacted } from "../../ports/inspection.ts";

/** How much of a value is told. */
export interface Budget {
  /** Values of any kind, counted down; what is beyond is cut. */
  values: number;
  readonly textLength: number;
  readonly items: number;
  readonly depth: number;
}

const generous = { values: 400, textLength: 600, items: 50, depth: 8 };

/** Names of fields, in lower case without separators, that hold secrets or may. */
const secretNames = new Set([
  ...["data", "stringdata", "binarydata", "password", "passwd", "passphrase", "secret", "secrets", "token", "tokens"],
  ...[
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "bearertoken",
    "apikey",
    "authorization",
    "proxyauthorization",
    "cookie",
  ],
  ...[
    "setcookie",
    "credentials",
    "privatekey",
    "key",
    "clientkey",
    "clientkeydata",
    "serviceaccountkey",
    "auth",
    "seed",
  ],
  ...[
    "httpheaders",
    "headers",
    "kubeconfig",
    "dockerconfigjson",
    "registryauth",
    "authconfig",
    "lastappliedconfiguration",
  ],
  ...["body", "bytes", "payload", "certificatekey", "keypem"],
]);

/** Names that end so are secret too: `dbPassword`, `sessionToken`. */
const secretEndings = /(password|passwd|passphrase|token|secret|privatekey|apikey|credentials)$/;
/** Names that end so but say where a secret is, not what it is. */
const harmless = /^(secretname|tokenname|continuetoken|automountserviceaccounttoken|imagepullsecrets)$/;

/** A key of a work queue or of an index is `namespace/name`: what tells it from a cryptographic one. */
const objectKey = /^[a-z0-9][a-z0-9._:-]*(\/[a-z0-9][a-z0-9._:-]*)?$/;
const longestObjectKey = 320;

const secretTexts: readonly RegExp[] = [
  /-----BEGIN [A-Z ]+-----/,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/, // a JSON web token
  /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/i,
  /\b(password|passwd|token|secret|api[_-]?key)\s*[=:]\s*\S+/i,
  /:\/\/[^\s/:@]+:[^\s/@]+@/, // a URL with a password
];

/** `value` as it may be told. */
export function redact(value: unknown, budget: Budget = { ...generous }): Json {
  return told(value, "", budget, budget.depth);
}

function told(value: unknown, name: string, budget: Budget, depth: number): Json {
  if (--budget.values < 0) return "…";
  switch (typeof value) {
    case "string":
      return isSecretField(name, value) ? redacted : toldText(value, budget);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "bigint":
      return String(value);
    case "object":
      if (value === null) return null;
      return isSecretField(name, value) ? redacted : toldObject(value, name, budget, depth);
    default:
      return null;
  }
}

function toldObject(value: object, name: string, budget: Budget, depth: number): Json {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `(${value.byteLength} bytes)`;
  if (value instanceof Error) return toldText(value.message, budget);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) return toldFields(value, name, budget, depth);
  if (value instanceof Set) return toldList([...value], name, budget, depth);
  if (Array.isArray(value)) return toldList(value, name, budget, depth);
  const object = kubernetesObject(value);
  if (object !== undefined) return object;
  return toldFields(Object.entries(value), name, budget, depth);
}

function toldList(list: readonly unknown[], name: string, budget: Budget, depth: number): Json {
  if (depth === 0) return list.length === 0 ? [] : [`… (${list.length})`];
  const environment = isEnvironment(name);
  const items: Json[] = [];
  for (const item of list) {
    if (items.length >= budget.items || budget.values <= 0) {
      items.push(`… (${list.length - items.length} more)`);
      break;
    }
    items.push(environment ? toldVariable(item) : told(item, "", budget, depth - 1));
  }
  return items;
}

function toldFields(fields: Iterable<[unknown, unknown]>, name: string, budget: Budget, depth: number): Json {
  const object: Record<string, Json> = {};
  const environment = isEnvironment(name);
  let count = 0;
  let left = 0;
  for (const [key, value] of fields) {
    if (value === undefined || typeof value === "function" || typeof value === "symbol") continue;
    if (depth === 0 || count >= budget.items || budget.values <= 0) left++;
    else {
      const field = String(key);
      object[field] = environment ? redacted : told(value, field, budget, depth - 1);
      count++;
    }
  }
  if (left > 0) object["…"] = `${left} more`;
  return object;
}

/** The name of an environment variable is told, its value never. */
function toldVariable(item: unknown): Json {
  if (typeof item === "string") return item.includes("=") ? `${item.slice(0, item.indexOf("="))}=${redacted}` : item;
  const { name } = (item ?? {}) as { name?: unknown };
  return typeof name === "string" ? { name, value: redacted } : redacted;
}

function toldText(text: string, { textLength }: Budget): string {
  if (secretTexts.some((pattern) => pattern.test(text))) return redacted;
  return text.length <= textLength ? text : `${text.slice(0, textLength)}… (${text.length - textLength} more)`;
}

function normal(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

function isEnvironment(name: string): boolean {
  const said = normal(name);
  return said === "env" || said === "environment" || said === "envvars" || said === "envs";
}

const verdicts = new Map<string, boolean>();

function isSecretField(name: string, value: unknown): boolean {
  if (name === "") return false;
  let verdict = verdicts.get(name);
  if (verdict === undefined) {
    const said = normal(name);
    verdict = !harmless.test(said) && (secretNames.has(said) || secretEndings.test(said));
    // Names come from data too (labels, index keys): what is remembered of them is bounded.
    if (verdicts.size < 10_000) verdicts.set(name, verdict);
  }
  if (!verdict) return false;
  const isObjectKey = normal(name) === "key" && typeof value === "string" && value.length <= longestObjectKey &&
    objectKey.test(value);
  return !isObjectKey;
}

interface Described {
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown; readonly namespace?: unknown; readonly resourceVersion?: unknown };
}

/** The name of a Kubernetes object; undefined: it is none. */
function kubernetesObject(value: object): Json | undefined {
  const { kind, metadata } = value as Described;
  if (typeof metadata !== "object" || metadata === null || typeof metadata.name !== "string") return undefined;
  const { name, namespace, resourceVersion } = metadata;
  const path = typeof namespace === "string" ? `${namespace}/${name}` : name;
  return {
    object: typeof kind === "string" ? `${kind} ${path}` : path,
    ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
  };
}
