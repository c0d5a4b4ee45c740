/** What of a pod may change after it was made. */
import type { FieldError } from "../../machinery/types.ts";
import { copy, type Fields, fields, has, int, list, same, text } from "../fields.ts";
import { forbidden, invalid, type Path, path, required } from "./field.ts";
import { validatePodSpec } from "./pod_spec.ts";

const spec = path("spec");
const maxDeadline = 2147483647;

const updatable =
  "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` " +
  "(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously " +
  "negative)";

function validateImages(next: unknown, old: unknown, at: Path): FieldError[] | undefined {
  const now = list(next);
  if (now.length !== list(old).length) return undefined;
  return now.flatMap((container, index) => {
    const image = text(container["image"]);
    const here = at.index(index).child("image");
    if (image === "") return [required(here)];
    return image.trim() === image ? [] : [invalid(here, image, "must not have leading or trailing whitespace")];
  });
}

function validateDeadline(next: Fields, old: Fields): FieldError[] {
  const at = spec.child("activeDeadlineSeconds");
  const now = next["activeDeadlineSeconds"];
  const before = old["activeDeadlineSeconds"];
  if (!has(now)) return has(before) ? [invalid(at, null, "must not update from a positive integer to nil value")] : [];
  if (int(now) < 0 || int(now) > maxDeadline) {
    return [invalid(at, now, `must be between 0 and ${maxDeadline}, inclusive`)];
  }
  return has(before) && int(before) < int(now)
    ? [invalid(at, now, "must be less than or equal to previous value")]
    : [];
}

/** A toleration counts as kept when only its seconds changed. */
function validateTolerations(next: Fields, old: Fields): FieldError[] {
  const without = (toleration: Fields): Fields => ({ ...toleration, tolerationSeconds: undefined });
  const now = list(next["tolerations"]).map(without);
  const kept = list(old["tolerations"]).every((each) => now.some((candidate) => same(candidate, without(each))));
  return kept
    ? []
    : [forbidden(spec.child("tolerations"), "existing toleration can not be modified except its tolerationSeconds")];
}

function validateSchedulingGates(next: Fields, old: Fields): FieldError[] {
  const before = new Set(list(old["schedulingGates"]).map((gate) => text(gate["name"])));
  const added = list(next["schedulingGates"]).map((gate) => text(gate["name"])).find((name) => !before.has(name));
  if (added === undefined) return [];
  return [
    forbidden(spec.child("schedulingGates"), `only deletion is allowed, but found new scheduling gate '${added}'`),
  ];
}

/** The new spec with everything that may change put back. */
function withoutAllowed(next: Fields, old: Fields): Fields {
  const munged = copy(next);
  for (const field of ["containers", "initContainers"]) {
    list(munged[field]).forEach((container, index) => {
      container["image"] = list(old[field])[index]?.["image"];
    });
  }
  for (const field of ["activeDeadlineSeconds", "tolerations", "schedulingGates"]) munged[field] = old[field];
  if (int(old["terminationGracePeriodSeconds"]) < 0 && munged["terminationGracePeriodSeconds"] === 1) {
    munged["terminationGracePeriodSeconds"] = old["terminationGracePeriodSeconds"];
  }
  const gated = list(old["schedulingGates"]).length > 0;
  if (gated) {
    // A gated pod may be narrowed: labels added to its node selector, terms to its node affinity.
    const before = Object.entries(fields(old["nodeSelector"]));
    const now = fields(munged["nodeSelector"]);
    if (before.every(([name, value]) => now[name] === value)) munged["nodeSelector"] = old["nodeSelector"];
    munged["affinity"] = narrowedAffinity(munged["affinity"], old["affinity"]);
  }
  return munged;
}

function narrowedAffinity(next: unknown, old: unknown): unknown {
  const now = fields(fields(next)["nodeAffinity"]);
  const before = fields(fields(old)["nodeAffinity"]);
  const key = "requiredDuringSchedulingIgnoredDuringExecution";
  const terms = list(fields(now[key])["nodeSelectorTerms"]);
  const had = list(fields(before[key])["nodeSelectorTerms"]);
  const narrowed = had.length === 0 ||
    had.length === terms.length &&
      had.every((term, index) =>
        ["matchExpressions", "matchFields"].every((field) =>
          list(term[field]).every((each) => list(terms[index]?.[field]).some((other) => same(each, other)))
        )
      );
  if (!narrowed) return next;
  const { nodeAffinity: _, ...others } = fields(next);
  const { nodeAffinity } = fields(old);
  if (!has(nodeAffinity)) return Object.keys(others).length === 0 && !has(old) ? old : others;
  return { ...others, nodeAffinity };
}

