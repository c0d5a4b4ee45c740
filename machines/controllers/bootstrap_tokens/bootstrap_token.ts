/**
 * Bootstrap tokens: Secrets of type `bootstrap.kubernetes.io/token` in kube-system, with which machines introduce
 * themselves (Kubernetes docs, "Authenticating with Bootstrap Tokens").
 */
import type { KubeObject } from "../../objects/object.ts";

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
  /** Wall time in ms; undefined: for ever. */
  readonly expiresAt: number | undefined;
  readonly usages: readonly string[];
  readonly groups: readonly string[];
  readonly description: string;
}

export const bootstrapTokenType = "bootstrap.kubernetes.io/token";
export const bootstrapTokenNamespace = "kube-system";
export const bootstrapTokenPrefix = "bootstrap-token-";

export const bootstrappers = "system:bootstrappers";
/** kubeadm's: may ask for a node's certificate, which is given without anybody's approval. */
export const workerGroup = "system:bootstrappers:kubeadm:default-node-token";
/** May become a master: it is handed the cluster's keys. */
export const masterGroup = "system:bootstrappers:chartroom:masters";

const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** `abcdef.0123456789abcdef` in its parts; undefined when it is no bootstrap token. */
export function tokenParts(token: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = tokenPattern.exec(token) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** What a Secret says; undefined when it is no usable token: of another type or name, damaged, or being deleted. */
export function readBootstrapToken(object: KubeObject): BootstrapToken | undefined {
  const { type, data = {}, metadata } = object as KubeObject & { type?: string; data?: Record<string, string> };
  if (type !== bootstrapTokenType || metadata.deletionTimestamp !== undefined) return undefined;
  const field = (name: string) => decoded(data[name]);
  const id = field("token-id");
  const secret = field("token-secret");
  if (metadata.name !== `${bootstrapTokenPrefix}${id}` || tokenParts(`${id}.${secret}`) === undefined) return undefined;
  const expiration = field("expiration");
  const expiresAt = expiration === "" ? undefined : Date.parse(expiration);
  // A time that cannot be read has passed: nobody knows what was meant.
  if (Number.isNaN(expiresAt)) return undefined;
  const groups = field("auth-extra-groups").split(",").map((group) => group.trim()).filter((group) => group !== "");
  if (!groups.every((group) => groupPattern.test(group))) return undefined;
  const usages = Object.keys(data).filter((name) => name.startsWith("usage-bootstrap-") && field(name) === "true")
    .map((name) => name.slice("usage-bootstrap-".length));
  return { id, secret, expiresAt, usages, groups, description: field("description") };
}

export function hasExpired({ expiresAt }: BootstrapToken, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

function decoded(base64: string | undefined): string {
  if (base64 === undefined) return "";
  try {
    return atob(base64);
  } catch {
    return "";
  }
}
