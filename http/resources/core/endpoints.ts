/** endpoints. */
import { dns1123LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError, Resource } from "../../machinery/types.ts";
import { ageColumn, column, nameColumn } from "../columns/column.ts";
import { defaultText, type Fields, has, int, list, text } from "../fields.ts";
import { row } from "../row.ts";
import { duplicate, invalid, invalidFor, oneOf, type Path, path, required } from "../validation/field.ts";
import { validatePortNumber } from "../validation/handlers.ts";
import { parseAddress, validateIP, validateReachableIP } from "../validation/ip.ts";

function validateAddress(address: Fields, at: Path): FieldError[] {
  const ip = text(address["ip"]);
  const errors = validateIP(ip, at.child("ip"));
  const hostname = text(address["hostname"]);
  if (hostname !== "") errors.push(...invalidFor(at.child("hostname"), hostname, dns1123LabelErrors(hostname)));
  const node = address["nodeName"];
  if (has(node)) errors.push(...invalidFor(at.child("nodeName"), node, dns1123SubdomainErrors(text(node))));
  // The second, older check says it again in its own words.
  if (parseAddress(ip) === undefined) errors.push(invalid(at.child("ip"), ip, "must be a valid IP address"));
  else errors.push(...validateReachableIP(ip, at.child("ip")));
  return errors;
}

function validatePort(port: Fields, nameRequired: boolean, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const name = text(port["name"]);
  if (name === "") {
    if (nameRequired) errors.push(required(at.child("name")));
  } else errors.push(...invalidFor(at.child("name"), name, dns1123LabelErrors(name)));
  errors.push(...validatePortNumber(port["port"], at.child("port")));
  const protocol = text(port["protocol"]);
  if (protocol === "") errors.push(required(at.child("protocol")));
  else errors.push(...oneOf(protocol, ["SCTP", "TCP", "UDP"], at.child("protocol")));
  const application = port["appProtocol"];
  if (has(application)) {
    errors.push(...invalidFor(at.child("appProtocol"), application, qualifiedNameErrors(text(application))));
  }
  return errors;
}

function validateEndpoints(object: KubeObject): FieldError[] {
  return list(object["subsets"]).flatMap((subset, index) => {
    const here = path("subsets").index(index);
    const errors: FieldError[] = [];
    const ready = list(subset["addresses"]);
    const unready = list(subset["notReadyAddresses"]);
    if (ready.length === 0 && unready.length === 0) {
      errors.push(required(here, "must specify `addresses` or `notReadyAddresses`"));
    }
    ready.forEach((address, position) =>
      errors.push(...validateAddress(address, here.child("addresses").index(position)))
    );
    unready.forEach((address, position) =>
      errors.push(...validateAddress(address, here.child("notReadyAddresses").index(position)))
    );
    const ports = list(subset["ports"]);
    const names = new Set<string>();
    ports.forEach((port, position) => {
      const place = here.child("ports").index(position);
      errors.push(...validatePort(port, ports.length > 1, place));
      const name = text(port["name"]);
      if (name !== "" && names.has(name)) errors.push(duplicate(place.child("name"), name));
      names.add(name);
    });
    return errors;
  });
}

const maxShown = 3;

function endpointsCell(object: KubeObject): string {
  const all: string[] = [];
  for (const subset of list(object["subsets"])) {
    const ports = list(subset["ports"]);
    for (const address of list(subset["addresses"])) {
      const ip = text(address["ip"]);
      if (ports.length === 0) all.push(ip);
      for (const port of ports) all.push(`${ip.includes(":") ? `[${ip}]` : ip}:${int(port["port"])}`);
    }
  }
  if (all.length === 0) return "<none>";
  const shown = all.slice(0, maxShown).join(",");
  return all.length > maxShown ? `${shown} + ${all.length - maxShown} more...` : shown;
}

export const endpoints: Resource = row({
  group: "",
  version: "v1",
  resource: "endpoints",
  singular: "endpoints",
  kind: "Endpoints",
  shortNames: ["ep"],
  columns: [nameColumn, column("Endpoints", { of: "v1/Endpoints.subsets" }, endpointsCell), ageColumn],
  strategy: {
    setDefaults(object) {
      for (const subset of list(object["subsets"])) {
        for (const port of list(subset["ports"])) defaultText(port, { protocol: "TCP" });
      }
    },
    validate: validateEndpoints,
    validateUpdate: validateEndpoints,
    hasGeneration: false,
  },
});
