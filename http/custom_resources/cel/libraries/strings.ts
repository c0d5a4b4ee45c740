/** Strings, regular expressions and named formats (cel-go ext: strings; k8s.io/apiserver cel/library: regex, format). */
import { Optional } from "@marcbachmann/cel-js";
import { dns1035LabelErrors, dns1123LabelErrors, dns1123SubdomainErrors } from "../../../../machines/objects/names.ts";
import { formatFits } from "../../formats.ts";
import { fail, type Library, type Values } from "./library.ts";

/** A named format: `validate` gives what is wrong, or nothing. */
export class Format {
  constructor(readonly name: string, readonly errors: (value: string) => string[]) {}
}

class Formats {}

const byFormat = (format: string) => (value: string): string[] =>
  formatFits(format, value) ? [] : [`invalid ${format}`];
const prefix = (errors: (value: string) => string[]) => (value: string): string[] =>
  errors(value.endsWith("-") ? `${value.slice(0, -1)}a` : value);
const labelValue = (value: string): string[] =>
  value.length <= 63 && /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value)
    ? []
    : ["a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"];
const qualifiedName = (value: string): string[] => {
  const [first = "", second, ...more] = value.split("/");
  const name = second ?? first;
  const named = name.length <= 63 && /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name);
  const placed = second === undefined || dns1123SubdomainErrors(first).length === 0;
  return named && placed && more.length === 0 ? [] : ["must be a qualified name"];
};

const formats: Readonly<Record<string, Format>> = Object.fromEntries(
  Object.entries({
    dns1123Label: dns1123LabelErrors,
    dns1123Subdomain: dns1123SubdomainErrors,
    dns1035Label: dns1035LabelErrors,
    qualifiedName,
    dns1123LabelPrefix: prefix(dns1123LabelErrors),
    dns1123SubdomainPrefix: prefix(dns1123SubdomainErrors),
    dns1035LabelPrefix: prefix(dns1035LabelErrors),
    labelValue,
    uri: byFormat("uri"),
    uuid: byFormat("uuid"),
    byte: byFormat("byte"),
    date: byFormat("date"),
    datetime: byFormat("datetime"),
  }).map(([name, errors]) => [name, new Format(name, (value) => [...errors(value)])]),
);

function regex(pattern: string): RegExp {
  try {
    return new RegExp(pattern, "gu");
  } catch {
    return fail(`Illegal regex: ${pattern}`);
  }
}

function replaced(text: string, from: string, to: string, count: bigint): string {
  if (count < 0n) return text.replaceAll(from, () => to);
  const parts = text.split(from);
  const kept = Math.min(Number(count), parts.length - 1);
  return [parts.slice(0, kept + 1).join(to), ...parts.slice(kept + 1)].join(from);
}

export const strings: Library = {
  types: { "kubernetes.NamedFormat": Format },
  namespaces: { format: new Formats() },
  functions: {
    "string.charAt(int): string": (text: string, at: bigint) => {
      const letters = [...text];
      if (at < 0n || at > BigInt(letters.length)) return fail(`index out of range: ${at}`);
      return letters[Number(at)] ?? "";
    },
    "string.replace(string, string): string": (text: string, from: string, to: string) => replaced(text, from, to, -1n),
    "string.replace(string, string, int): string": replaced,
    "string.reverse(): string": (text: string) => [...text].reverse().join(""),
    "string.find(string): string": (text: string, pattern: string) => regex(pattern).exec(text)?.[0] ?? "",
    "string.findAll(string): list<string>": (text: string, pattern: string) => text.match(regex(pattern)) ?? [],
    "string.findAll(string, int): list<string>": (text: string, pattern: string, limit: bigint) => {
      const all = text.match(regex(pattern)) ?? [];
      return limit < 0n ? all : all.slice(0, Number(limit));
    },
    "string.format(list): string": (text: string, given: Values[]) => formatted(text, given),
    "Formats.named(string): optional<kubernetes.NamedFormat>": (_, name: string) =>
      Object.hasOwn(formats, name) ? Optional.of(formats[name]) : Optional.none(),
    ...Object.fromEntries(
      Object.keys(formats).map((name) => [`Formats.${name}(): kubernetes.NamedFormat`, () => formats[name]]),
    ),
    "kubernetes.NamedFormat.validate(string): optional<list<string>>": (format: Format, value: string) => {
      const errors = format.errors(value);
      return errors.length === 0 ? Optional.none() : Optional.of(errors);
    },
  },
};

/** `%s %d %f %e %b %x %X %o` of cel-go's `format`. */
function formatted(text: string, given: readonly Values[]): string {
  let next = 0;
  return text.replace(/%(?:\.(\d+))?([sdfebxXo%])/g, (_, precision: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    if (next >= given.length) return fail(`index ${next} out of range`);
    const value = given[next++];
    switch (verb) {
      case "f":
        return Number(value).toFixed(precision === undefined ? 6 : Number(precision));
      case "e":
        return Number(value).toExponential(precision === undefined ? 6 : Number(precision));
      case "b":
        return BigInt(value).toString(2);
      case "o":
        return BigInt(value).toString(8);
      case "x":
      case "X": {
        const hex = typeof value === "string" ? new TextEncoder().encode(value).toHex() : BigInt(value).toString(16);
        return verb === "X" ? hex.toUpperCase() : hex;
      }
      default:
        return shownValue(value);
    }
  });
}

function shownValue(value: Values): string {
  if (Array.isArray(value)) return `[${value.map(shownValue).join(", ")}]`;
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value).map(([name, each]) => `${name}: ${shownValue(each)}`).join(", ")}}`;
  }
  return String(value);
}
