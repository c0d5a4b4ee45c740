/** `/.well-known/openid-configuration` and `/openid/v1/jwks`: how others verify service account tokens. */
import type { ServiceAccountTokens } from "./service_account_tokens.ts";

export const discoveryPath = "/.well-known/openid-configuration";
export const keySetPath = "/openid/v1/jwks";

/** `server` is the API server's URL as those others reach it. */
export function openIdConfiguration(tokens: ServiceAccountTokens, server: string): Record<string, unknown> {
  return {
    issuer: tokens.issuer,
    jwks_uri: `${server}${keySetPath}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
  };
}

/** The two documents as responses; undefined for other paths. Who may read them is RBAC's to say. */
export async function answerIssuerDiscovery(
  path: string,
  tokens: ServiceAccountTokens,
  server: string,
): Promise<Response | undefined> {
  const headers = { "cache-control": "public, max-age=3600" };
  if (path === discoveryPath) return Response.json(openIdConfiguration(tokens, server), { headers });
  if (path !== keySetPath) return undefined;
  return new Response(JSON.stringify(await tokens.keySet()), {
    headers: { ...headers, "content-type": "application/jwk-set+json" },
  });
}
