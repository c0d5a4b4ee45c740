/** Rules of services. */
import { validateLabels } from "./labels.ts";
import { validatePortNumber, validatePortNumOrName } from "./handlers.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError } from "../../machinery/types.ts";
import { spec } from "../columns/column.ts";
import { type Fields, fields, has, identical, int, isFields, list, text, texts } from "../fields.ts";
import { duplicate, forbidden, invalid, invalidFor, notSupported, oneOf, type Path, path, required } from "./field.ts";
import { parseAddress, validateCIDR, validateIP, validateReachableIP } from "./ip.ts";

const at = path("spec");
const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const protocols = ["SCTP", "TCP", "UDP"];
const affinities = ["ClientIP", "None"];
const trafficPolicies = ["Cluster", "Local"];
const maxClientTimeout = 86_400;

export const hasNodePorts = (type: string): boolean => type === "NodePort" || type === "LoadBalancer";
export const isExternal = (given: Fields): boolean =>
  hasNodePorts(text(given["type"])) || (text(given["type"]) === "ClusterIP" && texts(given["externalIPs"]).length > 0);

function validatePorts(given: Fields): FieldError[] {
  const errors: FieldError[] = [];
  const ports = list(given["ports"]);
  const headless = given["clusterIP"] === "None";
  if (ports.length === 0 && !headless && given["type"] !== "ExternalName") errors.push(required(at.child("ports")));
  const names = new Set<string>();
  ports.forEach((port, index) =>
    errors.push(...validatePort(port, ports.length > 1, names, at.child("ports").index(index)))
  );
  return errors;
}

function validatePort(port: Fields, nameRequired: boolean, names: Set<string>, here: Path): FieldError[] {
  const errors: FieldError[] = [];
  const name = text(port["name"]);
  if (name === "") {
    if (nameRequired) errors.push(required(here.child("name")));
  } else {
    errors.push(...invalidFor(here.child("name"), name, dns1123LabelErrors(name)));
    if (names.has(name)) errors.push(duplicate(here.child("name"), name));
    names.add(name);
  }
  errors.push(...validatePortNumber(port["port"], here.child("port")));
  const protocol = text(port["protocol"]);
  if (protocol === "") errors.push(required(here.child("protocol")));
  else errors.push(...oneOf(protocol, protocols, here.child("protocol")));
  errors.push(...validatePortNumOrName(port["targetPort"], here.child("targetPort")));
  const application = port["appProtocol"];
  if (has(application)) {
    errors.push(...invalidFor(here.child("appProtocol"), application, qualifiedNameErrors(text(application))));
  }
  return errors;
}

function validateType(given: Fields): FieldError[] {
  const type = text(given["type"]);
  const errors: FieldError[] = [];
  if (type === "LoadBalancer") {
    if (given["clusterIP"] === "None") {
      errors.push(
        invalid(at.child("clusterIPs").index(0), "None", "may not be set to 'None' for LoadBalancer services"),
      );
    }
  }
  if (type === "NodePort" && given["clusterIP"] === "None") {
    errors.push(invalid(at.child("clusterIPs").index(0), "None", "may not be set to 'None' for NodePort services"));
  }
  if (type === "ExternalName") {
    if (texts(given["clusterIPs"]).length > 0) {
      errors.push(forbidden(at.child("clusterIPs"), "may not be set for ExternalName services"));
    }
    for (const field of ["ipFamilies", "ipFamilyPolicy"]) {
      if (has(given[field])) errors.push(forbidden(at.child(field), "may not be set for ExternalName services"));
    }
    const name = text(given["externalName"]).replace(/\.$/, "");
    if (name === "") errors.push(required(at.child("externalName")));
    else errors.push(...invalidFor(at.child("externalName"), name, dns1123SubdomainErrors(name)));
  }
  return errors;
}

