/** `chartroom token`: the bootstrap tokens with which machines join. */
import { stringify } from "@std/yaml";
import { clusterInfo } from "../machines/controllers/bootstrap_tokens/bootstrap_controllers.ts";
import {
  bootstrapTokenNamespace,
  bootstrapTokenPrefix,
  bootstrapTokenType,
  masterGroup,
  readBootstrapToken,
  tokenParts,
  workerGroup,
} from "../machines/controllers/bootstrap_tokens/bootstrap_token.ts";
import type { KubeObject } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import { ApiError } from "../machines/objects/status.ts";
import type { ApiClient } from "../ports/api_client.ts";
import { administrator, administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { authorityHash } from "./discovery.ts";
import { joinRights } from "./join_rights.ts";

export interface TokenCreateOptions {
  readonly master?: boolean;
  /** Milliseconds; 0: for ever. */
  readonly ttl: number;
  readonly description?: string;
  /** Name of the master that is to join. */
  readonly member?: string;
}

export async function createToken(state: ClusterState, options: TokenCreateOptions): Promise<void> {
  const { published: server, authority } = await administratorAccess(state);
  const token = `${draw(6)}.${draw(16)}`;
  await withClient(state, async (client) => {
    await prepareForJoining(client, server, authority);
    await client.create(resources.secrets, bootstrapTokenNamespace, tokenSecret(token, options));
  });
  const role = options.master ? "master" : "worker";
  const name = options.member === undefined ? "" : ` --name ${options.member}`;
  console.error(`A ${role} joins with:\n`);
  console.log(`chartroom ${role} --join ${server} --token ${token} --ca-hash ${authorityHash(authority)}${name}`);
}

function tokenSecret(token: string, { master, ttl, description }: TokenCreateOptions) {
  const { id, secret } = tokenParts(token)!;
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: `${bootstrapTokenPrefix}${id}`, namespace: bootstrapTokenNamespace },
    type: bootstrapTokenType,
    stringData: {
      "token-id": id,
      "token-secret": secret,
      "usage-bootstrap-authentication": "true",
      "usage-bootstrap-signing": "true",
      "auth-extra-groups": master ? masterGroup : workerGroup,
      ...(ttl === 0 ? {} : { expiration: new Date(Date.now() + ttl).toISOString().replace(/\.\d+Z$/, "Z") }),
      ...(description === undefined ? {} : { description }),
    },
  };
}

export async function listTokens(state: ClusterState): Promise<void> {
  const rows = await withClient(state, async (client) => {
    const { items } = await client.list<KubeObject>(resources.secrets, {
      namespace: bootstrapTokenNamespace,
      fieldSelector: `type=${bootstrapTokenType}`,
    });
    return items.flatMap((each) => readBootstrapToken(each) ?? []).map((token) => [
      // What follows the point is the secret; who may list Secrets may read it there.
      token.id,
      token.groups.includes(masterGroup) ? "master" : "worker",
      token.expiresAt === undefined ? "never" : new Date(token.expiresAt).toISOString().replace(/\.\d+Z$/, "Z"),
      token.usages.join(","),
      token.description,
    ]);
  });
  printTable(["TOKEN", "FOR", "EXPIRES", "USAGES", "DESCRIPTION"], rows);
}

/** `token`: its id, or all of it. */
export async function deleteToken(state: ClusterState, token: string): Promise<void> {
  const [id = ""] = token.split(".");
  await withClient(state, async (client) => {
    try {
      await client.delete(resources.secrets, bootstrapTokenNamespace, `${bootstrapTokenPrefix}${id}`);
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
      throw new Error(`Cannot delete token "${id}": there is none`);
    }
  });
  console.error(`Token "${id}" deleted.`);
}

/** What a cluster needs before anybody joins: rights, and the ConfigMap that says who it is. Idempotent. */
export async function prepareForJoining(client: ApiClient, server: string, authority: string): Promise<void> {
  for (const { resource, namespace, object } of joinRights) await createOnce(client, resource, namespace, object);
  const cluster = { "certificate-authority-data": btoa(authority), server };
  const kubeconfig = stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "", cluster }],
    contexts: [],
    "current-context": "",
    preferences: {},
    users: [],
  });
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { ...clusterInfo }, data: { kubeconfig } };
  await createOnce(client, resources.configMaps, clusterInfo.namespace, object);
}

async function createOnce(
  client: ApiClient,
  resource: Parameters<ApiClient["create"]>[0],
  namespace: string | undefined,
  object: object,
): Promise<void> {
  try {
    await client.create(resource, namespace, object);
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
  }
}

async function withClient<T>(state: ClusterState, use: (client: ApiClient) => Promise<T>): Promise<T> {
  const client = await administrator(state);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Every letter as likely as any other: bytes beyond a multiple of 36 are drawn again. */
function draw(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 252 && text.length < length) text += letters[byte % letters.length];
    }
  }
  return text;
}

export function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  for (const row of [heads, ...rows]) {
    console.log(row.map((cell, at) => cell.padEnd(widths[at]!)).join("   ").trimEnd());
  }
}
