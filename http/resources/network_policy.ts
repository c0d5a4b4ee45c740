/** networkpolicies. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource } from "../machinery/types.ts";
import { ageColumn, column, nameColumn, selectorCell, spec } from "./columns/column.ts";
import { defaultText, ensure, type Fields, fields, has, int, isFields, list, text, texts } from "./fields.ts";
import { row } from "./row.ts";
import { forbidden, invalid, notSupported, type Path, path, required } from "./validation/field.ts";
import { validatePortNumOrName } from "./validation/handlers.ts";
import { contains, parseRange, validateCIDR } from "./validation/ip.ts";
import { validateLabelSelector } from "./validation/labels.ts";

const at = path("spec");
const protocols = ["TCP", "UDP", "SCTP"];
const directions = [["ingress", "from"], ["egress", "to"]] as const;

function validatePort(port: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  const protocol = port["protocol"];
  if (has(protocol) && !protocols.includes(text(protocol))) {
    errors.push(notSupported(here.child("protocol"), protocol, protocols));
  }
  const { port: given, endPort } = port;
  if (!has(given)) {
    if (has(endPort)) {
      errors.push(invalid(here.child("endPort"), endPort, "may not be specified when `port` is not specified"));
    }
    return errors;
  }
  errors.push(...validatePortNumOrName(given, here.child("port")));
  if (!has(endPort)) return errors;
  if (typeof given === "string") {
    return [...errors, invalid(here.child("endPort"), endPort, "may not be specified when `port` is non-numeric")];
  }
  if (int(endPort) < int(given)) {
    errors.push(invalid(here.child("endPort"), int(given), "must be greater than or equal to `port`"));
  }
  if (int(endPort) < 1 || int(endPort) > 65535) {
    errors.push(invalid(here.child("endPort"), endPort, "must be between 1 and 65535, inclusive"));
  }
  return errors;
}

function validateBlock(block: Fields, here: Path): FieldError[] {
  const cidr = text(block["cidr"]);
  if (cidr === "") return [required(here.child("cidr"))];
  const errors = validateCIDR(cidr, here.child("cidr"));
  const range = parseRange(cidr);
  texts(block["except"]).forEach((except, index) => {
    const place = here.child("except").index(index);
    const wrong = validateCIDR(except, place);
    errors.push(...wrong);
    const inner = parseRange(except);
    if (wrong.length > 0 || range === undefined || inner === undefined) return;
    if (!contains(range, inner) || inner.bits <= range.bits) {
      errors.push(invalid(place, except, "must be a strict subset of `cidr`"));
    }
  });
  return errors;
}

function validatePeer(peer: Fields, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  let given = 0;
  for (const name of ["podSelector", "namespaceSelector"]) {
    if (!has(peer[name])) continue;
    given++;
    errors.push(...validateLabelSelector(peer[name], here.child(name)));
  }
  if (isFields(peer["ipBlock"])) {
    given++;
    errors.push(...validateBlock(peer["ipBlock"], here.child("ipBlock")));
  }
  if (given === 0) errors.push(required(here, "must specify a peer"));
  else if (given > 1 && has(peer["ipBlock"])) {
    errors.push(forbidden(here, "may not specify both ipBlock and another peer"));
  }
  return errors;
}

function validatePolicy(policy: KubeObject): FieldError[] {
  const given = spec(policy);
  const errors = validateLabelSelector(given["podSelector"], at.child("podSelector"));
  for (const [direction, peers] of directions) {
    list(given[direction]).forEach((rule, index) => {
      const here = at.child(direction).index(index);
      list(rule["ports"]).forEach((port, position) =>
        errors.push(...validatePort(port, here.child("ports").index(position)))
      );
      list(rule[peers]).forEach((peer, position) =>
        errors.push(...validatePeer(peer, here.child(peers).index(position)))
      );
    });
  }
  const types = texts(given["policyTypes"]);
  if (types.length > 2) {
    errors.push(invalid(at.child("policyTypes"), types, "may not specify more than two policyTypes"));
  } else {
    types.forEach((type, index) => {
      if (type !== "Ingress" && type !== "Egress") {
        errors.push(notSupported(at.child("policyTypes").index(index), type, ["Ingress", "Egress"]));
      }
    });
  }
  return errors;
}

function setDefaults(policy: KubeObject): void {
  const given = ensure(policy, "spec");
  ensure(given, "podSelector");
  for (const [direction] of directions) {
    for (const rule of list(given[direction])) {
      for (const port of list(rule["ports"])) if (!has(port["protocol"])) defaultText(port, { protocol: "TCP" });
    }
  }
  if (texts(given["policyTypes"]).length === 0) {
    given["policyTypes"] = list(given["egress"]).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
  }
}

export const networkPolicies: Resource = row({
  group: "networking.k8s.io",
  version: "v1",
  resource: "networkpolicies",
  kind: "NetworkPolicy",
  shortNames: ["netpol"],
  columns: [
    nameColumn,
    column(
      "Pod-Selector",
      { of: "networking.k8s.io/v1/NetworkPolicySpec.podSelector" },
      (policy) => selectorCell(fields(spec(policy)["podSelector"])),
    ),
    ageColumn,
  ],
  strategy: { setDefaults, validate: validatePolicy, validateUpdate: validatePolicy },
});
