/** configmaps and secrets. */
import { configMapKeyErrors } from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError, Resource } from "../../machinery/types.ts";
import { ageColumn, column, nameColumn } from "../columns/column.ts";
import { defaultText, type Fields, fields, has, identical, same, sortedKeys, text, textMap } from "../fields.ts";
import { row } from "../row.ts";
import { forbidden, invalid, invalidFor, path, required, tooLong } from "../validation/field.ts";

const maxBytes = 1024 * 1024;
const encoder = new TextEncoder();
const size = (values: Fields): number =>
  Object.values(values).reduce<number>((sum, value) => sum + encoder.encode(text(value)).length, 0);
const decodedSize = (values: Fields): number =>
  Object.values(values).reduce<number>(
    (sum, value) => sum + Math.floor(text(value).replace(/=+$/, "").length * 3 / 4),
    0,
  );

function validateConfigMap(object: KubeObject): FieldError[] {
  const data = fields(object["data"]);
  const binary = fields(object["binaryData"]);
  const errors: FieldError[] = [];
  for (const key of sortedKeys(data)) {
    errors.push(...invalidFor(path("data").key(key), key, configMapKeyErrors(key)));
    if (Object.hasOwn(binary, key)) {
      errors.push(invalid(path("data").key(key), key, "duplicate of key present in binaryData"));
    }
  }
  for (const key of sortedKeys(binary)) {
    errors.push(...invalidFor(path("binaryData").key(key), key, configMapKeyErrors(key)));
  }
  if (size(data) + decodedSize(binary) > maxBytes) errors.push(tooLong(path(""), maxBytes));
  return errors;
}

/** What an immutable object keeps. */
function keepImmutable(next: KubeObject, old: KubeObject, names: readonly string[]): FieldError[] {
  if (old["immutable"] !== true) return [];
  const errors: FieldError[] = [];
  const detail = "field is immutable when `immutable` is set";
  if (next["immutable"] !== true) errors.push(forbidden(path("immutable"), detail));
  for (const name of names) if (!same(next[name], old[name])) errors.push(forbidden(path(name), detail));
  return errors;
}

export const configMaps: Resource = row({
  group: "",
  version: "v1",
  resource: "configmaps",
  kind: "ConfigMap",
  shortNames: ["cm"],
  columns: [
    nameColumn,
    column(
      "Data",
      { of: "v1/ConfigMap.data" },
      (object) => sortedKeys(object["data"]).length + sortedKeys(object["binaryData"]).length,
    ),
    ageColumn,
  ],
  strategy: {
    validate: validateConfigMap,
    validateUpdate: (next, old) => [...keepImmutable(next, old, ["data", "binaryData"]), ...validateConfigMap(next)],
  },
});

/** Keys without which a secret of a type is refused. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
};
/** Of these the value must be JSON. */
const jsonKeys = [".dockercfg", ".dockerconfigjson"];
const accountAnnotation = "kubernetes.io/service-account.name";

function validateSecret(secret: KubeObject): FieldError[] {
  const data = fields(secret["data"]);
  const type = text(secret["type"]);
  const errors = sortedKeys(data).flatMap((key) => invalidFor(path("data").key(key), key, configMapKeyErrors(key)));
  if (decodedSize(data) > maxBytes) errors.push(tooLong(path("data"), maxBytes));
  if (
    type === "kubernetes.io/service-account-token" &&
    textMap(secret.metadata.annotations)[accountAnnotation] === undefined
  ) {
    errors.push(required(path("metadata", "annotations").key(accountAnnotation)));
  }
  if (type === "kubernetes.io/basic-auth" && !has(data["username"]) && !has(data["password"])) {
    errors.push(required(path("data").key("username")), required(path("data").key("password")));
  }
  for (const key of requiredKeys[type] ?? []) {
    const here = path("data").key(key);
    if (!has(data[key])) errors.push(required(here));
    else if (jsonKeys.includes(key)) errors.push(...validateJson(text(data[key]), here));
  }
  return errors;
}

function validateJson(encoded: string, here: ReturnType<typeof path>): FieldError[] {
  const decoded = new TextDecoder().decode(Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0)));
  try {
    JSON.parse(decoded);
    return [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [invalid(here, "<secret contents redacted>", error.message)];
  }
}

const armour = /-----BEGIN ([^-]+)-----/g;

/** What Go's TLS says of a file that holds no block of the wanted type; undefined when it holds one. */
function pemWarning(encoded: string, file: string, wanted: RegExp, name: string): string | undefined {
  const types = [...atob(encoded).matchAll(armour)].map((match) => match[1] ?? "");
  if (types.some((type) => wanted.test(type))) return undefined;
  if (types.length === 0) return `tls: failed to find any PEM data in ${file} input`;
  return `tls: failed to find ${name} in ${file} input after skipping PEM blocks of the following types: [${
    types.join(" ")
  }]`;
}

/** A TLS secret with a key pair that nobody can load is kept, with a warning. */
function warnOfKeyPair(secret: KubeObject): string[] {
  if (secret["type"] !== "kubernetes.io/tls") return [];
  const data = fields(secret["data"]);
  const warning = pemWarning(text(data["tls.crt"]), "certificate", /^CERTIFICATE$/, '"CERTIFICATE" PEM block') ??
    pemWarning(text(data["tls.key"]), "key", /PRIVATE KEY$/, 'PEM block with type ending in "PRIVATE KEY"');
  return warning === undefined ? [] : [warning];
}

/** `stringData` is a way of writing only: what it holds goes to `data`. */
function mergeStringData(secret: KubeObject): void {
  const written = fields(secret["stringData"]);
  delete secret["stringData"];
  const names = Object.keys(written);
  if (names.length === 0) return;
  const encoded = names.map((name) => {
    const bytes = encoder.encode(text(written[name]));
    return [name, btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))] as const;
  });
  secret["data"] = { ...fields(secret["data"]), ...Object.fromEntries(encoded) };
}

export const secrets: Resource = row({
  group: "",
  version: "v1",
  resource: "secrets",
  kind: "Secret",
  columns: [
    nameColumn,
    column("Type", { of: "v1/Secret.type" }, (object) => text(object["type"])),
    column("Data", { of: "v1/Secret.data" }, (object) => sortedKeys(object["data"]).length),
    ageColumn,
  ],
  strategy: {
    setDefaults(secret) {
      defaultText(secret, { type: "Opaque" });
      mergeStringData(secret);
    },
    validate: validateSecret,
    prepareForUpdate(next, old) {
      // A client that never heard of types keeps the one there is.
      if (text(next["type"]) === "") next["type"] = old["type"];
    },
    validateUpdate: (next, old) => [
      ...(identical(next["type"], old["type"])
        ? []
        : [invalid(path("type"), next["type"] ?? "", "field is immutable")]),
      ...keepImmutable(next, old, ["data"]),
      ...validateSecret(next),
    ],
    warnings: warnOfKeyPair,
    selectableFields: { type: (secret) => text(secret["type"]) },
  },
});
