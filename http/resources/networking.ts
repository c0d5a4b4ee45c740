/** networking.k8s.io/v1. */
import { dns1123SubdomainErrors } from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource } from "../machinery/types.ts";
import { ageColumn, column, nameColumn, spec, status } from "./columns/column.ts";
import { defaultText, fields, has, identical, isFields, list, same, text, texts } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
import {
  forbidden,
  immutable,
  invalid,
  invalidFor,
  notSupported,
  type Path,
  path,
  required,
} from "./validation/field.ts";
import { formatAddress, networkOf, parseAddress, parseRange, validateCIDR } from "./validation/ip.ts";
import { networkPolicies } from "./network_policy.ts";
import { legacyClass, validateIngress, validateNewIngress } from "./validation/ingress.ts";

const group = "networking.k8s.io";
const version = "v1";
const at = path("spec");
const maxHosts = 3;

function hostsCell(ingress: KubeObject): string {
  const hosts = list(spec(ingress)["rules"]).map((rule) => text(rule["host"])).filter((host) => host !== "");
  if (hosts.length === 0) return "*";
  const shown = hosts.slice(0, maxHosts).join(",");
  return hosts.length > maxHosts ? `${shown} + ${hosts.length - maxHosts} more...` : shown;
}

function addressCell(ingress: KubeObject): string {
  return list(fields(status(ingress)["loadBalancer"])["ingress"]).map((each) =>
    text(each["ip"]) || text(each["hostname"])
  ).filter((each) => each !== "").join(",");
}

function classCell(ingress: KubeObject): string {
  return text(spec(ingress)["ingressClassName"]) || (ingress.metadata.annotations?.[legacyClass] ?? "<none>");
}

function validateIngressClass(ingressClass: KubeObject): FieldError[] {
  const { controller: given, parameters } = spec(ingressClass);
  const controller = text(given);
  const here = at.child("controller");
  const errors: FieldError[] = [];
  if (controller === "") errors.push(required(here));
  else if (controller.length > 250) {
    errors.push({
      reason: "FieldValueTooLong",
      field: here.toString(),
      message: "Too long: may not be more than 250 bytes",
    });
  }
  if (controller !== "") errors.push(...validateDomainPath(controller, here));
  if (!isFields(parameters)) return errors;
  const place = at.child("parameters");
  const apiGroup = parameters["apiGroup"];
  if (has(apiGroup)) {
    errors.push(...invalidFor(place.child("apiGroup"), apiGroup, dns1123SubdomainErrors(text(apiGroup))));
  }
  for (const name of ["kind", "name"]) if (text(parameters[name]) === "") errors.push(required(place.child(name)));
  const scope = text(parameters["scope"]);
  if (!has(parameters["scope"])) errors.push(required(place.child("scope")));
  else if (scope !== "Cluster" && scope !== "Namespace") {
    errors.push(notSupported(place.child("scope"), scope, ["Cluster", "Namespace"]));
  }
  if (scope === "Namespace" && !has(parameters["namespace"])) {
    errors.push(required(place.child("namespace"), "`parameters.scope` is set to 'Namespace'"));
  }
  if (scope === "Cluster" && has(parameters["namespace"])) {
    errors.push(forbidden(place.child("namespace"), "`parameters.scope` is set to 'Cluster'"));
  }
  return errors;
}

