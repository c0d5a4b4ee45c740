/** Rules of a pod's spec as a whole, for pods and pod templates. */
import { dns1123LabelErrors, dns1123SubdomainErrors } from "../../../machines/objects/names.ts";
import { quantityOf } from "../../../machines/objects/quantity.ts";
import type { FieldError } from "../../machinery/types.ts";
import { containersOf } from "../defaults/pod_spec.ts";
import { type Fields, fields, has, int, list, text, texts } from "../fields.ts";
import { validateAffinity, validateTolerations, validateTopologySpread } from "./affinity.ts";
import { validateContainers } from "./containers.ts";
import { duplicate, forbidden, invalid, invalidFor, notSupported, oneOf, type Path, required } from "./field.ts";
import { validateIP } from "./ip.ts";
import { validateAnnotations, validateLabelName, validateLabels } from "./labels.ts";
import { validatePodSecurityContext } from "./pod_security.ts";
import { validateContainerResourceName, validatePodResources, validateQuantity } from "./resource_requirements.ts";
import { validateVolumes } from "./volumes.ts";

const dnsPolicies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
const restartPolicies = ["Always", "OnFailure", "Never"];
const maxNameservers = 3;
const maxSearches = 32;
const maxSearchChars = 2048;

function validateDNS(spec: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const config = spec["dnsConfig"];
  const { nameservers, searches, options } = fields(config);
  const servers = texts(nameservers);
  if (spec["dnsPolicy"] === "None") {
    if (!has(config)) return [required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if (servers.length === 0) {
      return [required(at.child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None")];
    }
  }
  if (!has(config)) return [];
  if (servers.length > maxNameservers) {
    errors.push(invalid(at.child("nameservers"), servers, `must not have more than ${maxNameservers} nameservers`));
  }
  servers.forEach((server, index) => errors.push(...validateIP(server, at.child("nameservers").index(index))));
  const domains = texts(searches);
  if (domains.length > maxSearches) {
    errors.push(invalid(at.child("searches"), domains, `must not have more than ${maxSearches} search paths`));
  }
  if (domains.join(" ").length > maxSearchChars) {
    errors.push(
      invalid(
        at.child("searches"),
        domains,
        `must not have more than ${maxSearchChars} characters (including spaces) in the search list`,
      ),
    );
  }
  domains.forEach((domain, index) => {
    if (domain === ".") return;
    const name = (domain.endsWith(".") ? domain.slice(0, -1) : domain).replaceAll("_", "-");
    errors.push(...invalidFor(at.child("searches").index(index), domain, dns1123SubdomainErrors(name)));
  });
  list(options).forEach((option, index) => {
    if (text(option["name"]) === "") errors.push(required(at.child("options").index(index), "must not be empty"));
  });
  return errors;
}

function validateHostAliases(aliases: unknown, at: Path): FieldError[] {
  return list(aliases).flatMap((alias, index) => {
    const here = at.index(index);
    return [
      ...validateIP(text(alias["ip"]), here.child("ip")),
      ...texts(alias["hostnames"]).flatMap((name, position) =>
        invalidFor(here.child("hostnames").index(position), name, dns1123SubdomainErrors(name))
      ),
    ];
  });
}

function validateGates(spec: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  list(spec["readinessGates"]).forEach((gate, index) => {
    errors.push(
      ...validateLabelName(text(gate["conditionType"]), at.child("readinessGates").index(index).child("conditionType")),
    );
  });
  const seen = new Set<string>();
  list(spec["schedulingGates"]).forEach((gate, index) => {
    const name = text(gate["name"]);
    const here = at.child("schedulingGates").index(index);
    errors.push(...validateLabelName(name, here));
    if (seen.has(name)) errors.push(duplicate(here, name));
    seen.add(name);
  });
  return errors;
}

function validateResourceClaims(claims: unknown, at: Path): FieldError[] {
  const seen = new Set<string>();
  return list(claims).flatMap((claim, index) => {
    const here = at.index(index);
    const name = text(claim["name"]);
    const errors: FieldError[] = [];
    if (name === "") errors.push(required(here.child("name")));
    else {
      if (seen.has(name)) errors.push(duplicate(here.child("name"), name));
      errors.push(...invalidFor(here.child("name"), name, dns1123LabelErrors(name)));
      seen.add(name);
    }
    const given = ["resourceClaimName", "resourceClaimTemplateName"].filter((field) => has(claim[field]));
    if (given.length === 2) {
      errors.push(
        invalid(here, claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"),
      );
    }
    if (given.length === 0) {
      errors.push(invalid(here, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"));
    }
    for (const field of given) {
      errors.push(...invalidFor(here.child(field), claim[field], dns1123SubdomainErrors(text(claim[field]))));
    }
    return errors;
  });
}

/** Names of other objects that a pod refers to. */
const references = ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"];

function validateReferences(spec: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of references) {
    const name = text(spec[field]);
    if (name !== "" || field === "runtimeClassName" && has(spec[field])) {
      errors.push(...invalidFor(at.child(field), name, dns1123SubdomainErrors(name)));
    }
  }
  for (const field of ["hostname", "subdomain"]) {
    const name = text(spec[field]);
    if (name !== "") errors.push(...invalidFor(at.child(field), name, dns1123LabelErrors(name)));
  }
  list(spec["imagePullSecrets"]).forEach((secret, index) => {
    const name = text(secret["name"]);
    if (name === "") return;
    errors.push(
      ...invalidFor(at.child("imagePullSecrets").index(index).child("name"), name, dns1123SubdomainErrors(name)),
    );
  });
  return errors;
}

function validateHostNetwork(spec: Fields, at: Path): FieldError[] {
  if (spec["hostNetwork"] !== true) return [];
  return containersOf(spec).filter(({ field }) => field === "containers" || field === "initContainers").flatMap((
    { field, index, container },
  ) =>
    list(container["ports"]).flatMap((port, position) =>
      int(port["hostPort"]) === int(port["containerPort"]) ? [] : [
        invalid(
          at.child(field).index(index).child("ports").index(position).child("containerPort"),
          int(port["containerPort"]),
          "must match `hostPort` when `hostNetwork` is true",
        ),
      ]
    )
  );
}

const maxDeadline = 2147483647;
const linuxOnly = ["hostIPC", "hostPID", "shareProcessNamespace", "hostUsers"];

function validateOS(spec: Fields, at: Path): FieldError[] {
  if (!has(spec["os"])) return [];
  const name = text(fields(spec["os"])["name"]);
  if (name === "") return [required(at.child("os", "name"), "cannot be empty")];
  if (name !== "linux" && name !== "windows") return [notSupported(at.child("os", "name"), name, ["linux", "windows"])];
  if (name !== "windows") return [];
  return linuxOnly.filter((field) => spec[field] === true).map((field) =>
    forbidden(at.child(field), `cannot be set for a windows pod`)
  );
}

export function validatePodSpec(spec: Fields, at: Path): FieldError[] {
  const volumes = validateVolumes(spec["volumes"], at.child("volumes"));
  const errors = [
    ...volumes.errors,
    ...validateResourceClaims(spec["resourceClaims"], at.child("resourceClaims")),
    ...validateContainers(spec, volumes.names, at),
  ];
  if (has(spec["resources"])) errors.push(...validatePodResources(spec["resources"], at.child("resources")));
  errors.push(...validateHostNetwork(spec, at));
  const restart = text(spec["restartPolicy"]);
  if (restart === "") errors.push(required(at.child("restartPolicy")));
  else errors.push(...oneOf(restart, restartPolicies, at.child("restartPolicy")));
  const dns = text(spec["dnsPolicy"]);
  if (dns === "") errors.push(required(at.child("dnsPolicy")));
  else errors.push(...oneOf(dns, dnsPolicies, at.child("dnsPolicy")));
  errors.push(...validateLabels(spec["nodeSelector"], at.child("nodeSelector")));
  errors.push(...validatePodSecurityContext(spec, at));
  errors.push(...validateAffinity(spec["affinity"], at.child("affinity")));
  errors.push(...validateDNS(spec, at.child("dnsConfig")));
  errors.push(...validateGates(spec, at));
  errors.push(...validateTopologySpread(spec["topologySpreadConstraints"], at.child("topologySpreadConstraints")));
  errors.push(...validateReferences(spec, at));
  const deadline = spec["activeDeadlineSeconds"];
  if (has(deadline) && (int(deadline) < 1 || int(deadline) > maxDeadline)) {
    errors.push(
      invalid(at.child("activeDeadlineSeconds"), deadline, `must be between 1 and ${maxDeadline}, inclusive`),
    );
  }
  errors.push(...validateTolerations(spec["tolerations"], at.child("tolerations")));
  errors.push(...validateHostAliases(spec["hostAliases"], at.child("hostAliases")));
  if (has(spec["preemptionPolicy"])) {
    errors.push(
      ...oneOf(text(spec["preemptionPolicy"]), ["Never", "PreemptLowerPriority"], at.child("preemptionPolicy")),
    );
  }
  for (const [name, amount] of Object.entries(fields(spec["overhead"]))) {
    errors.push(...validateContainerResourceName(name, at.child("overhead").key(name)));
    errors.push(...validateQuantity(name, amount, at.child("overhead").key(name)));
  }
  return [...errors, ...validateOS(spec, at)];
}

/** A pod template: labels, annotations and spec. */
export function validatePodTemplate(template: unknown, at: Path): FieldError[] {
  const { metadata, spec } = fields(template);
  const { labels, annotations } = fields(metadata);
  const errors = [
    ...validateLabels(labels, at.child("labels")),
    ...validateAnnotations(annotations, at.child("annotations")),
    ...validatePodSpec(fields(spec), at.child("spec")),
  ];
  if (list(fields(spec)["ephemeralContainers"]).length > 0) {
    errors.push(forbidden(at.child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template"));
  }
  return errors;
}

/** Whether a quantity was given and is above zero. */
export function isPositive(amount: unknown): boolean {
  return has(amount) && quantityOf(amount).nano > 0n;
}
