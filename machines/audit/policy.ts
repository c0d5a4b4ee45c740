/** Which requests the audit log tells of, and how much (audit.k8s.io/v1 Policy; Kubernetes docs, "Auditing"). */

export type Level = "None" | "Metadata" | "Request" | "RequestResponse";
export type Stage = "RequestReceived" | "ResponseStarted" | "ResponseComplete" | "Panic";

const levels: readonly Level[] = ["None", "Metadata", "Request", "RequestResponse"];
const stages: readonly Stage[] = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];

export function isAtLeast(level: Level, least: Level): boolean {
  return levels.indexOf(level) >= levels.indexOf(least);
}

interface GroupResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface PolicyRule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  /** "" stands for what is in no namespace. */
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

/** What a rule looks at. */
export interface AuditedRequest {
  /** Absent: nobody was authenticated. */
  readonly user?: { readonly name: string; readonly groups: readonly string[] };
  readonly verb: string;
  readonly path: string;
  readonly resourceRequest: boolean;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Verdict {
  readonly level: Level;
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

/** The first rule that matches decides; a request that none matches is not told of. */
export function judge(policy: AuditPolicy, request: AuditedRequest): Verdict {
  const rule = policy.rules.find((each) => matches(each, request));
  return {
    level: rule?.level ?? "None",
    omitStages: [...new Set([...policy.omitStages, ...rule?.omitStages ?? []])],
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields,
  };
}

function matches(rule: PolicyRule, request: AuditedRequest): boolean {
  const { users = [], userGroups = [], verbs = [], namespaces = [], resources = [], nonResourceURLs = [] } = rule;
  if (users.length > 0 && !users.includes(request.user?.name ?? "")) return false;
  if (userGroups.length > 0 && !request.user?.groups.some((group) => userGroups.includes(group))) return false;
  if (verbs.length > 0 && !verbs.includes(request.verb)) return false;
  if (namespaces.length > 0 || resources.length > 0) {
    if (!request.resourceRequest) return false;
    if (namespaces.length > 0 && !namespaces.includes(request.namespace)) return false;
    return resources.length === 0 || resources.some((each) => holds(each, request));
  }
  if (nonResourceURLs.length === 0) return true;
  return !request.resourceRequest && nonResourceURLs.some((pattern) => isUrlOf(pattern, request.path));
}

function isUrlOf(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}

function holds({ group = "", resources = [], resourceNames = [] }: GroupResources, request: AuditedRequest): boolean {
  if (group !== request.group) return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(request.name)) return false;
  const { resource, subresource } = request;
  const whole = subresource === "" ? resource : `${resource}/${subresource}`;
  return resources.some((each) =>
    each === "*" || each === whole || each === `${resource}/*` || (subresource !== "" && each === `*/${subresource}`)
  );
}

/** The policy that a parsed document is. @throws Error naming the first member that is wrong. */
export function parsePolicy(document: unknown): AuditPolicy {
  const policy = document as Partial<AuditPolicy> & { apiVersion?: unknown; kind?: unknown } | null;
  if (policy?.apiVersion !== "audit.k8s.io/v1" || policy.kind !== "Policy") {
    throw refusal('it must be a "Policy" of "audit.k8s.io/v1"');
  }
  const rules: readonly unknown[] = Array.isArray(policy.rules) ? policy.rules : [];
  if (rules.length === 0) throw refusal("rules: there must be at least one");
  rules.forEach((rule, index) => checkRule(rule, `rules[${index}]`));
  checkStages(policy.omitStages, "omitStages");
  checkBoolean(policy.omitManagedFields, "omitManagedFields");
  return {
    rules: rules as PolicyRule[],
    omitStages: policy.omitStages ?? [],
    omitManagedFields: policy.omitManagedFields ?? false,
  };
}

const members: readonly string[] = [
  ...["level", "users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs", "omitStages"],
  "omitManagedFields",
];

function checkRule(given: unknown, at: string): void {
  if (typeof given !== "object" || given === null) throw refusal(`${at}: it must be an object`);
  const rule = given as Record<string, unknown>;
  checkMembers(rule, members, at);
  if (!levels.includes(rule["level"] as Level)) {
    throw refusal(`${at}.level: ${JSON.stringify(rule["level"])} is none of ${levels.join(", ")}`);
  }
  for (const name of ["users", "userGroups", "verbs", "namespaces", "nonResourceURLs"]) {
    checkTexts(rule[name], `${at}.${name}`);
  }
  checkStages(rule["omitStages"], `${at}.omitStages`);
  checkBoolean(rule["omitManagedFields"], `${at}.omitManagedFields`);
  const urls = (rule["nonResourceURLs"] ?? []) as string[];
  const resources = rule["resources"] ?? [];
  if (!Array.isArray(resources)) throw refusal(`${at}.resources: it must be a list`);
  const isOfResources = resources.length > 0 || ((rule["namespaces"] ?? []) as string[]).length > 0;
  if (urls.length > 0 && isOfResources) {
    throw refusal(`${at}: a rule is about resources and namespaces or about nonResourceURLs, not about both`);
  }
  for (const url of urls) {
    if (url !== "*" && (!url.startsWith("/") || url.slice(0, -1).includes("*"))) {
      throw refusal(`${at}.nonResourceURLs: ${JSON.stringify(url)} must begin with "/" and may end in "*"`);
    }
  }
  resources.forEach((each, index) => checkResources(each, `${at}.resources[${index}]`));
}

function checkResources(given: unknown, at: string): void {
  if (typeof given !== "object" || given === null) throw refusal(`${at}: it must be an object`);
  const { group, resources, resourceNames } = given as Record<string, unknown>;
  checkMembers(given as Record<string, unknown>, ["group", "resources", "resourceNames"], at);
  if (group !== undefined && (typeof group !== "string" || group.includes("/"))) {
    throw refusal(`${at}.group: it must be the name of a group, without a version`);
  }
  checkTexts(resources, `${at}.resources`);
  checkTexts(resourceNames, `${at}.resourceNames`);
  if (((resourceNames ?? []) as string[]).length > 0 && ((resources ?? []) as string[]).length === 0) {
    throw refusal(`${at}.resourceNames: names need the resources that have them`);
  }
}

/** A rule with a misspelt member would match more than was meant. */
function checkMembers(value: Record<string, unknown>, known: readonly string[], at: string): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw refusal(`${at}.${unknown}: there is no such member`);
}

function checkTexts(value: unknown, at: string): void {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value) || value.some((each) => typeof each !== "string")) {
    throw refusal(`${at}: it must be a list of strings`);
  }
}

function checkStages(value: unknown, at: string): void {
  checkTexts(value, at);
  const wrong = ((value ?? []) as Stage[]).find((stage) => !stages.includes(stage));
  if (wrong !== undefined) throw refusal(`${at}: ${JSON.stringify(wrong)} is none of ${stages.join(", ")}`);
}

function checkBoolean(value: unknown, at: string): void {
  if (value !== undefined && value !== null && typeof value !== "boolean") {
    throw refusal(`${at}: it must be true or false`);
  }
}

function refusal(why: string): Error {
  return new Error(`Cannot use the audit policy: ${why}`);
}
