/** Asks a webhook whether a request is allowed (Kubernetes docs, "Webhook Mode": SubjectAccessReview of v1). */
import type { Clock } from "../../../ports/clock.ts";
import type { Authorizer, Decision, RequestAttributes } from "../../machinery/types.ts";
import { postTo, type WebhookTarget } from "../../outgoing/kubeconfig_target.ts";
import { Remembered } from "./remembered.ts";

const timeoutMs = 30_000;

export interface AccessWebhookOptions {
  readonly target: WebhookTarget;
  readonly clock: Clock;
  readonly allowedMs: number;
  readonly refusedMs: number;
  report(problem: string): void;
}

/** It never allows what it could not ask about. */
export function accessWebhook({ target, clock, allowedMs, refusedMs, report }: AccessWebhookOptions): Authorizer {
  const known = new Remembered<Decision>(clock);
  async function ask(spec: object): Promise<Decision> {
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", metadata: {}, spec };
    const answer = await postTo(target, JSON.stringify(review), clock, timeoutMs) as {
      status?: { allowed?: boolean; denied?: boolean; reason?: string };
    };
    const { allowed = false, denied = false, reason = "" } = answer?.status ?? {};
    return { allowed: allowed && !denied, reason };
  }
  return {
    async authorize(request) {
      const spec = specOf(request);
      try {
        return await known.of(JSON.stringify(spec), () => ask(spec), ({ allowed }) => allowed ? allowedMs : refusedMs);
      } catch (error) {
        report(`Authorization webhook: ${(error as Error).message}`);
        return { allowed: false, reason: "" };
      }
    },
  };
}

function specOf({ user, ...request }: RequestAttributes): object {
  const { name, uid, groups, extra } = user;
  const { verb, path, resourceRequest, group, version, resource, subresource, namespace } = request;
  const asked = { namespace, verb, group, version, resource, subresource, name: request.name };
  return {
    ...(resourceRequest
      ? { resourceAttributes: Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== "")) }
      : { nonResourceAttributes: { path, verb } }),
    user: name,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  };
}
