/**
 * Who asks: client certificate, service account token, static bearer token; with none of them, nobody in particular.
 * What was sent and is wrong is refused, unless something else that was sent is right.
 */
import { ApiError } from "../../machines/objects/status.ts";
import type { Authenticator, Authorizer, Credentials, TokenAuthenticator, UserInfo } from "../machinery/types.ts";
import { impersonate } from "./impersonation.ts";
import type { BootstrapTokens } from "./tokens/bootstrap_tokens.ts";
import { type ServiceAccountTokens, TokenRefused } from "./tokens/service_account_tokens.ts";
import { anonymous, authenticated, credentialId } from "./users.ts";

export interface AuthenticationOptions {
  readonly tokens: ServiceAccountTokens;
  /** Of machines that want to join. */
  readonly bootstrapTokens?: BootstrapTokens;
  /** Bearer token → user. */
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
  /** Asked in their order about tokens that are nobody's else. */
  readonly others?: readonly TokenAuthenticator[];
  /** Who sends nothing is `system:anonymous`. Default true; else refused. */
  readonly allowAnonymous?: boolean;
}

export function unauthorized(): ApiError {
  return new ApiError(401, "Unauthorized", "Unauthorized");
}

/** Undefined for who sends no credentials. */
export function authenticator(
  { tokens, bootstrapTokens, staticTokens, others = [] }: AuthenticationOptions,
): Authenticator {
  // The listener hands out one certificate object per connection.
  const users = new WeakMap<ClientCertificate, UserInfo>();
  const userOf = (certificate: ClientCertificate) => {
    let user = users.get(certificate);
    if (user === undefined) users.set(certificate, user = userOfCertificate(certificate));
    return user;
  };
  return {
    async authenticate(credentials) {
      const { clientCertificate, clientCertificateError } = credentials;
      // The common name is the user: a certificate without one is nobody's, and no credential.
      if (clientCertificate !== undefined && clientCertificate.commonName !== "") return userOf(clientCertificate);
      const token = bearerToken(credentials.authorization);
      if (token !== undefined) {
        const known = staticTokens?.get(token);
        if (known !== undefined) return { ...known, groups: authenticated(known.groups) };
        if (bootstrapTokens?.claims(token)) {
          const user = await bootstrapTokens.verify(token);
          if (user === undefined) throw unauthorized();
          return user;
        }
        if (!tokens.claims(token)) {
          const user = await userOfOthers(others, token);
          if (typeof user === "string") throw unauthorized();
          return user;
        }
        try {
          return (await tokens.verify(token)).user;
        } catch (error) {
          throw error instanceof TokenRefused ? unauthorized() : error;
        }
      }
      if (clientCertificateError !== undefined) throw unauthorized();
      return undefined;
    },
  };
}

/** Whose a token is that is not ours; else why nobody knows. One that cannot be asked is no reason not to ask the next. */
export async function userOfOthers(others: readonly TokenAuthenticator[], token: string): Promise<UserInfo | string> {
  const errors: string[] = [];
  for (const other of others) {
    try {
      const user = await other.authenticate(token);
      if (user !== undefined) return user;
    } catch (error) {
      errors.push((error as Error).message);
    }
  }
  return errors.length === 0 ? "invalid bearer token" : `[invalid bearer token, ${errors.join(", ")}]`;
}

/** The user a request counts for: authenticated, or anonymous, and then whom it impersonates. */
export function requestUser(options: AuthenticationOptions, authorizer: Authorizer): Authenticator {
  const inner = authenticator(options);
  return {
    async authenticate(credentials: Credentials): Promise<UserInfo> {
      const user = await inner.authenticate(credentials) ?? anonymous;
      if (user === anonymous && options.allowAnonymous === false) throw unauthorized();
      return await impersonate(user, credentials.headers, authorizer);
    },
  };
}

type ClientCertificate = NonNullable<Credentials["clientCertificate"]>;

function userOfCertificate(certificate: ClientCertificate): UserInfo {
  const { commonName, organizations, sha256 } = certificate;
  return {
    name: commonName,
    groups: authenticated(organizations),
    ...(sha256 === undefined ? {} : { extra: { [credentialId]: [`X509SHA256=${sha256}`] } }),
  };
}

/** The token of `Authorization: Bearer TOKEN`; other schemes are nothing to us. */
function bearerToken(header: string | undefined): string | undefined {
  const [scheme, token, ...rest] = (header ?? "").trim().split(" ");
  if (scheme?.toLowerCase() !== "bearer" || token === undefined || token === "" || rest.length > 0) return undefined;
  return token;
}