/** `acme.io/foo`. */
export function validateDomainPath(value: string, here: Path): FieldError[] {
  const slash = value.indexOf("/");
  if (slash <= 0 || slash === value.length - 1) {
    return [invalid(here, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  const domain = value.slice(0, slash);
  const errors = invalidFor(here, domain, dns1123SubdomainErrors(domain));
  if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(value.slice(slash + 1))) {
    errors.push(
      invalid(
        here,
        value.slice(slash + 1),
        "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
      ),
    );
  }
  return errors;
}

function parametersCell(ingressClass: KubeObject): string {
  const parameters = spec(ingressClass)["parameters"];
  if (!isFields(parameters)) return "<none>";
  const apiGroup = text(parameters["apiGroup"]);
  return `${text(parameters["kind"])}${apiGroup === "" ? "" : `.${apiGroup}`}/${text(parameters["name"])}`;
}

function validateServiceCIDR(object: KubeObject): FieldError[] {
  const cidrs = texts(spec(object)["cidrs"]);
  const here = at.child("cidrs");
  if (cidrs.length === 0) return [required(here, "at least one CIDR required")];
  const errors: FieldError[] = [];
  if (cidrs.length > 2) errors.push(invalid(here, cidrs, "may only hold up to 2 values"));
  const ranges = cidrs.map(parseRange);
  if (cidrs.length === 2 && ranges[0]?.family === ranges[1]?.family && ranges[0] !== undefined) {
    errors.push(
      invalid(here, cidrs, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"),
    );
  }
  cidrs.forEach((cidr, index) => {
    const wrong = validateCIDR(cidr, here.index(index));
    errors.push(...wrong);
    const range = ranges[index];
    if (wrong.length === 0 && range !== undefined && networkOf(range) !== range.value) {
      const canonical = `${formatAddress({ family: range.family, value: networkOf(range) })}/${range.bits}`;
      errors.push(
        invalid(
          here.index(index),
          cidr,
          `must not have bits set beyond the prefix length (did you mean "${canonical}"?)`,
        ),
      );
    }
  });
  return errors;
}

/** Ranges may gain the other family, nothing else. */
function validateServiceCIDRUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const now = texts(spec(next)["cidrs"]);
  const before = texts(spec(old)["cidrs"]);
  const here = at.child("cidrs");
  if (same(now, before)) return [];
  if (now.length < before.length || now.length === 0) return [invalid(here, now, "field is immutable")];
  const errors = before.flatMap((cidr, index) =>
    now[index] === cidr ? [] : [invalid(here.index(index), now[index], "field is immutable")]
  );
  return errors.length > 0 ? errors : validateServiceCIDR(next);
}

const addressName = (name: string): string[] => {
  const address = parseAddress(name);
  if (address === undefined) return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];
  return formatAddress(address) === name ? [] : [`must be in canonical form ("${formatAddress(address)}")`];
};

function validateIPAddress(object: KubeObject): FieldError[] {
  const parent = spec(object)["parentRef"];
  const here = at.child("parentRef");
  if (!isFields(parent)) return [required(here)];
  const errors: FieldError[] = [];
  for (const name of ["resource", "name"]) if (text(parent[name]) === "") errors.push(required(here.child(name)));
  const apiGroup = text(parent["group"]);
  if (apiGroup !== "") errors.push(...invalidFor(here.child("group"), apiGroup, dns1123SubdomainErrors(apiGroup)));
  return errors;
}

function parentCell(object: KubeObject): string {
  const parent = spec(object)["parentRef"];
  if (!isFields(parent)) return "<none>";
  const resource = text(parent["resource"]) + (text(parent["group"]) === "" ? "" : `.${text(parent["group"])}`);
  return [resource, text(parent["namespace"]), text(parent["name"])].filter((part) => part !== "").join("/");
}

const cidrsText =
  'CIDRs defines the IP blocks in CIDR notation (e.g. "192.168.0.0/24" or "2001:db8::/64") from which to assign ' +
  "service cluster IPs. Max of two CIDRs is allowed, one of each IP family. This field is immutable.";

export const networkingResources: readonly Resource[] = [
  row({
    group,
    version,
    resource: "ingressclasses",
    kind: "IngressClass",
    namespaced: false,
    columns: [
      nameColumn,
      column(
        "Controller",
        "Controller that is responsible for handling this class",
        (object) => text(spec(object)["controller"]),
      ),
      column("Parameters", "A reference to a resource with additional parameters", parametersCell),
      ageColumn,
    ],
    strategy: {
      setDefaults(object) {
        const parameters = spec(object)["parameters"];
        if (isFields(parameters)) defaultText(parameters, { scope: "Cluster" });
      },
      validate: validateIngressClass,
      validateUpdate: (next, old) => [
        ...immutable(spec(next)["controller"] ?? "", spec(old)["controller"], at.child("controller"), identical),
        ...validateIngressClass(next).filter((error) => error.field.startsWith("spec.parameters")),
      ],
    },
  }),
  row({
    group,
    version,
    resource: "ingresses",
    kind: "Ingress",
    shortNames: ["ing"],
    subresources: { status: statusSubresource },
    columns: [
      nameColumn,
      column(
        "Class",
        "The name of the IngressClass resource that should be used for additional configuration",
        classCell,
      ),
      column("Hosts", "Hosts that incoming requests are matched against before the ingress rule", hostsCell),
      column("Address", "Address is a list containing ingress points for the load-balancer", addressCell),
      column(
        "Ports",
        "Ports of TLS configurations that open",
        (ingress) => list(spec(ingress)["tls"]).length > 0 ? "80, 443" : "80",
      ),
      ageColumn,
    ],
    strategy: {
      prepareForCreate(ingress) {
        ingress["status"] = { loadBalancer: {} };
      },
      validate: validateNewIngress,
      prepareForUpdate: keepStatus,
      validateUpdate: validateIngress,
    },
  }),
  row({
    group,
    version,
    resource: "ipaddresses",
    singular: "ipaddress",
    kind: "IPAddress",
    namespaced: false,
    shortNames: ["ip"],
    columns: [
      nameColumn,
      column(
        "ParentRef",
        "ParentRef references the resource that an IPAddress is attached to. An IPAddress must reference a parent object.",
        parentCell,
      ),
    ],
    strategy: {
      validate: validateIPAddress,
      validateUpdate(next, old) {
        const parent = spec(next)["parentRef"];
        const shown = isFields(parent)
          ? {
            Group: text(parent["group"]),
            Resource: text(parent["resource"]),
            Namespace: text(parent["namespace"]),
            Name: text(parent["name"]),
          }
          : null;
        const errors = validateIPAddress(next);
        return identical(parent, spec(old)["parentRef"])
          ? errors
          : [...errors, invalid(at.child("parentRef"), shown, "field is immutable")];
      },
      validateName: addressName,
      hasGeneration: false,
    },
  }),
  networkPolicies,
  row({
    group,
    version,
    resource: "servicecidrs",
    singular: "servicecidr",
    kind: "ServiceCIDR",
    namespaced: false,
    subresources: { status: statusSubresource },
    columns: [nameColumn, column("CIDRs", cidrsText, (object) => texts(spec(object)["cidrs"]).join(",")), ageColumn],
    strategy: {
      prepareForCreate(object) {
        object["status"] = {};
      },
      validate: validateServiceCIDR,
      prepareForUpdate: keepStatus,
      validateUpdate: validateServiceCIDRUpdate,
      hasGeneration: false,
    },
  }),
];
