/** Asks a webhook whose token it is (Kubernetes docs, "Webhook Token Authentication": TokenReview of v1). */
import { createHash } from "node:crypto";
import type { Clock } from "../../../ports/clock.ts";
import type { TokenAuthenticator, UserInfo } from "../../machinery/types.ts";
import { postTo, type WebhookTarget } from "../../outgoing/kubeconfig_target.ts";
import { TokenRefused } from "../tokens/service_account_tokens.ts";
import { authenticated } from "../users.ts";
import { Remembered } from "./remembered.ts";

const timeoutMs = 10_000;
/** A token that is refused may be good a moment later. */
const refusedForMs = 10_000;

interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly error?: string;
  readonly user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  readonly audiences?: readonly string[];
}

export interface TokenWebhookOptions {
  readonly target: WebhookTarget;
  readonly clock: Clock;
  readonly cacheMs: number;
  /** Who the API server is to those who issue tokens. */
  readonly audiences: readonly string[];
  report(problem: string): void;
}

export class TokenWebhook implements TokenAuthenticator {
  readonly #options: TokenWebhookOptions;
  readonly #known: Remembered<UserInfo | TokenRefused>;

  constructor(options: TokenWebhookOptions) {
    this.#options = options;
    this.#known = new Remembered(options.clock);
  }

  async authenticate(token: string): Promise<UserInfo | undefined> {
    const { cacheMs } = this.#options;
    // Tokens themselves are kept nowhere.
    const key = createHash("sha256").update(token).digest("base64");
    const found = await this.#known.of(
      key,
      () => this.#ask(token),
      (answer) => answer instanceof TokenRefused ? Math.min(cacheMs, refusedForMs) : cacheMs,
    );
    if (found instanceof TokenRefused) throw found;
    return found;
  }

  async #ask(token: string): Promise<UserInfo | TokenRefused> {
    const { target, clock, audiences } = this.#options;
    const spec = { token, audiences };
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", metadata: {}, spec };
    const answer = await postTo(target, JSON.stringify(review), clock, timeoutMs).catch((error: Error) => {
      this.#options.report(`Token webhook: ${error.message}`);
      throw error;
    });
    const { status = {} } = answer as { status?: TokenReviewStatus };
    const { user = {} } = status;
    if (status.authenticated !== true) return new TokenRefused(status.error || "the webhook does not know the token");
    const given = status.audiences;
    if (given !== undefined && !given.some((each) => audiences.includes(each))) {
      return new TokenRefused("the webhook's token is for other audiences");
    }
    const { username = "", uid = "", groups = [], extra = {} } = user;
    if (username === "") return new TokenRefused("the webhook names no user");
    return {
      name: username,
      ...(uid === "" ? {} : { uid }),
      groups: authenticated(groups),
      ...(Object.keys(extra).length === 0 ? {} : { extra }),
    };
  }
}
