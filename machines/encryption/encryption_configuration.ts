/** Which resources are encrypted at rest, how and with which keys (apiserver.config.k8s.io/v1 EncryptionConfiguration). */

export type CipherName = "aescbc" | "aesgcm" | "secretbox";

export interface EncryptionKey {
  readonly cipher: CipherName;
  readonly name: string;
  readonly secret: Uint8Array<ArrayBuffer>;
}

export interface EncryptionRule {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group), `*.*`. */
  readonly resources: readonly string[];
  /** What is written: undefined, as it is. */
  readonly writing: EncryptionKey | undefined;
  /** Every key that what was written may be read with. */
  readonly reading: readonly EncryptionKey[];
  /** Whether what is not encrypted may be read. */
  readonly readsPlain: boolean;
}

/** Bytes that a key may have. */
const keyLengths: Readonly<Record<CipherName, readonly number[]>> = {
  aescbc: [16, 24, 32],
  aesgcm: [16, 24, 32],
  secretbox: [32],
};

/** The configuration that a parsed document is. @throws Error naming what is wrong, and no key. */
export function parseEncryption(document: unknown): readonly EncryptionRule[] {
  const { apiVersion, kind, resources } = object(document, "it");
  if (apiVersion !== "apiserver.config.k8s.io/v1" || kind !== "EncryptionConfiguration") {
    throw refusal('it must be an "EncryptionConfiguration" of "apiserver.config.k8s.io/v1"');
  }
  const rules = list(resources, "resources").map((each, index) => parseRule(each, `resources[${index}]`));
  if (rules.length === 0) throw refusal("resources: there must be at least one");
  return rules;
}

function parseRule(given: unknown, at: string): EncryptionRule {
  const { resources, providers } = object(given, at);
  const names = list(resources, `${at}.resources`).map(String);
  if (names.length === 0) throw refusal(`${at}.resources: there must be at least one`);
  const bad = names.find((name) => !/^[a-z0-9-]+(\.[a-z0-9.-]+)?$|^\*\.(\*|[a-z0-9.-]*)$/.test(name));
  if (bad !== undefined) throw refusal(`${at}.resources: ${JSON.stringify(bad)} is no resource, "*.GROUP" or "*.*"`);
  const parsed = list(providers, `${at}.providers`).map((each, index) =>
    parseProvider(each, `${at}.providers[${index}]`)
  );
  const [first] = parsed;
  if (first === undefined) throw refusal(`${at}.providers: there must be at least one`);
  const reading = parsed.flat();
  const doubled = reading.find((key, index) =>
    reading.findIndex(({ cipher, name }) => cipher === key.cipher && name === key.name) < index
  );
  if (doubled !== undefined) throw refusal(`${at}: two keys of ${doubled.cipher} are named "${doubled.name}"`);
  return { resources: names, writing: first[0], reading, readsPlain: parsed.some((keys) => keys.length === 0) };
}

/** A provider's keys, the first of which writes; none: identity. */
function parseProvider(given: unknown, at: string): EncryptionKey[] {
  const provider = object(given, at);
  const [name, ...others] = Object.keys(provider);
  if (name === undefined || others.length > 0) throw refusal(`${at}: a provider is one of them, and no more`);
  if (name === "identity") return [];
  if (name === "kms") throw refusal(`${at}.kms: key management services are not supported; use secretbox or aesgcm`);
  if (!Object.hasOwn(keyLengths, name)) {
    throw refusal(`${at}.${name}: it is none of identity, ${Object.keys(keyLengths).join(", ")}`);
  }
  const cipher = name as CipherName;
  const { keys } = object(provider[name], `${at}.${name}`);
  const parsed = list(keys, `${at}.${name}.keys`).map((each, index) =>
    parseKey(cipher, each, `${at}.${name}.keys[${index}]`)
  );
  if (parsed.length === 0) throw refusal(`${at}.${name}.keys: there must be at least one`);
  return parsed;
}

function parseKey(cipher: CipherName, given: unknown, at: string): EncryptionKey {
  const { name, secret } = object(given, at);
  if (typeof name !== "string" || name === "" || name.includes(":")) {
    throw refusal(`${at}.name: a key has a name, without colons`);
  }
  const bytes = typeof secret === "string" ? decoded(secret) : undefined;
  if (bytes === undefined) throw refusal(`${at}.secret: it must be the key in base64`);
  if (!keyLengths[cipher].includes(bytes.length)) {
    throw refusal(`${at}.secret: it has ${bytes.length} bytes, and ${cipher} takes ${keyLengths[cipher].join(", ")}`);
  }
  return { cipher, name, secret: bytes };
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function object(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw refusal(`${at} must be an object`);
}

function list(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw refusal(`${at} must be a list`);
}

function refusal(why: string): Error {
  return new Error(`Cannot use the encryption configuration: ${why}`);
}

/** The rule for a resource: the first that names it, or its group, or everything. */
export function ruleFor(rules: readonly EncryptionRule[], group: string, resource: string): EncryptionRule | undefined {
  const names = [group === "" ? resource : `${resource}.${group}`, `*.${group}`, "*.*"];
  return rules.find(({ resources }) => resources.some((each) => names.includes(each)));
}

/** All encrypted values begin so, whoever wrote them. */
export const encryptedPrefix = "k8s:enc:";

/** What a value written with the key begins with. */
export function prefixOf({ cipher, name }: EncryptionKey): string {
  return `${encryptedPrefix}${cipher}:v1:${name}:`;
}
