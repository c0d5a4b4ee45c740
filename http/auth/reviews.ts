/**
 * The resources that answer questions about users and rights and store nothing: TokenReview, SelfSubjectReview,
 * SubjectAccessReview with its two kin, SelfSubjectRulesReview. Each function is a row's `answer`.
 */
import type { KubeObject } from "../../machines/objects/object.ts";
import { badRequest, invalid } from "../machinery/errors.ts";
import type {
  Authorizer,
  FieldError,
  RequestAttributes,
  SubresourceRequest,
  TokenAuthenticator,
  UserInfo,
} from "../machinery/types.ts";
import type { RbacPolicy } from "./rbac/policy.ts";
import type { PolicyRule } from "./rbac/rules.ts";
import { type ServiceAccountTokens, TokenRefused } from "./tokens/service_account_tokens.ts";
import { userOfOthers } from "./authentication.ts";
import { authenticated } from "./users.ts";

export interface ReviewOptions {
  readonly authorizer: Authorizer;
  readonly policy: RbacPolicy;
  readonly tokens: ServiceAccountTokens;
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
  /** Asked about tokens that are nobody's else. */
  readonly others?: readonly TokenAuthenticator[];
  /** Wall time in ms. */
  readonly now: () => number;
}

type Answer = (request: SubresourceRequest) => Promise<KubeObject>;

/** By plural. */
export interface Reviews {
  readonly tokenreviews: Answer;
  readonly selfsubjectreviews: Answer;
  readonly subjectaccessreviews: Answer;
  readonly localsubjectaccessreviews: Answer;
  readonly selfsubjectaccessreviews: Answer;
  readonly selfsubjectrulesreviews: Answer;
}

interface AccessSpec {
  readonly resourceAttributes?: Readonly<Record<string, string | undefined>> | null;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string } | null;
  readonly user?: string;
  readonly uid?: string;
  readonly groups?: readonly string[] | null;
  readonly extra?: Readonly<Record<string, readonly string[]>> | null;
}

