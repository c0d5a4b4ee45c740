/** Rules of the security contexts of pods and containers. */
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, int, list, text, texts } from "../fields.ts";
import { containersOf } from "../defaults/pod_spec.ts";
import { duplicate, forbidden, invalid, notSupported, oneOf, type Path, required } from "./field.ts";
import { validateLocalPath } from "./volumes.ts";

const maxId = 2147483647;

function validateId(id: unknown, at: Path): FieldError[] {
  return has(id) && (int(id) < 0 || int(id) > maxId)
    ? [invalid(at, id, `must be between 0 and ${maxId}, inclusive`)]
    : [];
}

const sysctlPattern = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const sysctlText = "must have at most 253 characters and match regex " +
  "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

function validateSysctls(spec: Fields, sysctls: unknown, at: Path): FieldError[] {
  const seen = new Set<string>();
  return list(sysctls).flatMap((sysctl, index) => {
    const here = at.index(index).child("name");
    const name = text(sysctl["name"]);
    const errors: FieldError[] = [];
    if (name === "") errors.push(required(here));
    else if (name.length > 253 || !sysctlPattern.test(name)) errors.push(invalid(here, name, sysctlText));
    else if (seen.has(name)) errors.push(duplicate(here, name));
    const dotted = name.includes("/") ? name.replaceAll("/", ".") : name;
    if (spec["hostNetwork"] === true && dotted.startsWith("net.")) {
      errors.push(invalid(here, name, "may not be specified when 'hostNetwork' is true"));
    }
    if (spec["hostIPC"] === true && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(dotted)) {
      errors.push(invalid(here, name, "may not be specified when 'hostIPC' is true"));
    }
    seen.add(name);
    return errors;
  });
}

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"];

function validateProfile(profile: unknown, at: Path): FieldError[] {
  if (!has(profile)) return [];
  const { type, localhostProfile } = fields(profile);
  const errors: FieldError[] = [];
  const here = at.child("localhostProfile");
  if (text(type) === "") return [required(at.child("type"), "type is required when seccompProfile is set")];
  if (type === "Localhost") {
    if (!has(localhostProfile)) errors.push(required(here, "must be set when seccomp type is Localhost"));
    else errors.push(...validateLocalPath(text(localhostProfile), here));
  } else {
    if (has(localhostProfile)) {
      errors.push(invalid(here, localhostProfile, "can only be set when seccomp type is Localhost"));
    }
    errors.push(...oneOf(text(type), profileTypes, at.child("type")));
  }
  return errors;
}

function validateAppArmor(profile: unknown, at: Path): FieldError[] {
  if (!has(profile)) return [];
  const { type, localhostProfile } = fields(profile);
  const here = at.child("localhostProfile");
  if (type === "Localhost") {
    if (!has(localhostProfile)) return [required(here, "must be set when AppArmor type is Localhost")];
    const name = text(localhostProfile);
    if (name.trim() !== name) return [invalid(here, name, "must not be padded with whitespace")];
    if (name === "") return [required(here, "must be set when AppArmor type is Localhost")];
    return [];
  }
  const errors: FieldError[] = [];
  if (has(localhostProfile)) {
    errors.push(invalid(here, localhostProfile, "can only be set when AppArmor type is Localhost"));
  }
  if (text(type) === "") errors.push(required(at.child("type"), "type is required when appArmorProfile is set"));
  else errors.push(...oneOf(text(type), profileTypes, at.child("type")));
  return errors;
}

/** spec.securityContext, with the flags of the spec that share a host's namespaces. */
export function validatePodSecurityContext(spec: Fields, at: Path): FieldError[] {
  const here = at.child("securityContext");
  const context = fields(spec["securityContext"]);
  const errors: FieldError[] = [];
  for (const id of ["runAsUser", "runAsGroup", "fsGroup"]) errors.push(...validateId(context[id], here.child(id)));
  const groups = context["supplementalGroups"];
  if (Array.isArray(groups)) {
    groups.forEach((group, index) => errors.push(...validateId(group, here.child("supplementalGroups").index(index))));
  }
  if (spec["shareProcessNamespace"] === true && spec["hostPID"] === true) {
    errors.push(
      invalid(here.child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled"),
    );
  }
  errors.push(...validateSysctls(spec, context["sysctls"], here.child("sysctls")));
  const changePolicy = context["fsGroupChangePolicy"];
  if (has(changePolicy)) {
    errors.push(...oneOf(text(changePolicy), ["Always", "OnRootMismatch"], here.child("fsGroupChangePolicy")));
  }
  errors.push(...validateProfile(context["seccompProfile"], here.child("seccompProfile")));
  errors.push(...validateAppArmor(context["appArmorProfile"], here.child("appArmorProfile")));
  const groupsPolicy = context["supplementalGroupsPolicy"];
  if (has(groupsPolicy)) {
    errors.push(...oneOf(text(groupsPolicy), ["Merge", "Strict"], here.child("supplementalGroupsPolicy")));
  }
  errors.push(...validateHostUsers(spec, at));
  return errors;
}

function validateHostUsers(spec: Fields, at: Path): FieldError[] {
  if (spec["hostUsers"] !== false) return [];
  const errors: FieldError[] = [];
  if (spec["hostPID"] === true) errors.push(forbidden(at.child("hostPID"), "when `hostUsers` is false"));
  if (spec["hostIPC"] === true) errors.push(forbidden(at.child("hostIPC"), "when `hostUsers` is false"));
  if (spec["hostNetwork"] === true) errors.push(forbidden(at.child("hostNetwork"), "when `hostUsers` is false"));
  for (const { field, index, container } of containersOf(spec)) {
    if (list(container["volumeDevices"]).length > 0) {
      errors.push(forbidden(at.child(field).index(index).child("volumeDevices"), "when `hostUsers` is false"));
    }
  }
  return errors;
}

/** securityContext of a container. */
export function validateSecurityContext(container: Fields, at: Path): FieldError[] {
  const context = container["securityContext"];
  if (!has(context)) return [];
  const {
    runAsUser,
    runAsGroup,
    procMount,
    allowPrivilegeEscalation,
    privileged,
    capabilities,
    seccompProfile,
    appArmorProfile,
  } = fields(context);
  const errors = [...validateId(runAsUser, at.child("runAsUser")), ...validateId(runAsGroup, at.child("runAsGroup"))];
  if (has(procMount) && procMount !== "Default" && procMount !== "Unmasked") {
    errors.push(notSupported(at.child("procMount"), procMount, ["Default", "Unmasked"]));
  }
  errors.push(...validateProfile(seccompProfile, at.child("seccompProfile")));
  if (allowPrivilegeEscalation === false) {
    if (privileged === true) {
      errors.push(invalid(at, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
    }
    if (texts(fields(capabilities)["add"]).includes("CAP_SYS_ADMIN")) {
      errors.push(
        invalid(at, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"),
      );
    }
  }
  return [...errors, ...validateAppArmor(appArmorProfile, at.child("appArmorProfile"))];
}
