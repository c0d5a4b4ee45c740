/** Rules of a pod's containers of all three sorts. */
import { dns1123LabelErrors, portNameErrors, portNumberErrors } from "../../../machines/objects/names.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, int, list, text } from "../fields.ts";
import { validateEnv, validateEnvFrom } from "./environment.ts";
import { duplicate, forbidden, invalid, invalidFor, notFound, notSupported, type Path, required } from "./field.ts";
import { type HandlerRules, validateContainerHandlers } from "./handlers.ts";
import { validateSecurityContext } from "./pod_security.ts";
import { validateResourceRequirements } from "./resource_requirements.ts";
import { validateVolumeMounts } from "./volumes.ts";

const protocols = ["SCTP", "TCP", "UDP"];
const pullPolicies = ["Always", "IfNotPresent", "Never"];
const restartPolicies = ["Always", "Never", "OnFailure"];

function validatePorts(ports: unknown, at: Path): FieldError[] {
  const names = new Set<string>();
  return list(ports).flatMap((port, index) => {
    const here = at.index(index);
    const errors: FieldError[] = [];
    const name = text(port["name"]);
    if (name !== "") {
      const texts = portNameErrors(name);
      errors.push(...invalidFor(here.child("name"), name, texts));
      if (texts.length === 0 && names.has(name)) errors.push(duplicate(here.child("name"), name));
      names.add(name);
    }
    if (int(port["containerPort"]) === 0) errors.push(required(here.child("containerPort")));
    else {errors.push(
        ...invalidFor(here.child("containerPort"), port["containerPort"], portNumberErrors(int(port["containerPort"]))),
      );}
    const hostPort = int(port["hostPort"]);
    if (hostPort !== 0) errors.push(...invalidFor(here.child("hostPort"), hostPort, portNumberErrors(hostPort)));
    const protocol = text(port["protocol"]);
    if (protocol === "") errors.push(required(here.child("protocol")));
    else if (!protocols.includes(protocol)) errors.push(notSupported(here.child("protocol"), protocol, protocols));
    return errors;
  });
}

interface ContainerRules extends HandlerRules {
  readonly volumes: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  readonly podRestartPolicy: string;
}

function validateCommon(container: Fields, at: Path, rules: ContainerRules): FieldError[] {
  const errors: FieldError[] = [];
  const name = text(container["name"]);
  const image = text(container["image"]);
  if (name === "") errors.push(required(at.child("name")));
  else errors.push(...invalidFor(at.child("name"), name, dns1123LabelErrors(name)));
  if (image.trim() !== image) {
    errors.push(invalid(at.child("image"), image, "must not have leading or trailing whitespace"));
  }
  const policy = text(container["terminationMessagePolicy"]);
  if (policy === "") errors.push(required(at.child("terminationMessagePolicy")));
  else if (policy !== "File" && policy !== "FallbackToLogsOnError") {
    errors.push(notSupported(at.child("terminationMessagePolicy"), policy, ["FallbackToLogsOnError", "File"]));
  }
  errors.push(...validatePorts(container["ports"], at.child("ports")));
  errors.push(...validateEnv(container["env"], at.child("env")));
  errors.push(...validateEnvFrom(container["envFrom"], at.child("envFrom")));
  errors.push(...validateVolumeMounts(container, rules.volumes, at));
  const pull = text(container["imagePullPolicy"]);
  if (pull === "") errors.push(required(at.child("imagePullPolicy")));
  else if (!pullPolicies.includes(pull)) errors.push(notSupported(at.child("imagePullPolicy"), pull, pullPolicies));
  errors.push(...validateResourceRequirements(container["resources"], at.child("resources"), rules.claims));
  errors.push(...validateResizePolicy(container["resizePolicy"], rules.podRestartPolicy, at.child("resizePolicy")));
  errors.push(...validateSecurityContext(container, at.child("securityContext")));
  errors.push(...validateRestartPolicy(container, at));
  return errors;
}