function validateAffinity(given: Fields): FieldError[] {
  const affinity = text(given["sessionAffinity"]);
  const config = given["sessionAffinityConfig"];
  if (affinity === "") return [required(at.child("sessionAffinity"))];
  const errors = oneOf(affinity, affinities, at.child("sessionAffinity"));
  const here = at.child("sessionAffinityConfig");
  if (affinity === "ClientIP") {
    if (!isFields(config)) return [...errors, required(here, "when session affinity type is ClientIP")];
    const seconds = fields(config["clientIP"])["timeoutSeconds"];
    const place = here.child("clientIP", "timeoutSeconds");
    if (!has(seconds)) errors.push(required(place));
    else if (int(seconds) <= 0 || int(seconds) > maxClientTimeout) {
      errors.push(invalid(place, seconds, `must be greater than 0 and less than ${maxClientTimeout}`));
    }
  } else if (affinity === "None" && has(config)) {
    errors.push(forbidden(here, "must not be set when session affinity is None"));
  }
  return errors;
}

const families = ["IPv4", "IPv6"];

function validateAddresses(given: Fields): FieldError[] {
  const errors: FieldError[] = [];
  const ips = texts(given["clusterIPs"]);
  const here = at.child("clusterIPs");
  const first = text(given["clusterIP"]);
  if (given["type"] !== "ExternalName") {
    if (first !== "" && first !== ips[0]) errors.push(invalid(here, ips, "first value must match `clusterIP`"));
    ips.forEach((ip, index) => {
      if (ip === "None") {
        if (index > 0) errors.push(invalid(here.index(index), ip, "'None' must be the first and only value"));
        return;
      }
      if (ip !== "") errors.push(...validateIP(ip, here.index(index)));
    });
    if (ips.length > 2) errors.push(invalid(here, ips, "may only hold up to 2 values"));
    const seen = ips.map((ip) => parseAddress(ip)?.family).filter((family) => family !== undefined);
    if (ips.length > 1 && new Set(seen).size < seen.length) {
      errors.push(invalid(here, ips, "may specify no more than one IP for each IP family"));
    }
    texts(given["ipFamilies"]).forEach((family, index) => {
      if (!families.includes(family)) errors.push(notSupported(at.child("ipFamilies").index(index), family, families));
      else if (texts(given["ipFamilies"]).indexOf(family) < index) {
        errors.push(duplicate(at.child("ipFamilies").index(index), family));
      }
    });
    const policy = given["ipFamilyPolicy"];
    if (has(policy)) {
      errors.push(
        ...oneOf(text(policy), ["PreferDualStack", "RequireDualStack", "SingleStack"], at.child("ipFamilyPolicy")),
      );
    }
  }
  texts(given["externalIPs"]).forEach((ip, index) => {
    const place = at.child("externalIPs").index(index);
    const wrong = validateIP(ip, place);
    errors.push(...(wrong.length > 0 ? wrong : validateReachableIP(ip, place)));
  });
  return errors;
}

function validateNodePorts(given: Fields): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  list(given["ports"]).forEach((port, index) => {
    const nodePort = int(port["nodePort"]);
    if (nodePort === 0) return;
    const here = at.child("ports").index(index).child("nodePort");
    if (!hasNodePorts(text(given["type"]))) {
      if (given["type"] === "ClusterIP") errors.push(forbidden(here, "may not be used when `type` is 'ClusterIP'"));
      return;
    }
    const key = `${text(port["protocol"])}/${nodePort}`;
    if (seen.has(key)) errors.push(duplicate(here, nodePort));
    seen.add(key);
  });
  const pairs = new Set<string>();
  list(given["ports"]).forEach((port, index) => {
    const key = `${text(port["protocol"])}/${int(port["port"])}`;
    if (pairs.has(key)) {
      const shown = {
        Name: "",
        Protocol: text(port["protocol"]),
        AppProtocol: null,
        Port: int(port["port"]),
        TargetPort: 0,
        NodePort: 0,
      };
      errors.push(duplicate(at.child("ports").index(index), shown));
    }
    pairs.add(key);
  });
  return errors;
}

