/** Rules of labels, annotations and selectors. */
import { byteLength, labelValueErrors, qualifiedNameErrors } from "../../../machines/objects/names.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, list, sortedKeys, text, textMap, texts } from "../fields.ts";
import { forbidden, invalid, invalidFor, type Path, required, tooLong } from "./field.ts";

export function validateLabelName(name: string, at: Path): FieldError[] {
  return invalidFor(at, name, qualifiedNameErrors(name));
}

export function validateLabels(labels: unknown, at: Path): FieldError[] {
  return Object.entries(textMap(labels)).flatMap(([name, value]) => [
    ...validateLabelName(name, at),
    ...invalidFor(at, value, labelValueErrors(value)),
  ]);
}

const maxAnnotationBytes = 256 * 1024;

export function validateAnnotations(annotations: unknown, at: Path): FieldError[] {
  const entries = Object.entries(textMap(annotations));
  const errors = entries.flatMap(([name]) => invalidFor(at, name, qualifiedNameErrors(name.toLowerCase())));
  const size = entries.reduce((sum, [name, value]) => sum + byteLength(name) + byteLength(value), 0);
  return size > maxAnnotationBytes ? [...errors, tooLong(at, maxAnnotationBytes)] : errors;
}

export interface SelectorRules {
  /** Values of `matchExpressions` that are no label values pass (old objects of some kinds). */
  readonly allowInvalidValues?: boolean;
}

/** meta/v1 LabelSelector. */
export function validateLabelSelector(selector: unknown, at: Path, rules: SelectorRules = {}): FieldError[] {
  const { matchLabels, matchExpressions } = fields(selector);
  const errors = validateLabels(matchLabels, at.child("matchLabels"));
  list(matchExpressions).forEach((each, index) => {
    errors.push(...validateExpression(each, at.child("matchExpressions").index(index), rules));
  });
  return errors;
}

function validateExpression(expression: Fields, at: Path, rules: SelectorRules): FieldError[] {
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
  } else {
    errors.push(invalid(at.child("operator"), operator, "not a valid selector operator"));
  }
  errors.push(...validateLabelName(text(expression["key"]), at.child("key")));
  if (rules.allowInvalidValues !== true) {
    values.forEach((value, index) => {
      errors.push(...invalidFor(at.child("values").index(index), value, labelValueErrors(value)));
    });
  }
  return errors;
}

/** Whether a LabelSelector matches everything (Go's `len(matchLabels)+len(matchExpressions) == 0`). */
export function isEmptySelector(selector: unknown): boolean {
  const { matchLabels, matchExpressions } = fields(selector);
  return sortedKeys(matchLabels).length === 0 && list(matchExpressions).length === 0;
}

/** Whether labels satisfy a valid LabelSelector. */
export function selectorMatches(selector: unknown, labels: unknown): boolean {
  const have = textMap(labels);
  const { matchLabels, matchExpressions } = fields(selector);
  if (!Object.entries(textMap(matchLabels)).every(([name, value]) => have[name] === value)) return false;
  return list(matchExpressions).every((each) => {
    const value = have[text(each["key"])];
    const values = texts(each["values"]);
    switch (text(each["operator"])) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      default:
        return false;
    }
  });
}

/** A selector as Kubernetes writes it in tables and in Scale: `app=web,tier in (a,b),!old`. */
export function formatSelector(selector: unknown): string {
  const { matchLabels, matchExpressions } = fields(selector);
  const parts = Object.entries(textMap(matchLabels)).map(([name, value]) => ({ name, shown: `${name}=${value}` }));
  for (const each of list(matchExpressions)) {
    const name = text(each["key"]);
    const values = texts(each["values"]).toSorted().join(",");
    const forms: Record<string, string> = {
      In: `${name} in (${values})`,
      NotIn: `${name} notin (${values})`,
      Exists: name,
      DoesNotExist: `!${name}`,
    };
    parts.push({ name, shown: forms[text(each["operator"])] ?? name });
  }
  return parts.toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0).map((part) => part.shown).join(",");
}