/** spec of a pod on its main resource: sound as a whole, and changed only where it may be. */
export function validatePodUpdate(next: Fields, old: Fields): FieldError[] {
  const errors = validatePodSpec(next, spec);
  for (const field of ["containers", "initContainers"]) {
    const found = validateImages(next[field], old[field], spec.child(field));
    if (found === undefined) {
      const what = field === "containers" ? "containers" : "init containers";
      return [...errors, forbidden(spec.child(field), `pod updates may not add or remove ${what}`)];
    }
    errors.push(...found);
  }
  errors.push(...validateDeadline(next, old), ...validateTolerations(next, old), ...validateSchedulingGates(next, old));
  if (!same(withoutAllowed(next, old), old)) {
    errors.push(forbidden(spec, `pod updates may not change fields other than ${updatable}\n`));
  }
  return errors;
}

/** pods/ephemeralcontainers: containers may be added, never changed or removed. */
export function validateEphemeralUpdate(next: Fields, old: Fields): FieldError[] {
  const at = spec.child("ephemeralContainers");
  const now = new Map(list(next["ephemeralContainers"]).map((container) => [text(container["name"]), container]));
  const errors = validatePodSpec(next, spec).filter((error) => error.field.startsWith(at.toString()));
  list(old["ephemeralContainers"]).forEach((container) => {
    const kept = now.get(text(container["name"]));
    if (kept === undefined) {
      errors.push(
        forbidden(at, `existing ephemeral containers ${JSON.stringify(container["name"])} may not be removed\n`),
      );
    } else if (!same(kept, container)) {
      errors.push(
        forbidden(at, `existing ephemeral containers ${JSON.stringify(container["name"])} may not be changed\n`),
      );
    }
  });
  return errors;
}

/** pods/resize: only the cpu and memory of containers. */
export function validateResize(
  next: Fields,
  old: Fields,
  qos: { readonly next: string; readonly old: string },
): FieldError[] {
  const errors = validatePodSpec(next, spec);
  const munged = copy(next);
  for (const field of ["containers", "initContainers"]) {
    list(munged[field]).forEach((container, index) => {
      const before = list(old[field])[index];
      if (before === undefined) return;
      container["resources"] = before["resources"];
      container["resizePolicy"] = before["resizePolicy"];
    });
  }
  if (!same(munged, old)) {
    errors.push(forbidden(spec, "only cpu and memory resources for containers can be changed\n"));
  }
  if (qos.next !== qos.old) errors.push(invalid(spec, qos.old, "Pod QOS Class may not change as a result of resizing"));
  return errors;
}

/** Containers of a pod that never restarts stay terminated. */
export function validateStateTransitions(next: Fields, old: Fields, podSpec: Fields): FieldError[] {
  if (text(podSpec["restartPolicy"]) === "Always") return [];
  const onFailure = text(podSpec["restartPolicy"]) === "OnFailure";
  const errors: FieldError[] = [];
  for (const field of ["containerStatuses", "initContainerStatuses"]) {
    const sidecars = new Set(
      list(podSpec["initContainers"]).filter((each) => each["restartPolicy"] === "Always").map((each) =>
        text(each["name"])
      ),
    );
    for (const before of list(old[field])) {
      const terminated = fields(before["state"])["terminated"];
      if (!has(terminated) || sidecars.has(text(before["name"]))) continue;
      if (onFailure && int(fields(terminated)["exitCode"]) !== 0) continue;
      list(next[field]).forEach((now, index) => {
        if (now["name"] !== before["name"] || has(fields(now["state"])["terminated"])) return;
        errors.push(
          forbidden(
            path("status", field).index(index).child("state"),
            "may not be transitioned to non-terminated state",
          ),
        );
      });
    }
  }
  return errors;
}
