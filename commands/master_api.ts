/** The API behind a master's listener: the store's objects, who may do what with them, and what is let in. */
import { realRandom } from "../actors/real/real_random.ts";
import { admission } from "../http/admission/plugins.ts";
import { checkExpression } from "../http/admission/policies/expression_check.ts";
import { followTypeChecks } from "../http/admission/policies/type_check_status.ts";
import { followDefinitions } from "../http/custom_resources/custom_resources.ts";
import { CustomSchema } from "../http/custom_resources/custom_schema.ts";
import type { Auditor } from "../http/audit/auditor.ts";
import { nodeAuthorizer, podsOfNode } from "../http/auth/node_authorizer.ts";
import { RbacPolicy } from "../http/auth/rbac/policy.ts";
import { anyOf, mastersAuthorizer, rbacAuthorizer } from "../http/auth/rbac/rbac_authorizer.ts";
import { reviews } from "../http/auth/reviews.ts";
import { BootstrapTokens } from "../http/auth/tokens/bootstrap_tokens.ts";
import { ServiceAccountTokens } from "../http/auth/tokens/service_account_tokens.ts";
import { tokenRequestHandler } from "../http/auth/tokens/token_request.ts";
import { type Api, type ApiOptions, createApi } from "../http/machinery/api.ts";
import type { Authorizer, TokenAuthenticator } from "../http/machinery/types.ts";
import { createResources } from "../http/resources/built_in.ts";
import { webhookCaller } from "../http/outgoing/webhook_caller.ts";
import { loadSchema } from "../http/schema/schema.ts";
import type { KubeObject } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import { ApiError } from "../machines/objects/status.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { Clock } from "../ports/clock.ts";
import type { Storage } from "../ports/storage.ts";

export interface MasterApiOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly serviceCidr: string;
  /** PKCS #8 PEM. */
  readonly serviceAccountKey: string;
  /** Of a store that encrypts: whether it would store what a key holds otherwise now. */
  readonly needsRewrite?: ((key: string) => Promise<boolean>) | undefined;
  readonly auditor?: Auditor | undefined;
  /** Told of each request that writes. */
  readonly began?: ApiOptions["began"];
  /** Whom is asked about tokens and requests that nobody here knows of. */
  readonly others?: Others | undefined;
  report(problem: string): void;
}

export interface Others {
  readonly tokens: readonly TokenAuthenticator[];
  readonly authorizers: readonly Authorizer[];
}

export interface MasterApi {
  readonly api: Api;
  readonly tokens: ServiceAccountTokens;
  readonly bootstrapTokens: BootstrapTokens;
  readonly authorizer: Authorizer;
  /** Resolves when the copies that admission and authorization decide by are there. */
  follow(): Promise<void>;
  stopFollowing(): void;
}

export function createMasterApi(
  { storage, clock, serviceCidr, serviceAccountKey, needsRewrite, auditor, began, others, report }: MasterApiOptions,
): MasterApi {
  const policy = new RbacPolicy();
  const now = () => clock.wallTime();
  const following: { stop(): void }[] = [];
  let follow = () => Promise.resolve();
  let client: ApiClient | undefined;
  const tokens = new ServiceAccountTokens({
    key: serviceAccountKey,
    now,
    uuid: () => realRandom.uuid(),
    objects: { find: (kind, namespace, object) => findObject(client, kind, namespace, object) },
  });
  const bootstrapTokens = new BootstrapTokens({
    now,
    secret: (name) => findSecret(client, name),
  });
  let authorizer: Authorizer = mastersAuthorizer;
  const current: Authorizer = { authorize: (request) => authorizer.authorize(request) };
  const schema = new CustomSchema(loadSchema());
  const api: Api = createApi({
    storage,
    clock,
    random: realRandom,
    schema,
    needsRewrite,
    auditor,
    began,
    resources: createResources({
      cel: checkExpression,
      reviews: reviews({ authorizer: current, policy, tokens, others: others?.tokens ?? [], now }),
      token: tokenRequestHandler({ tokens, now }),
    }),
    authorizer: (own) => {
      client = own;
      const node = nodeAuthorizer(policy, podsOfNode(own));
      return authorizer = anyOf(mastersAuthorizer, node, rbacAuthorizer(policy), ...others?.authorizers ?? []);
    },
    admission: (own, registry) => {
      const plugins = admission({
        client: own,
        registry,
        schema,
        clock,
        random: realRandom,
        authorizer: current,
        policy,
        serviceCidr,
      });
      follow = async () => {
        const caller = webhookCaller({ client: own, clock, random: realRandom });
        const conversions = { caller, uuid: () => realRandom.uuid() };
        const copies = plugins.follow();
        const rules = policy.follow(own, clock);
        const custom = followDefinitions({ api, schema, client: own, clock, conversions, report });
        const types = followTypeChecks({ client: own, clock, registry, schema, report });
        following.push(copies, rules, custom, types);
        await Promise.all([copies.ready, rules.ready, custom.ready]);
      };
      return [...plugins.early, ...plugins.late];
    },
  });
  return {
    api,
    tokens,
    bootstrapTokens,
    authorizer: current,
    follow: () => follow(),
    stopFollowing: () => following.forEach((each) => each.stop()),
  };
}

async function findObject(
  client: ApiClient | undefined,
  resource: string,
  namespace: string | undefined,
  name: string,
): Promise<{ uid: string; deletionTimestamp?: string } | undefined> {
  try {
    const object = await client?.get<KubeObject>({ group: "", version: "v1", resource }, namespace, name);
    if (object === undefined) return undefined;
    const { uid, deletionTimestamp } = object.metadata;
    return { uid, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) };
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

async function findSecret(client: ApiClient | undefined, name: string): Promise<KubeObject | undefined> {
  try {
    return await client?.get<KubeObject>(resources.secrets, "kube-system", name);
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}
