/** `serviceaccounts/NAME/token`: a token for a service account, bound to what the caller names. */
import type { KubeObject, Pod, ServiceAccount } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { type ResourceRef, resources } from "../../../ports/api_client.ts";
import { badRequest, conflict, invalid } from "../../machinery/errors.ts";
import type { FieldError, SubresourceRequest } from "../../machinery/types.ts";
import type { Bound, ServiceAccountTokens } from "./service_account_tokens.ts";

interface TokenRequestSpec {
  readonly audiences?: readonly string[] | null;
  readonly expirationSeconds?: number | null;
  readonly boundObjectRef?: {
    readonly apiVersion?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly uid?: string;
  } | null;
}

const defaultSeconds = 3_600;
const leastSeconds = 600;
const mostSeconds = 2 ** 32;
/** What the projected volume that admission adds asks for: one hour and seven seconds. */
const injectedSeconds = 3_607;
/** Those tokens are let live for a year, and `warnafter` says when they should have been renewed. */
const extendedSeconds = 365 * 86_400;

export interface TokenRequestOptions {
  readonly tokens: ServiceAccountTokens;
  /** Wall time in ms. */
  readonly now: () => number;
}

/** The handler of the subresource. */
export function tokenRequestHandler({ tokens, now }: TokenRequestOptions) {
  return async (request: SubresourceRequest): Promise<KubeObject> => {
    const { client, namespace, name } = request;
    const account = await client.get<ServiceAccount>(resources.serviceAccounts, namespace, name);
    const body = request.body ?? ({} as KubeObject);
    const spec = (body["spec"] ?? {}) as TokenRequestSpec;
    const wanted = spec.expirationSeconds ?? defaultSeconds;
    refuseBad(wanted, spec);
    const asked = spec.audiences ?? [];
    const audiences = asked.length === 0 ? tokens.audiences : asked;
    const bound = await boundTo(request, account, spec.boundObjectRef ?? undefined);

    const issued = Math.floor(now() / 1000);
    const forApi = audiences.every((audience) => tokens.audiences.includes(audience));
    const extended = wanted === injectedSeconds && bound.pod !== undefined && forApi;
    const claims: Bound = extended ? { ...bound, warnafter: issued + wanted } : bound;
    const token = request.dryRun
      ? ""
      : await tokens.sign(claims, audiences, issued + (extended ? extendedSeconds : wanted), issued);
    return {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: {
        ...(body.metadata ?? {}),
        name,
        namespace,
        creationTimestamp: rfc3339(issued),
      } as KubeObject["metadata"],
      spec: { audiences, expirationSeconds: wanted, boundObjectRef: spec.boundObjectRef ?? null },
      status: { token, expirationTimestamp: rfc3339(issued + wanted) },
    };
  };
}

function refuseBad(seconds: number, spec: TokenRequestSpec): void {
  const errors: FieldError[] = [];
  const field = "spec.expirationSeconds";
  const value = JSON.stringify(seconds);
  const reason = "FieldValueInvalid";
  if (seconds < leastSeconds) {
    const message = `Invalid value: ${value}: may not specify a duration less than 10 minutes`;
    errors.push({ reason, field, message });
  }
  if (seconds > mostSeconds) {
    const message = `Invalid value: ${value}: may not specify a duration larger than 2^32 seconds`;
    errors.push({ reason, field, message });
  }
  (spec.audiences ?? []).forEach((audience, index) => {
    if (audience !== "") return;
    errors.push({ reason, field: `spec.audiences[${index}]`, message: `Invalid value: "": may not be empty` });
  });
  if (errors.length > 0) throw invalid("authentication.k8s.io", "TokenRequest", "", errors);
}

const bindable: Readonly<
  Record<string, { resource: ResourceRef; namespaced: boolean; claim: "pod" | "secret" | "node" }>
> = {
  Pod: { resource: resources.pods, namespaced: true, claim: "pod" },
  Secret: { resource: resources.secrets, namespaced: true, claim: "secret" },
  Node: { resource: resources.nodes, namespaced: false, claim: "node" },
};

async function boundTo(
  { client, namespace }: SubresourceRequest,
  account: ServiceAccount,
  ref: NonNullable<TokenRequestSpec["boundObjectRef"]> | undefined,
): Promise<Bound> {
  const { name, uid } = account.metadata;
  const alone: Bound = { namespace, serviceaccount: { name, uid } };
  if (ref === undefined) return alone;
  const kind = bindable[ref.kind ?? ""];
  if (kind === undefined || (ref.apiVersion ?? "v1") !== "v1") {
    throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(name)} to object of type ${typeOf(ref)}`);
  }
  const object = await client.get(kind.resource, kind.namespaced ? namespace : undefined, ref.name ?? "");
  if (ref.uid !== undefined && ref.uid !== "" && ref.uid !== object.metadata.uid) {
    throw conflict(
      kind.resource,
      ref.name ?? "",
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. ` +
        "The object might have been deleted and then recreated",
    );
  }
  const bound = { ...alone, [kind.claim]: { name: object.metadata.name, uid: object.metadata.uid } };
  if (kind.claim !== "pod") return bound;
  const { spec } = object as Pod;
  if (spec?.serviceAccountName !== name) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(name)} to pod running with different serviceaccount name.`,
    );
  }
  if (spec.nodeName === undefined || spec.nodeName === "") return bound;
  return { ...bound, node: { name: spec.nodeName, uid: await uidOfNode(client, spec.nodeName) } };
}

/** Empty when the node is gone: its name alone is claimed then. */
async function uidOfNode(client: SubresourceRequest["client"], name: string): Promise<string> {
  try {
    return (await client.get(resources.nodes, undefined, name)).metadata.uid;
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return "";
    throw error;
  }
}

function typeOf(ref: { apiVersion?: string; kind?: string }): string {
  return `${ref.apiVersion ?? ""}, Kind=${ref.kind ?? ""}`;
}

function rfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
