/**
 * Names, label keys and label values: what is allowed, and Kubernetes' words for what is not (docs "Object Names and
 * IDs", "Labels and Selectors"). Every function answers with texts that go behind `Invalid value: "x": `; none: valid.
 */
const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualified = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValue = `(${qualified})?`;

const labelPattern = new RegExp(`^${label}$`);
const subdomainPattern = new RegExp(`^${subdomain}$`);
const label1035Pattern = new RegExp(`^${label1035}$`);
const qualifiedPattern = new RegExp(`^${qualified}$`);
const labelValuePattern = new RegExp(`^${labelValue}$`);

function regexError(text: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example, index) => `${index === 0 ? "" : " or "}'${example}', `).join("");
  return `${text} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

function tooLong(limit: number): string {
  return `must be no more than ${limit} bytes`;
}

const encoder = new TextEncoder();
function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** RFC 1123 label: namespaces, services' ports. */
export function dnsLabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > 63) errors.push(tooLong(63));
  if (!labelPattern.test(value)) {
    errors.push(regexError(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end " +
        "with an alphanumeric character",
      label,
      "my-name",
      "123-abc",
    ));
  }
  return errors;
}

/** RFC 1123 subdomain: the names of most objects. */
export function dnsSubdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > 253) errors.push(tooLong(253));
  if (!subdomainPattern.test(value)) {
    errors.push(regexError(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start " +
        "and end with an alphanumeric character",
      subdomain,
      "example.com",
    ));
  }
  return errors;
}

/** RFC 1035 label: no digit in front. */
export function dns1035LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > 63) errors.push(tooLong(63));
  if (!label1035Pattern.test(value)) {
    errors.push(regexError(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic " +
        "character, and end with an alphanumeric character",
      label1035,
      "my-name",
      "abc-123",
    ));
  }
  return errors;
}

/** `[prefix/]name`: label keys, annotation keys, finalizers, taint keys. */
export function qualifiedNameErrors(value: string, what = "name part"): string[] {
  const errors: string[] = [];
  const parts = value.split("/");
  let name: string;
  if (parts.length === 1) {
    name = value;
  } else if (parts.length === 2) {
    const [prefix = "", rest = ""] = parts;
    name = rest;
    if (prefix === "") errors.push("prefix part must be non-empty");
    else errors.push(...dnsSubdomainErrors(prefix).map((text) => `prefix part ${text}`));
  } else {
    return [
      regexError(
        "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
          "alphanumeric character",
        qualified,
        "MyName",
        "my.name",
        "123-abc",
      ) + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  if (name === "") errors.push(`${what} must be non-empty`);
  else if (byteLength(name) > 63) errors.push(`${what} ${tooLong(63)}`);
  if (!qualifiedPattern.test(name)) {
    errors.push(
      `${what} ` + regexError(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
          "character",
        qualified,
        "MyName",
        "my.name",
        "123-abc",
      ),
    );
  }
  return errors;
}

export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > 63) errors.push(tooLong(63));
  if (!labelValuePattern.test(value)) {
    errors.push(regexError(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start " +
        "and end with an alphanumeric character",
      labelValue,
      "MyValue",
      "my_value",
      "12345",
    ));
  }
  return errors;
}

/** A part of a URL path: the names of roles and bindings. */
export function pathSegmentErrors(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((illegal) => value.includes(illegal)).map((illegal) => `may not contain '${illegal}'`);
}

/** Checks a `generateName` prefix with the rule for names: a trailing dash stands for what is appended. */
export function asPrefix(errors: (name: string) => string[]): (name: string, prefix: boolean) => string[] {
  return (name, prefix) => errors(prefix && name.endsWith("-") ? `${name.slice(0, -1)}a` : name);
}

const alphabet = "bcdfghjklmnpqrstvwxz2456789";
const maxGeneratedBase = 58;

/** The prefix and five characters that spell no word. `draw` gives numbers in [0, 1). */
export function generatedName(prefix: string, draw: () => number): string {
  let suffix = "";
  for (let i = 0; i < 5; i++) suffix += alphabet[Math.floor(draw() * alphabet.length)];
  return prefix.slice(0, maxGeneratedBase) + suffix;
}