export function reviews(options: ReviewOptions): Reviews {
  async function access(request: SubresourceRequest, user: UserInfo, spec: AccessSpec): Promise<KubeObject> {
    const decision = await options.authorizer.authorize(attributesOf(user, spec));
    return answer(request, { status: { allowed: decision.allowed, ...reasonOf(decision.reason) } });
  }

  return {
    async tokenreviews(request) {
      const { token = "", audiences } = specOf<{ token?: string; audiences?: string[] | null }>(request);
      if (token === "") throw badRequest("token is required for TokenReview in authentication");
      return answer(request, { status: await reviewToken(options, token, audiences ?? []) });
    },

    selfsubjectreviews(request) {
      const creationTimestamp = new Date(options.now()).toISOString().replace(/\.\d+Z$/, "Z");
      const metadata = { ...request.body?.metadata, creationTimestamp };
      return Promise.resolve(answer(request, { metadata, status: { userInfo: userInfo(request.attributes.user) } }));
    },

    async subjectaccessreviews(request) {
      const spec = specOf<AccessSpec>(request);
      refuse([...attributeErrors(spec), ...subjectErrors(spec)]);
      return await access(request, subjectOf(spec), spec);
    },

    async localsubjectaccessreviews(request) {
      const spec = specOf<AccessSpec>(request);
      const errors = [...attributeErrors(spec), ...subjectErrors(spec)];
      if (spec.nonResourceAttributes !== undefined && spec.nonResourceAttributes !== null) {
        const message = "Invalid value: disallowed on this kind of request";
        errors.push({ reason: "FieldValueInvalid", field: "spec.nonResourceAttributes", message });
      }
      refuse(errors);
      const namespace = spec.resourceAttributes?.["namespace"] ?? "";
      if (namespace !== request.namespace) {
        throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${request.namespace}`);
      }
      return await access(request, subjectOf(spec), spec);
    },

    async selfsubjectaccessreviews(request) {
      const spec = specOf<AccessSpec>(request);
      refuse(attributeErrors(spec));
      return await access(request, request.attributes.user, spec);
    },

    selfsubjectrulesreviews(request) {
      const { namespace = "" } = specOf<{ namespace?: string }>(request);
      if (namespace === "") throw badRequest("no namespace on request");
      const { user } = request.attributes;
      const missing: string[] = [];
      const rules = [...options.policy.grants(user, namespace, missing)].map(({ rule }) => rule);
      const status = {
        resourceRules: rules.flatMap(resourceRule),
        nonResourceRules: rules.flatMap(nonResourceRule),
        incomplete: missing.length > 0,
        ...(missing.length === 0 ? {} : { evaluationError: missing.join("\n") }),
      };
      // What was asked is not repeated here.
      return Promise.resolve(answer(request, { metadata: {}, spec: {}, status }));
    },
  };
}

async function reviewToken(
  { tokens, staticTokens, others = [] }: ReviewOptions,
  token: string,
  wanted: readonly string[],
): Promise<Record<string, unknown>> {
  const known = staticTokens?.get(token);
  if (known !== undefined) {
    // A static token is for the API server alone, so it serves audiences only where they are ours.
    const audiences = wanted.length === 0 ? tokens.audiences : wanted.filter((one) => tokens.audiences.includes(one));
    if (audiences.length === 0) return { user: {}, error: "token audiences do not match" };
    return { authenticated: true, user: userInfo({ ...known, groups: authenticated(known.groups) }), audiences };
  }
  if (!tokens.claims(token)) {
    const user = await userOfOthers(others, token);
    if (typeof user === "string") return { user: {}, error: user };
    const audiences = wanted.length === 0 ? tokens.audiences : wanted.filter((one) => tokens.audiences.includes(one));
    if (audiences.length === 0) return { user: {}, error: "token audiences do not match" };
    return { authenticated: true, user: userInfo(user), audiences };
  }
  try {
    const { user, audiences } = await tokens.verify(token, wanted.length === 0 ? tokens.audiences : wanted);
    return { authenticated: true, user: userInfo(user), audiences };
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    return { user: {}, error: `[invalid bearer token, ${error.message}]` };
  }
}

function specOf<T>(request: SubresourceRequest): T {
  return (request.body?.["spec"] ?? {}) as T;
}

function answer(request: SubresourceRequest, change: Record<string, unknown>): KubeObject {
  const { kind, group, version } = request.resource;
  const body = request.body ?? {} as KubeObject;
  return { ...body, kind, apiVersion: `${group}/${version}`, metadata: body.metadata ?? {}, ...change } as KubeObject;
}

function reasonOf(reason: string): { reason?: string } {
  return reason === "" ? {} : { reason };
}

/** authentication.k8s.io's UserInfo. */
function userInfo({ name, uid, groups, extra }: UserInfo): Record<string, unknown> {
  return {
    username: name,
    ...(uid === undefined || uid === "" ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function subjectOf({ user, uid, groups, extra }: AccessSpec): UserInfo {
  return {
    name: user ?? "",
    ...(uid === undefined ? {} : { uid }),
    groups: groups ?? [],
    ...(extra === undefined || extra === null ? {} : { extra }),
  };
}

function attributesOf(user: UserInfo, { resourceAttributes, nonResourceAttributes }: AccessSpec): RequestAttributes {
  const about = resourceAttributes ?? {};
  return {
    user,
    verb: (resourceAttributes ?? nonResourceAttributes)?.verb ?? "",
    path: nonResourceAttributes?.path ?? "",
    resourceRequest: resourceAttributes !== undefined && resourceAttributes !== null,
    group: about["group"] ?? "",
    version: about["version"] ?? "",
    resource: about["resource"] ?? "",
    subresource: about["subresource"] ?? "",
    namespace: about["namespace"] ?? "",
    name: about["name"] ?? "",
    ...selectedBy(about as unknown as { readonly fieldSelector?: SelectorAttributes | null }),
  };
}

/** `fieldSelector` of the question: as text, or as requirements. */
interface SelectorAttributes {
  readonly rawSelector?: string;
  readonly requirements?:
    | readonly { readonly key?: string; readonly operator?: string; readonly values?: readonly string[] | null }[]
    | null;
}

/** Requirements that field selectors have no words for are left out: without them more is asked for, never less. */
function selectedBy({ fieldSelector }: { readonly fieldSelector?: SelectorAttributes | null }) {
  const { rawSelector = "", requirements } = fieldSelector ?? {};
  const terms = (requirements ?? []).flatMap(({ key = "", operator, values }) => {
    const [value, ...others] = values ?? [];
    if (value === undefined || others.length > 0) return [];
    const escaped = value.replaceAll(/[\\,=]/g, (special) => `\\${special}`);
    return operator === "In" ? [`${key}=${escaped}`] : operator === "NotIn" ? [`${key}!=${escaped}`] : [];
  });
  const text = rawSelector !== "" ? rawSelector : terms.join(",");
  return text === "" ? {} : { fieldSelector: text };
}

function attributeErrors({ resourceAttributes, nonResourceAttributes }: AccessSpec): FieldError[] {
  const given = [resourceAttributes, nonResourceAttributes].filter((one) => one !== undefined && one !== null).length;
  if (given === 1) return [];
  return [
    given === 2
      ? {
        reason: "FieldValueInvalid",
        field: "spec.nonResourceAttributes",
        message: "Invalid value: cannot be specified in combination with resourceAttributes",
      }
      : {
        reason: "FieldValueInvalid",
        field: "spec.resourceAttributes",
        message: "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
      },
  ];
}

function subjectErrors({ user = "", groups }: AccessSpec): FieldError[] {
  if (user !== "" || (groups ?? []).length > 0) return [];
  const message = 'Invalid value: "": at least one of user or group must be specified';
  return [{ reason: "FieldValueInvalid", field: "spec.user", message }];
}

/** The kind is empty in the server's message: reviews are validated before they are given one. */
function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid("authorization.k8s.io", "", "", errors);
}

function resourceRule({ verbs, apiGroups, resources, resourceNames }: PolicyRule): PolicyRule[] {
  if ((resources ?? []).length === 0) return [];
  return [{
    verbs,
    ...((apiGroups ?? []).length === 0 ? {} : { apiGroups: apiGroups ?? [] }),
    resources: resources ?? [],
    ...((resourceNames ?? []).length === 0 ? {} : { resourceNames: resourceNames ?? [] }),
  }];
}

function nonResourceRule({ verbs, nonResourceURLs }: PolicyRule): PolicyRule[] {
  const urls = nonResourceURLs ?? [];
  return urls.length === 0 ? [] : [{ verbs, nonResourceURLs: urls }];
}
