/** Rules of ingresses. */
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  portNameErrors,
  wildcardSubdomainErrors,
} from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError } from "../../machinery/types.ts";
import { spec } from "../columns/column.ts";
import { type Fields, fields, has, int, isFields, list, text, texts } from "../fields.ts";
import { invalid, invalidFor, notSupported, type Path, path, required } from "./field.ts";
import { parseAddress } from "./ip.ts";

const at = path("spec");
const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];
const badSegments = ["//", "/./", "/../", "%2f", "%2F"];

function validateBackend(given: unknown, here: Path): FieldError[] {
  const { service, resource } = fields(given);
  if (has(service) && has(resource)) return [invalid(here, "", "cannot set both resource and service backends")];
  if (has(resource)) {
    const reference = fields(resource);
    const errors = ["kind", "name"].filter((name) => text(reference[name]) === "").map((name) =>
      required(here.child("resource", name))
    );
    return errors;
  }
  if (!has(service)) return [invalid(here, "", "resource or service backend is required")];
  const errors: FieldError[] = [];
  const name = text(fields(service)["name"]);
  if (name === "") errors.push(required(here.child("service", "name")));
  else errors.push(...invalidFor(here.child("service", "name"), name, dns1123LabelErrors(name)));
  const port = fields(fields(service)["port"]);
  const hasName = text(port["name"]) !== "";
  const hasNumber = int(port["number"]) !== 0;
  if (hasName && hasNumber) errors.push(invalid(here, "", "cannot set both port name & port number"));
  else if (hasName) {
    errors.push(...invalidFor(here.child("service", "port", "name"), port["name"], portNameErrors(text(port["name"]))));
  } else if (hasNumber) {
    if (int(port["number"]) < 1 || int(port["number"]) > 65535) {
      errors.push(
        invalid(here.child("service", "port", "number"), port["number"], "must be between 1 and 65535, inclusive"),
      );
    }
  } else errors.push(required(here, "port name or number is required"));
  return errors;
}

function validatePath(given: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  const type = given["pathType"];
  const value = text(given["path"]);
  if (!has(type)) return [required(here.child("pathType"), "pathType must be specified")];
  if (type === "Exact" || type === "Prefix") {
    if (!value.startsWith("/")) errors.push(invalid(here.child("path"), value, "must be an absolute path"));
    for (const segment of badSegments) {
      if (value.includes(segment)) errors.push(invalid(here.child("path"), value, `must not contain '${segment}'`));
    }
    for (const end of ["/..", "/."]) {
      if (value.endsWith(end)) errors.push(invalid(here.child("path"), value, `cannot end with '${end}'`));
    }
  } else if (type === "ImplementationSpecific") {
    if (value !== "" && !value.startsWith("/")) {
      errors.push(invalid(here.child("path"), value, "must be an absolute path"));
    }
  } else errors.push(notSupported(here.child("pathType"), type, pathTypes));
  return [...errors, ...validateBackend(given["backend"], here.child("backend"))];
}

function validateHost(host: string, here: Path): FieldError[] {
  if (parseAddress(host) !== undefined) return [invalid(here, host, "must be a DNS name, not an IP address")];
  return invalidFor(here, host, host.includes("*") ? wildcardSubdomainErrors(host) : dns1123SubdomainErrors(host));
}

export function validateIngress(ingress: KubeObject): FieldError[] {
  const given = spec(ingress);
  const errors: FieldError[] = [];
  const rules = list(given["rules"]);
  if (rules.length === 0 && !has(given["defaultBackend"])) {
    errors.push(invalid(at, given["rules"] ?? null, "either `defaultBackend` or `rules` must be specified"));
  }
  if (has(given["defaultBackend"])) {
    errors.push(...validateBackend(given["defaultBackend"], at.child("defaultBackend")));
  }
  rules.forEach((rule, index) => {
    const here = at.child("rules").index(index);
    const host = text(rule["host"]);
    if (host !== "") errors.push(...validateHost(host, here.child("host")));
    if (!isFields(rule["http"])) return;
    const paths = list(rule["http"]["paths"]);
    if (paths.length === 0) errors.push(required(here.child("http", "paths")));
    paths.forEach((each, position) => errors.push(...validatePath(each, here.child("http", "paths").index(position))));
  });
  list(given["tls"]).forEach((tls, index) => {
    const here = at.child("tls").index(index);
    texts(tls["hosts"]).forEach((host, position) => {
      const place = here.child("hosts").index(position);
      errors.push(
        ...invalidFor(place, host, host.includes("*") ? wildcardSubdomainErrors(host) : dns1123SubdomainErrors(host)),
      );
    });
    const secret = text(tls["secretName"]);
    if (secret !== "") errors.push(...invalidFor(here.child("secretName"), secret, dns1123SubdomainErrors(secret)));
  });
  const className = given["ingressClassName"];
  if (has(className)) {
    errors.push(...invalidFor(at.child("ingressClassName"), className, dns1123SubdomainErrors(text(className))));
  }
  return errors;
}

export const legacyClass = "kubernetes.io/ingress.class";

export function validateNewIngress(ingress: KubeObject): FieldError[] {
  const errors = validateIngress(ingress);
  const legacy = ingress.metadata.annotations?.[legacyClass];
  if (legacy !== undefined && has(spec(ingress)["ingressClassName"])) {
    errors.unshift(
      invalid(path("annotations").child(legacyClass), legacy, "can not be set when the class field is also set"),
    );
  }
  return errors;
}