function validateTraffic(given: Fields): FieldError[] {
  const errors: FieldError[] = [];
  const type = text(given["type"]);
  const ranges = given["loadBalancerSourceRanges"];
  if (has(ranges) && texts(ranges).length > 0) {
    const here = at.child("LoadBalancerSourceRanges");
    if (type !== "LoadBalancer") errors.push(forbidden(here, "may only be used when `type` is 'LoadBalancer'"));
    texts(ranges).forEach((range, index) => errors.push(...validateCIDR(range.trim(), here.index(index))));
  }
  if (has(given["allocateLoadBalancerNodePorts"]) && type !== "LoadBalancer") {
    errors.push(forbidden(at.child("allocateLoadBalancerNodePorts"), "may only be used when `type` is 'LoadBalancer'"));
  }
  const loadBalancerClass = given["loadBalancerClass"];
  if (has(loadBalancerClass)) {
    if (type !== "LoadBalancer") {
      errors.push(forbidden(at.child("loadBalancerClass"), "may only be used when `type` is 'LoadBalancer'"));
    } else {errors.push(
        ...invalidFor(at.child("loadBalancerClass"), loadBalancerClass, qualifiedNameErrors(text(loadBalancerClass))),
      );}
  }
  errors.push(...validateExternalPolicy(given, type));
  const internal = given["internalTrafficPolicy"];
  if (has(internal)) errors.push(...oneOf(text(internal), trafficPolicies, at.child("internalTrafficPolicy")));
  else if (type !== "ExternalName" && types.includes(type)) errors.push(required(at.child("internalTrafficPolicy")));
  const distribution = given["trafficDistribution"];
  if (has(distribution)) {
    errors.push(
      ...oneOf(
        text(distribution),
        ["PreferClose", "PreferSameNode", "PreferSameZone"],
        at.child("trafficDistribution"),
      ),
    );
  }
  return errors;
}

function validateExternalPolicy(given: Fields, type: string): FieldError[] {
  const errors: FieldError[] = [];
  const external = text(given["externalTrafficPolicy"]);
  const here = at.child("externalTrafficPolicy");
  if (isExternal(given)) {
    if (external === "") errors.push(required(here));
    else errors.push(...oneOf(external, trafficPolicies, here));
  } else if (external !== "") {
    errors.push(invalid(here, external, "may only be set for externally-accessible services"));
  }
  const health = int(given["healthCheckNodePort"]);
  if (health < 0) {
    errors.push(invalid(at.child("healthCheckNodePort"), health, "must be between 0 and 65535, inclusive"));
  }
  if (health > 0 && !(type === "LoadBalancer" && external === "Local")) {
    errors.push(
      invalid(
        at.child("healthCheckNodePort"),
        health,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    );
  }
  return errors;
}

export function validateService(service: KubeObject): FieldError[] {
  const given = spec(service);
  const type = text(given["type"]);
  return [
    ...validatePorts(given),
    ...validateType(given),
    ...validateLabels(given["selector"], at.child("selector")),
    ...validateAffinity(given),
    ...validateAddresses(given),
    ...(type === "" ? [required(at.child("type"))] : oneOf(type, types, at.child("type"))),
    ...validateNodePorts(given),
    ...validateTraffic(given),
  ];
}

/** Addresses stay as they are while the service needs them. */
export function validateUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const now = spec(next);
  const before = spec(old);
  if (before["type"] !== "ExternalName" && now["type"] !== "ExternalName") {
    const had = texts(before["clusterIPs"]);
    const ip = texts(now["clusterIPs"])[0] ?? text(now["clusterIP"]);
    const readable = ip === "None" || parseAddress(ip) !== undefined;
    if (readable && had[0] !== undefined && had[0] !== "" && ip !== had[0]) {
      errors.push(invalid(at.child("clusterIPs").index(0), texts(now["clusterIPs"]), "may not change once set"));
    }
  }
  if (
    before["type"] === "LoadBalancer" && now["type"] === "LoadBalancer" &&
    !identical(now["loadBalancerClass"], before["loadBalancerClass"])
  ) {
    errors.push(invalid(at.child("loadBalancerClass"), now["loadBalancerClass"] ?? null, "may not change once set"));
  }
  return [...errors, ...validateService(next)];
}
