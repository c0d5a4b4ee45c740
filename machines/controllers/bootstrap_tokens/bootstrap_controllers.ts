/**
 * What makes bootstrap tokens work: the ConfigMap `kube-public/cluster-info`, which anybody may read, is signed with
 * each of them, so that who has one knows the cluster's authority; and those that have expired are deleted.
 */
import type { ConfigMap, KubeObject } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { type Controller, nothing, ownKey, type Plan } from "../controller.ts";
import {
  bootstrapTokenNamespace,
  bootstrapTokenPrefix,
  hasExpired,
  readBootstrapToken,
  tokenParts,
} from "./bootstrap_token.ts";

export const clusterInfo = { namespace: "kube-public", name: "cluster-info" } as const;
const clusterInfoKey = `${clusterInfo.namespace}/${clusterInfo.name}`;
export const signaturePrefix = "jws-kubeconfig-";

/** A detached JSON web signature (HS256) of `payload`, made with the token's secret and marked with its id. */
export type SignDetached = (payload: string, tokenId: string, tokenSecret: string) => string;

/** Only tokens of kube-system count. */
function isToken({ metadata }: KubeObject): boolean {
  return metadata.namespace === bootstrapTokenNamespace && metadata.name.startsWith(bootstrapTokenPrefix);
}

/** Its only key is the ConfigMap's. */
export function bootstrapSigner(sign: SignDetached): Controller {
  return {
    name: "bootstrap-signer-controller",
    account: "bootstrap-signer",
    watches: [
      { resource: resources.configMaps, keys: (object) => ownKey(object).filter((key) => key === clusterInfoKey) },
      { resource: resources.secrets, keys: (object) => isToken(object) ? [clusterInfoKey] : [] },
    ],
    plan(key, caches, { now }): Plan | undefined {
      const info = caches.of<ConfigMap>(resources.configMaps).get(key);
      if (info === undefined) return undefined;
      const content = info.data?.["kubeconfig"];
      if (content === undefined) return { writes: [], waitsFor: "the ConfigMap to hold a kubeconfig" };
      const tokens = caches.of(resources.secrets).inNamespace(bootstrapTokenNamespace).flatMap((secret) =>
        readBootstrapToken(secret) ?? []
      );
      const wanted = Object.fromEntries(Object.entries(info.data ?? {}).filter(([name]) => !isSignature(name)));
      for (const token of tokens) {
        if (!token.usages.includes("signing") || hasExpired(token, now)) continue;
        wanted[`${signaturePrefix}${token.id}`] = sign(content, token.id, token.secret);
      }
      if (sameEntries(wanted, info.data ?? {})) return nothing;
      return { writes: [{ type: "update", resource: resources.configMaps, object: { ...info, data: wanted } }] };
    },
  };
}

/** Keys are those of Secrets. */
export const tokenCleaner: Controller = {
  name: "token-cleaner-controller",
  account: "token-cleaner",
  watches: [{ resource: resources.secrets, keys: (object) => isToken(object) ? ownKey(object) : [] }],
  plan(key, caches, { now }): Plan | undefined {
    const secret = caches.of<KubeObject>(resources.secrets).get(key);
    if (secret === undefined) return undefined;
    const token = readBootstrapToken(secret);
    if (token?.expiresAt === undefined) return nothing;
    if (!hasExpired(token, now)) return { writes: [], againAfterMs: token.expiresAt - now };
    const { namespace, name, uid } = secret.metadata;
    return { writes: [{ type: "delete", resource: resources.secrets, namespace: namespace ?? "", name, uid }] };
  },
};

/** A name that ends in no token's id is somebody else's affair. */
function isSignature(name: string): boolean {
  return name.startsWith(signaturePrefix) &&
    tokenParts(`${name.slice(signaturePrefix.length)}.0123456789abcdef`) !== undefined;
}

function sameEntries(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
