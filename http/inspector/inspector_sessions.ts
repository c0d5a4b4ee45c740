/**
 * Who looks at the page: a browser has no client certificate and no kubeconfig, so whoever has one asks for a token,
 * good once and for two minutes, and the page exchanges it for a cookie that only the browser's own requests carry.
 */
import type { Clock } from "../../ports/clock.ts";
import type { Authenticator, UserInfo } from "../machinery/types.ts";

const cookieName = "chartroom-inspect";
const tokenMs = 120_000;
const sessionMs = 12 * 3_600_000;
/** The oldest make room. */
const heldAtMost = 1_000;

export interface SessionOptions {
  readonly clock: Clock;
  /** Unpredictable bytes. */
  bytes(count: number): Uint8Array<ArrayBuffer>;
}

interface Held {
  readonly user: UserInfo;
  readonly until: number;
}

export class InspectorSessions {
  readonly #options: SessionOptions;
  readonly #tokens = new Map<string, Held>();
  readonly #sessions = new Map<string, Held>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** A token that makes its bearer this user, once. */
  token(user: UserInfo): string {
    return this.#hold(this.#tokens, user, tokenMs);
  }

  /** The `Set-Cookie` of a new session; undefined: the token is not good, or not any more. */
  exchange(token: string): string | undefined {
    const held = this.#tokens.get(token);
    this.#tokens.delete(token);
    if (held === undefined || held.until <= this.#options.clock.now()) return undefined;
    return this.#cookie(this.#hold(this.#sessions, held.user, sessionMs), sessionMs / 1000);
  }

  /** Ends the session of a request; the `Set-Cookie` that makes the browser forget it. */
  end(cookies: string | null | undefined): string {
    this.#sessions.delete(sessionOf(cookies));
    return this.#cookie("", 0);
  }

  /** Believes `inner` first; who sent it nothing may have a session. */
  authenticator(inner: Authenticator): Authenticator {
    return {
      authenticate: async (credentials) => {
        const user = await inner.authenticate(credentials);
        // Whoever sends other credentials, right or wrong, is not taken for somebody else.
        return user ?? (credentials.authorization === undefined ? this.#userOf(credentials.headers) : undefined);
      },
    };
  }

  #userOf(headers: Headers): UserInfo | undefined {
    const id = sessionOf(headers.get("cookie"));
    const held = id === "" ? undefined : this.#sessions.get(id);
    if (held === undefined) return undefined;
    if (held.until > this.#options.clock.now()) return held.user;
    this.#sessions.delete(id);
    return undefined;
  }

  #hold(where: Map<string, Held>, user: UserInfo, forMs: number): string {
    const secret = this.#options.bytes(32).toBase64({ alphabet: "base64url", omitPadding: true });
    for (const oldest of where.keys()) {
      if (where.size < heldAtMost) break;
      where.delete(oldest);
    }
    where.set(secret, { user, until: this.#options.clock.now() + forMs });
    return secret;
  }

  #cookie(value: string, maxAge: number): string {
    return `${cookieName}=${value}; Path=/inspect/; Max-Age=${maxAge}; HttpOnly; Secure; SameSite=Strict`;
  }
}

function sessionOf(cookies: string | null | undefined): string {
  for (const cookie of (cookies ?? "").split(";")) {
    const [name = "", value = ""] = cookie.trim().split("=");
    if (name === cookieName) return value;
  }
  return "";
}
