/** Rules of scheduling: affinity, tolerations, spreading. */
import { dns1123LabelErrors, labelValueErrors } from "../../../machines/objects/names.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, int, list, text, texts } from "../fields.ts";
import { duplicate, forbidden, invalid, invalidFor, notSupported, oneOf, type Path, required } from "./field.ts";
import { validateLabelName, validateLabelSelector } from "./labels.ts";

function validateNodeExpression(expression: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const operator = text(expression["operator"]);
  const values = texts(expression["values"]);
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) {
      errors.push(required(at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) {
      errors.push(forbidden(at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else if (operator === "Gt" || operator === "Lt") {
    if (values.length !== 1) {
      errors.push(required(at.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'"));
    }
  } else {
    errors.push(invalid(at.child("operator"), operator, "not a valid selector operator"));
  }
  return [...errors, ...validateLabelName(text(expression["key"]), at.child("key"))];
}

function validateFieldExpression(expression: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const operator = text(expression["operator"]);
  const values = texts(expression["values"]);
  if (operator !== "In" && operator !== "NotIn") {
    errors.push(invalid(at.child("operator"), operator, "not a valid selector operator"));
  } else if (values.length !== 1) {
    errors.push(
      required(at.child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
    );
  }
  if (text(expression["key"]) !== "metadata.name") {
    errors.push(invalid(at.child("key"), expression["key"] ?? "", "not a valid field selector key"));
  }
  return errors;
}

function validateNodeTerm(term: Fields, at: Path): FieldError[] {
  return [
    ...list(term["matchExpressions"]).flatMap((each, index) =>
      validateNodeExpression(each, at.child("matchExpressions").index(index))
    ),
    ...list(term["matchFields"]).flatMap((each, index) =>
      validateFieldExpression(each, at.child("matchFields").index(index))
    ),
  ];
}

/** core/v1 NodeSelector. */
export function validateNodeSelector(selector: unknown, at: Path): FieldError[] {
  const terms = list(fields(selector)["nodeSelectorTerms"]);
  const here = at.child("nodeSelectorTerms");
  if (terms.length === 0) return [required(here, "must have at least one node selector term")];
  return terms.flatMap((term, index) => validateNodeTerm(term, here.index(index)));
}

const maxWeight = 100;

function validateWeight(weight: unknown, at: Path): FieldError[] {
  return int(weight) < 1 || int(weight) > maxWeight ? [invalid(at, int(weight), "must be in the range 1-100")] : [];
}

const requiredTerms = "requiredDuringSchedulingIgnoredDuringExecution";
const preferredTerms = "preferredDuringSchedulingIgnoredDuringExecution";

function validateNodeAffinity(affinity: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (has(affinity[requiredTerms])) {
    errors.push(...validateNodeSelector(affinity[requiredTerms], at.child(requiredTerms)));
  }
  list(affinity[preferredTerms]).forEach((term, index) => {
    const here = at.child(preferredTerms).index(index);
    errors.push(...validateWeight(term["weight"], here.child("weight")));
    errors.push(...validateNodeTerm(fields(term["preference"]), here.child("preference")));
  });
  return errors;
}

function validateLabelKeys(keys: unknown, selector: unknown, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const names = texts(keys);
  names.forEach((name, index) => {
    const here = at.index(index);
    errors.push(...validateLabelName(name, here));
    if (!has(selector)) errors.push(forbidden(here, "must not be specified when labelSelector is not set"));
  });
  return errors;
}

function validatePodTerm(term: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (has(term["labelSelector"])) {
    errors.push(...validateLabelSelector(term["labelSelector"], at.child("labelSelector")));
  }
  if (has(term["namespaceSelector"])) {
    errors.push(...validateLabelSelector(term["namespaceSelector"], at.child("namespaceSelector")));
  }
  texts(term["namespaces"]).forEach((name) => {
    errors.push(...invalidFor(at.child("namespace"), name, dns1123LabelErrors(name)));
  });
  for (const keys of ["matchLabelKeys", "mismatchLabelKeys"]) {
    errors.push(...validateLabelKeys(term[keys], term["labelSelector"], at.child(keys)));
  }
  const key = text(term["topologyKey"]);
  if (key === "") errors.push(required(at.child("topologyKey"), "can not be empty"));
  return [...errors, ...validateLabelName(key, at.child("topologyKey"))];
}

function validatePodAffinity(affinity: Fields, at: Path): FieldError[] {
  return [
    ...list(affinity[requiredTerms]).flatMap((term, index) =>
      validatePodTerm(term, at.child(requiredTerms).index(index))
    ),
    ...list(affinity[preferredTerms]).flatMap((term, index) => {
      const here = at.child(preferredTerms).index(index);
      return [
        ...validateWeight(term["weight"], here.child("weight")),
        ...validatePodTerm(fields(term["podAffinityTerm"]), here.child("podAffinityTerm")),
      ];
    }),
  ];
}

export function validateAffinity(affinity: unknown, at: Path): FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = fields(affinity);
  return [
    ...(has(nodeAffinity) ? validateNodeAffinity(fields(nodeAffinity), at.child("nodeAffinity")) : []),
    ...(has(podAffinity) ? validatePodAffinity(fields(podAffinity), at.child("podAffinity")) : []),
    ...(has(podAntiAffinity) ? validatePodAffinity(fields(podAntiAffinity), at.child("podAntiAffinity")) : []),
  ];
}

export const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** @param allowEmpty a toleration without effect matches all; a taint needs one. */
export function validateTaintEffect(effect: string, allowEmpty: boolean, at: Path): FieldError[] {
  if (effect === "") return allowEmpty ? [] : [required(at)];
  return oneOf(effect, taintEffects, at);
}

export function validateTolerations(tolerations: unknown, at: Path): FieldError[] {
  return list(tolerations).flatMap((toleration, index) => {
    const here = at.index(index);
    const errors: FieldError[] = [];
    const [key, operator, effect, value] = ["key", "operator", "effect", "value"].map((name) => text(toleration[name]));
    if (key !== undefined && key !== "") errors.push(...validateLabelName(key, here.child("key")));
    if (key === "" && operator !== "Exists") {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(here.child("operator"), operator, detail));
    }
    if (has(toleration["tolerationSeconds"]) && effect !== "NoExecute") {
      errors.push(invalid(here.child("effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === "Equal" || operator === "") {
      errors.push(...invalidFor(here.child("operator"), value, labelValueErrors(value ?? "")));
    } else if (operator === "Exists") {
      if (value !== "") {
        errors.push(invalid(here.child("operator"), value, "value must be empty when `operator` is 'Exists'"));
      }
    } else errors.push(notSupported(here.child("operator"), operator, ["Equal", "Exists"]));
    return [...errors, ...validateTaintEffect(effect ?? "", true, here.child("effect"))];
  });
}

const spreadActions = ["DoNotSchedule", "ScheduleAnyway"];
const inclusionPolicies = ["Honor", "Ignore"];

export function validateTopologySpread(constraints: unknown, at: Path): FieldError[] {
  const all = list(constraints);
  return all.flatMap((constraint, index) => {
    const here = at.index(index);
    const errors: FieldError[] = [];
    const key = text(constraint["topologyKey"]);
    const action = text(constraint["whenUnsatisfiable"]);
    if (int(constraint["maxSkew"]) <= 0) {
      errors.push(invalid(here.child("maxSkew"), int(constraint["maxSkew"]), "must be greater than zero"));
    }
    if (key === "") errors.push(required(here.child("topologyKey"), "can not be empty"));
    errors.push(...oneOf(action, spreadActions, here.child("whenUnsatisfiable")));
    const pair = all.slice(index + 1).some((other) =>
      text(other["topologyKey"]) === key && text(other["whenUnsatisfiable"]) === action
    );
    if (pair) errors.push(duplicate(here.child("{topologyKey, whenUnsatisfiable}"), `{${key}, ${action}}`));
    errors.push(...validateMinDomains(constraint, action, here.child("minDomains")));
    for (const policy of ["nodeAffinityPolicy", "nodeTaintsPolicy"]) {
      if (has(constraint[policy])) {
        errors.push(...oneOf(text(constraint[policy]), inclusionPolicies, here.child(policy)));
      }
    }
    errors.push(
      ...validateLabelKeys(constraint["matchLabelKeys"], constraint["labelSelector"], here.child("matchLabelKeys")),
    );
    if (has(constraint["labelSelector"])) {
      errors.push(...validateLabelSelector(constraint["labelSelector"], here.child("labelSelector")));
    }
    return errors;
  });
}

function validateMinDomains(constraint: Fields, action: string, at: Path): FieldError[] {
  const minDomains = constraint["minDomains"];
  if (!has(minDomains)) return [];
  const errors: FieldError[] = [];
  if (int(minDomains) <= 0) errors.push(invalid(at, minDomains, "must be greater than zero"));
  if (action !== "DoNotSchedule") {
    errors.push(invalid(at, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`));
  }
  return errors;
}
