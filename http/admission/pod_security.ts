/**
 * Pod security: a namespace's labels say which level its pods are held to (`enforce`) and warned about (`warn`), and of
 * which the audit log tells (`audit`). Kubernetes docs, "Pod Security Admission". Every version label means the rules of
 * 1.36.
 */
import type { KubeObject, PodSpec } from "../../machines/objects/object.ts";
import { forbidden, invalid } from "../machinery/errors.ts";
import type { AdmissionPlugin, AdmissionRequest, FieldError } from "../machinery/types.ts";
import type { ClusterState } from "./cluster_state.ts";
import { type Level, violationsOf } from "./pod_security_checks.ts";

const prefix = "pod-security.kubernetes.io/";
const levels: readonly Level[] = ["privileged", "baseline", "restricted"];
const modes = ["enforce", "audit", "warn"] as const;

/** Where the pod template is in what makes pods: only warned about, since the pods themselves are held. */
const templates: Readonly<Record<string, readonly string[]>> = {
  "/podtemplates": ["template"],
  "/replicationcontrollers": ["spec", "template"],
  "apps/daemonsets": ["spec", "template"],
  "apps/deployments": ["spec", "template"],
  "apps/replicasets": ["spec", "template"],
  "apps/statefulsets": ["spec", "template"],
  "batch/jobs": ["spec", "template"],
  "batch/cronjobs": ["spec", "jobTemplate", "spec", "template"],
};

type Template = { metadata?: { annotations?: Record<string, string> }; spec?: PodSpec };

export function podSecurity({ namespaces }: Pick<ClusterState, "namespaces">): AdmissionPlugin {
  return {
    name: "PodSecurity",
    async validate(request) {
      const { attributes, operation, object } = request;
      if (object === undefined || (operation !== "CREATE" && operation !== "UPDATE")) return;
      if (attributes.group === "" && attributes.resource === "namespaces") return refuseBadLabels(object);
      if (attributes.subresource !== "" && attributes.subresource !== "ephemeralcontainers") return;
      const path = templates[`${attributes.group}/${attributes.resource}`];
      const isPod = attributes.group === "" && attributes.resource === "pods";
      if (path === undefined && !isPod) return;
      const template = at(object, path ?? []);
      if (template?.spec === undefined || (isPod && sameSecurity(template, request.old as Template | undefined))) {
        return;
      }
      const namespace = await namespaces.find(undefined, attributes.namespace);
      const labels = namespace?.metadata.labels ?? {};
      if (request.annotate !== undefined) {
        const audited = judged(labels, "audit", template);
        if (isPod) request.annotate(`${prefix}enforce-policy`, levelAndVersion(labels, "enforce"));
        if (audited !== undefined) {
          request.annotate(`${prefix}audit-violations`, `would violate PodSecurity ${audited}`);
        }
      }
      if (isPod) {
        const told = judged(labels, "enforce", template);
        if (told !== undefined) throw forbidden(attributes, attributes.name, `violates PodSecurity ${told}`);
      }
      const warned = judged(labels, "warn", template);
      if (warned !== undefined) request.warn(`would violate PodSecurity ${warned}`);
    },
  };
}

function at(object: KubeObject, path: readonly string[]): Template | undefined {
  let found: unknown = object;
  for (const field of path) found = (found as Record<string, unknown> | undefined)?.[field];
  return found as Template | undefined;
}

/** An update that changes nothing the rules look at may not fail for what was let in before. */
function sameSecurity(next: Template, old: Template | undefined): boolean {
  if (old === undefined) return false;
  const seen = ({ metadata, spec }: Template) => JSON.stringify([metadata?.annotations ?? {}, spec]);
  return seen(next) === seen(old);
}

/** `"restricted:latest": REASON (DETAIL), ...`; undefined when nothing is wrong. */
function judged(
  labels: Readonly<Record<string, string>>,
  mode: (typeof modes)[number],
  { spec, metadata }: Template,
): string | undefined {
  const level = labels[`${prefix}${mode}`] as Level | undefined;
  if (level === undefined || !levels.includes(level) || spec === undefined) return undefined;
  const version = labels[`${prefix}${mode}-version`] ?? "latest";
  const found = violationsOf(level, spec, metadata?.annotations);
  if (found.length === 0) return undefined;
  return `"${level}:${version}": ${found.map(({ reason, detail }) => `${reason} (${detail})`).join(", ")}`;
}

function levelAndVersion(labels: Readonly<Record<string, string>>, mode: (typeof modes)[number]): string {
  return `${labels[`${prefix}${mode}`] ?? "privileged"}:${labels[`${prefix}${mode}-version`] ?? "latest"}`;
}

function refuseBadLabels({ metadata }: AdmissionRequest["object"] & KubeObject): void {
  const errors: FieldError[] = [];
  const check = (label: string, isGood: (value: string) => boolean, rule: string) => {
    const value = metadata.labels?.[label];
    if (value === undefined || isGood(value)) return;
    const message = `Invalid value: ${JSON.stringify(value)}: ${rule}`;
    errors.push({ reason: "FieldValueInvalid", field: `metadata.labels[${label}]`, message });
  };
  for (const mode of modes) {
    const known = (value: string) => (levels as readonly string[]).includes(value);
    check(`${prefix}${mode}`, known, `must be one of ${levels.join(", ")}`);
    const isVersion = (value: string) => value === "latest" || /^v1\.(0|[1-9]\d*)$/.test(value);
    check(`${prefix}${mode}-version`, isVersion, 'must be "latest" or "v1.x"');
  }
  if (errors.length > 0) throw invalid("", "Namespace", metadata.name, errors);
}
