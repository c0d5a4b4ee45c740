/**
 * Which names Kubernetes lets pass, and what it says about the others: one text per broken rule, none for a good name.
 * The texts are part of the API: clients compare them.
 */

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedPart = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValue = `(${qualifiedPart})?`;
const labelValuePattern = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const configMapKey = "[-._a-zA-Z0-9]+";
const envVarName = "[-._a-zA-Z][-._a-zA-Z0-9]*";
const relaxedEnvVarName = /^[ -<>-~]+$/;
const cIdentifier = "[A-Za-z_][A-Za-z0-9_]*";
const httpHeaderName = "[-A-Za-z0-9]+";
const wildcardSubdomain = `\\*\\.${subdomain}`;
const percent = "[0-9]+%";

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const patterns = {
  label: whole(label),
  subdomain: whole(subdomain),
  label1035: whole(label1035),
  qualifiedPart: whole(qualifiedPart),
  labelValue: whole(labelValue),
  configMapKey: whole(configMapKey),
  envVarName: whole(envVarName),
  cIdentifier: whole(cIdentifier),
  httpHeaderName: whole(httpHeaderName),
  wildcardSubdomain: whole(wildcardSubdomain),
  percent: whole(percent),
};

const encoder = new TextEncoder();

/** Length in UTF-8 bytes, which is what Kubernetes counts. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** Whether a text has more bytes than allowed. A letter has three at most, so most texts need no counting. */
function exceeds(text: string, bytes: number): boolean {
  return text.length > bytes || text.length * 3 > bytes && byteLength(text) > bytes;
}

function regexText(message: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${message} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

/** `must be no more than 63 characters`. */
export function maxLengthText(length: number): string {
  return `must be no more than ${length} characters`;
}

/** `must be no more than 63 bytes`. */
export function maxBytesText(length: number): string {
  return `must be no more than ${length} bytes`;
}

/** `must be between 1 and 65535, inclusive`. */
export function rangeText(low: number | bigint, high: number | bigint): string {
  return `must be between ${low} and ${high}, inclusive`;
}

const label1123Text =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start " +
  "and end with an alphanumeric character";
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and " +
  "must start and end with an alphanumeric character";

/** RFC 1123 label: pod containers, namespaces, volumes. */
export function dns1123LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 63)) errors.push(maxLengthText(63));
  if (!patterns.label.test(value)) {
    // A subdomain that fails only for its dots is said so.
    if (patterns.subdomain.test(value)) errors.push("must not contain dots");
    else errors.push(regexText(label1123Text, label, "my-name", "123-abc"));
  }
  return errors;
}

/** RFC 1123 subdomain: the default of `metadata.name`. */
export function dns1123SubdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 253)) errors.push(maxLengthText(253));
  if (!patterns.subdomain.test(value)) errors.push(regexText(subdomainText, subdomain, "example.com"));
  return errors;
}

/** RFC 1035 label: services. */
export function dns1035LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 63)) errors.push(maxLengthText(63));
  if (!patterns.label1035.test(value)) {
    const text =
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic " +
      "character, and end with an alphanumeric character";
    errors.push(regexText(text, label1035, "my-name", "abc-123"));
  }
  return errors;
}

/** `*.example.com`: ingress hosts. */
export function wildcardSubdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 253)) errors.push(maxLengthText(253));
  if (!patterns.wildcardSubdomain.test(value)) {
    const text = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must " +
      "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
    errors.push(regexText(text, wildcardSubdomain, "*.example.com"));
  }
  return errors;
}

/** `[prefix/]name`: label keys, annotation keys, taints, topology keys, finalizers. */
export function qualifiedNameErrors(value: string): string[] {
  const errors: string[] = [];
  const parts = value.split("/");
  const partText = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
    "alphanumeric character";
  let name: string;
  if (parts.length === 1) {
    name = parts[0] ?? "";
  } else if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    name = parts[1] ?? "";
    if (prefix === "") errors.push("prefix part must be non-empty");
    else errors.push(...dns1123SubdomainErrors(prefix).map((text) => `prefix part ${text}`));
  } else {
    const text = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
      "with an alphanumeric character";
    const shown = regexText(text, qualifiedPart, "MyName", "my.name", "123-abc");
    return [`${shown} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  if (name === "") errors.push("name part must be non-empty");
  else if (exceeds(name, 63)) errors.push(`name part ${maxBytesText(63)}`);
  if (!patterns.qualifiedPart.test(name)) {
    errors.push(`name part ${regexText(partText, qualifiedPart, "MyName", "my.name", "123-abc")}`);
  }
  return errors;
}

export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 63)) errors.push(maxBytesText(63));
  if (!patterns.labelValue.test(value)) {
    const text =
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must " +
      "start and end with an alphanumeric character";
    errors.push(regexText(text, labelValuePattern, "MyValue", "my_value", "12345"));
  }
  return errors;
}

/** Keys of config maps and secrets. */
export function configMapKeyErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 253)) errors.push(maxLengthText(253));
  if (!patterns.configMapKey.test(value)) {
    const text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    errors.push(regexText(text, configMapKey, "key.name", "KEY_NAME", "key-name"));
  }
  errors.push(...dotErrors(value));
  return errors;
}

function dotErrors(value: string): string[] {
  if (value === ".") return ["must not be '.'"];
  if (value === "..") return ["must not be '..'"];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}

/** Names of environment variables as they have been allowed since 1.30: printable ASCII without '='. */
export function envVarNameErrors(value: string): string[] {
  if (relaxedEnvVarName.test(value)) return [];
  return [
    "a valid environment variable name must consist only of printable ASCII characters other than '=' " +
    "(e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '^[ -<>-~]+$')",
  ];
}

export function cIdentifierErrors(value: string): string[] {
  if (patterns.cIdentifier.test(value)) return [];
  const text =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric " +
    "characters or '_'";
  return [regexText(text, cIdentifier, "my_name", "MY_NAME", "MyName")];
}

export function httpHeaderNameErrors(value: string): string[] {
  if (patterns.httpHeaderName.test(value)) return [];
  const text = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return [regexText(text, httpHeaderName, "X-Header-Name")];
}

/** The name of a port (IANA service name). */
export function portNameErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 15)) errors.push(maxLengthText(15));
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(value)) errors.push("must contain at least one letter (a-z)");
  if (value.includes("--")) errors.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

export function portNumberErrors(port: number): string[] {
  return port >= 1 && port <= 65535 ? [] : [rangeText(1, 65535)];
}

export function percentErrors(value: string): string[] {
  if (patterns.percent.test(value)) return [];
  const text = "a valid percent string must be a numeric string followed by an ending '%'";
  return [regexText(text, percent, "1%", "93%")];
}

/** A name that becomes one segment of a URL: RBAC roles and bindings. */
export function pathSegmentErrors(value: string, prefix = false): string[] {
  if (!prefix && (value === "." || value === "..")) return [`may not be '${value}'`];
  return ["/", "%"].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);
}

/** `generateName` may end in a hyphen: what follows it is one more letter as far as the rules go. */
export function maskTrailingHyphen(name: string): string {
  return name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name;
}
