/** discovery.k8s.io/v1. */
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  qualifiedNameErrors,
} from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource } from "../machinery/types.ts";
import { ageColumn, column, nameColumn } from "./columns/column.ts";
import { defaultTo, type Fields, fields, has, identical, int, list, text, texts } from "./fields.ts";
import { row } from "./row.ts";
import {
  duplicate,
  forbidden,
  immutable,
  invalid,
  invalidFor,
  notSupported,
  oneOf,
  type Path,
  path,
  required,
  tooMany,
} from "./validation/field.ts";
import { parseAddress, validateIP, validateReachableIP } from "./validation/ip.ts";
import { validateLabels } from "./validation/labels.ts";

const addressTypes = ["FQDN", "IPv4", "IPv6"];
const protocols = ["SCTP", "TCP", "UDP"];
const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;
const maxHints = 8;

function validateAddress(address: string, type: string, at: Path): FieldError[] {
  switch (type) {
    case "IPv4":
    case "IPv6": {
      const wrong = validateIP(address, at);
      if (wrong.length > 0) return wrong;
      if (parseAddress(address)?.family !== type) return [invalid(at, address, `must be an ${type} address`)];
      return validateReachableIP(address, at);
    }
    case "FQDN":
      return invalidFor(at, address, dns1123SubdomainErrors(address));
    default:
      return [];
  }
}

function validateEndpoint(endpoint: Fields, type: string, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const addresses = texts(endpoint["addresses"]);
  const here = at.child("addresses");
  if (addresses.length === 0) errors.push(required(here, "must contain at least 1 address"));
  else if (addresses.length > maxAddresses) errors.push(tooMany(here, addresses.length, maxAddresses));
  addresses.forEach((address, index) => errors.push(...validateAddress(address, type, here.index(index))));
  const { nodeName, hostname } = endpoint;
  if (has(nodeName)) errors.push(...invalidFor(at.child("nodeName"), nodeName, dns1123SubdomainErrors(text(nodeName))));
  const topology = fields(endpoint["deprecatedTopology"]);
  errors.push(...validateLabels(topology, at.child("deprecatedTopology")));
  if (has(topology["kubernetes.io/hostname"])) {
    errors.push(
      forbidden(
        at.child("deprecatedTopology").key("kubernetes.io/hostname"),
        "may not be used with deprecatedTopology",
      ),
    );
  }
  if (has(hostname)) errors.push(...invalidFor(at.child("hostname"), hostname, dns1123LabelErrors(text(hostname))));
  for (const [kind, places] of Object.entries({ forZones: "zone", forNodes: "node" })) {
    const hints = list(fields(endpoint["hints"])[kind]);
    const place = at.child("hints", kind);
    if (hints.length > maxHints) errors.push(tooMany(place, hints.length, maxHints));
    const seen = new Set<string>();
    hints.forEach((hint, index) => {
      const name = text(hint["name"]);
      errors.push(
        ...invalidFor(
          place.index(index).child("name"),
          name,
          places === "zone" ? labelValueErrors(name) : dns1123SubdomainErrors(name),
        ),
      );
      if (seen.has(name)) errors.push(duplicate(place.index(index).child("name"), name));
      seen.add(name);
    });
  }
  return errors;
}

function validatePorts(given: unknown): FieldError[] {
  const ports = list(given);
  const errors: FieldError[] = [];
  if (ports.length > maxPorts) errors.push(tooMany(path("ports"), ports.length, maxPorts));
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const at = path("ports").index(index);
    const name = text(port["name"]);
    if (name !== "") errors.push(...invalidFor(at.child("name"), name, dns1123LabelErrors(name)));
    if (names.has(name)) errors.push(duplicate(at.child("name"), name));
    names.add(name);
    if (!has(port["protocol"])) errors.push(required(at.child("protocol")));
    else errors.push(...oneOf(text(port["protocol"]), protocols, at.child("protocol")));
    const application = port["appProtocol"];
    if (has(application)) {
      errors.push(...invalidFor(at.child("appProtocol"), application, qualifiedNameErrors(text(application))));
    }
  });
  return errors;
}

function validateSlice(slice: KubeObject): FieldError[] {
  const type = text(slice["addressType"]);
  const errors: FieldError[] = [];
  if (type === "") errors.push(required(path("addressType")));
  else if (!addressTypes.includes(type)) errors.push(notSupported(path("addressType"), type, addressTypes));
  const endpoints = list(slice["endpoints"]);
  if (endpoints.length > maxEndpoints) errors.push(tooMany(path("endpoints"), endpoints.length, maxEndpoints));
  endpoints.forEach((endpoint, index) =>
    errors.push(...validateEndpoint(endpoint, type, path("endpoints").index(index)))
  );
  return [...errors, ...validatePorts(slice["ports"])];
}

function setDefaults(slice: KubeObject): void {
  for (const port of list(slice["ports"])) defaultTo(port, { name: "", protocol: "TCP" });
}

const maxShown = 3;

function shortened(values: readonly string[], none: string): string {
  if (values.length === 0) return none;
  const shown = values.slice(0, maxShown).join(",");
  return values.length > maxShown ? `${shown} + ${values.length - maxShown} more...` : shown;
}

const typeText =
  "addressType specifies the type of address carried by this EndpointSlice. All addresses in this slice must be the " +
  "same type. This field is immutable after creation. The following address types are currently supported: * IPv4: Represents an " +
  "IPv4 Address. * IPv6: Represents an IPv6 Address. * FQDN: Represents a Fully Qualified Domain Name. (Deprecated) The " +
  'EndpointSlice controller only generates, and kube-proxy only processes, slices of addressType "IPv4" and "IPv6". No ' +
  'semantics are defined for the "FQDN" type.';

export const discoveryResources: readonly Resource[] = [
  row({
    group: "discovery.k8s.io",
    version: "v1",
    resource: "endpointslices",
    kind: "EndpointSlice",
    columns: [
      nameColumn,
      column("AddressType", typeText, (slice) => text(slice["addressType"])),
      column("Ports", { of: "discovery.k8s.io/v1/EndpointSlice.ports" }, (slice) => {
        return shortened(
          list(slice["ports"]).map((port) => has(port["port"]) ? String(int(port["port"])) : "*"),
          "<unset>",
        );
      }),
      column("Endpoints", { of: "discovery.k8s.io/v1/EndpointSlice.endpoints" }, (slice) => {
        return shortened(list(slice["endpoints"]).flatMap((endpoint) => texts(endpoint["addresses"])), "<unset>");
      }),
      ageColumn,
    ],
    strategy: {
      setDefaults,
      validate: validateSlice,
      validateUpdate: (next, old) => [
        ...validateSlice(next),
        ...immutable(text(next["addressType"]), text(old["addressType"]), path("addressType"), identical),
      ],
      // A slice counts its changes though it has no spec.
      hasGeneration: true,
    },
  }),
];