function validateResizePolicy(policies: unknown, podRestartPolicy: string, at: Path): FieldError[] {
  const seen = new Set<string>();
  return list(policies).flatMap((policy, index) => {
    const errors: FieldError[] = [];
    const name = text(policy["resourceName"]);
    const restart = text(policy["restartPolicy"]);
    if (seen.has(name)) errors.push(duplicate(at.index(index), name));
    seen.add(name);
    if (name === "") errors.push(required(at));
    else if (name !== "cpu" && name !== "memory") errors.push(notSupported(at, name, ["cpu", "memory"]));
    if (restart === "") errors.push(required(at));
    else if (restart !== "NotRequired" && restart !== "RestartContainer") {
      errors.push(notSupported(at, restart, ["NotRequired", "RestartContainer"]));
    }
    if (podRestartPolicy === "Never" && restart !== "NotRequired") {
      errors.push(invalid(at, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
    return errors;
  });
}

function validateRestartPolicy(container: Fields, at: Path): FieldError[] {
  const policy = container["restartPolicy"];
  const rules = list(container["restartPolicyRules"]);
  const errors: FieldError[] = [];
  if (has(policy) && !restartPolicies.includes(text(policy))) {
    errors.push(notSupported(at.child("restartPolicy"), policy, restartPolicies));
  }
  if (rules.length > 0 && !has(policy)) {
    errors.push(required(at.child("restartPolicy"), "must specify restartPolicy when restart rules are used"));
  }
  rules.forEach((rule, index) => {
    const here = at.child("restartPolicyRules").index(index);
    if (!["Restart", "RestartAllContainers"].includes(text(rule["action"]))) {
      errors.push(notSupported(here.child("action"), rule["action"] ?? "", ["Restart", "RestartAllContainers"]));
    }
    if (!has(rule["exitCodes"])) errors.push(required(here.child("exitCodes"), "must be specified"));
    else if (!["In", "NotIn"].includes(text(fields(rule["exitCodes"])["operator"]))) {
      errors.push(
        notSupported(here.child("exitCodes", "operator"), fields(rule["exitCodes"])["operator"] ?? "", ["In", "NotIn"]),
      );
    }
  });
  return errors;
}

/** What an ephemeral container may not have. */
const ephemeralForbidden = ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resizePolicy"];

/** Containers, init containers and ephemeral containers of a pod spec whose volumes were checked. */
export function validateContainers(spec: Fields, volumes: ReadonlySet<string>, at: Path): FieldError[] {
  const grace = int(spec["terminationGracePeriodSeconds"]);
  const rules: ContainerRules = {
    gracePeriodSeconds: grace,
    volumes,
    claims: new Set(list(spec["resourceClaims"]).map((claim) => text(claim["name"]))),
    podRestartPolicy: text(spec["restartPolicy"]),
  };
  const errors: FieldError[] = [];
  const containers = list(spec["containers"]);
  const names = new Set<string>();
  if (containers.length === 0) errors.push(required(at.child("containers")));
  containers.forEach((container, index) => {
    const here = at.child("containers").index(index);
    errors.push(...validateCommon(container, here, rules));
    errors.push(...takeName(container, names, here));
    errors.push(...requireImage(container, here));
    errors.push(...validateContainerHandlers(container, here, rules));
  });
  errors.push(...hostPortConflicts(containers, at.child("containers")));
  list(spec["initContainers"]).forEach((container, index) => {
    const here = at.child("initContainers").index(index);
    errors.push(...validateCommon(container, here, rules));
    errors.push(...requireImage(container, here));
    errors.push(...takeName(container, names, here));
    errors.push(...validateInitHandlers(container, here, rules));
    errors.push(...hostPortConflicts([container], at.child("initContainers"), index));
  });
  errors.push(...validateEphemeral(spec, names, rules, at.child("ephemeralContainers")));
  return errors;
}

function takeName(container: Fields, names: Set<string>, at: Path): FieldError[] {
  const name = text(container["name"]);
  if (names.has(name)) return [duplicate(at.child("name"), name)];
  if (name !== "") names.add(name);
  return [];
}

function requireImage(container: Fields, at: Path): FieldError[] {
  return text(container["image"]) === "" ? [required(at.child("image"))] : [];
}

function validateInitHandlers(container: Fields, at: Path, rules: ContainerRules): FieldError[] {
  if (container["restartPolicy"] === "Always") return validateContainerHandlers(container, at, rules);
  return ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"].filter((name) => has(container[name])).map((
    name,
  ) => forbidden(at.child(name), "may not be set for init containers without restartPolicy=Always"));
}

function validateEphemeral(spec: Fields, names: Set<string>, rules: ContainerRules, at: Path): FieldError[] {
  return list(spec["ephemeralContainers"]).flatMap((container, index) => {
    const here = at.index(index);
    const errors = validateCommon(container, here, rules);
    errors.push(...requireImage(container, here));
    errors.push(...takeName(container, names, here));
    const target = text(container["targetContainerName"]);
    const known = [...list(spec["containers"]), ...list(spec["initContainers"])].some((each) =>
      each["name"] === target
    );
    if (target !== "" && !known) errors.push(notFound(here.child("targetContainerName"), target));
    for (const name of ephemeralForbidden) {
      const value = container[name];
      if (has(value) && !(Array.isArray(value) && value.length === 0)) {
        errors.push(forbidden(here.child(name), "cannot be set for an Ephemeral Container"));
      }
    }
    const resources = fields(container["resources"]);
    if (Object.keys(fields(resources["limits"])).length + Object.keys(fields(resources["requests"])).length > 0) {
      errors.push(forbidden(here.child("resources"), "cannot be set for an Ephemeral Container"));
    }
    list(container["volumeMounts"]).forEach((mount, position) => {
      for (const name of ["subPath", "subPathExpr"]) {
        if (text(mount[name]) !== "") {
          errors.push(
            forbidden(
              here.child("volumeMounts").index(position).child(name),
              "cannot be set for an Ephemeral Container",
            ),
          );
        }
      }
    });
    return errors;
  });
}

function hostPortConflicts(containers: readonly Fields[], at: Path, offset = 0): FieldError[] {
  const seen = new Set<string>();
  return containers.flatMap((container, index) =>
    list(container["ports"]).flatMap((port, position) => {
      const hostPort = int(port["hostPort"]);
      if (hostPort === 0) return [];
      const key = `${text(port["protocol"])}/${text(port["hostIP"])}/${hostPort}`;
      if (seen.has(key)) {
        return [duplicate(at.index(index + offset).child("ports").index(position).child("hostPort"), key)];
      }
      seen.add(key);
      return [];
    })
  );
}
