/** One webhook and one request: whether it is meant, and what it says (k8s.io/apiserver admission/plugin/webhook). */
import { ApiError, type Status } from "../../../machines/objects/status.ts";
import type { Random } from "../../../ports/random.ts";
import { Decisions } from "../../custom_resources/cel/authorizer.ts";
import { CostMeter } from "../../custom_resources/cel/metered.ts";
import { badRequest, forbidden } from "../../machinery/errors.ts";
import type { AdmissionRequest, Authorizer } from "../../machinery/types.ts";
import { CallFailed, type WebhookCaller } from "../../outgoing/webhook_caller.ts";
import { checkConditions, conditionBudget } from "../match_conditions.ts";
import type { RequestMatcher } from "../matching.ts";
import { decided } from "../policies/compiled_policy.ts";
import { OutOfBudget } from "../policies/expression.ts";
import { scopeOf } from "../policies/scope.ts";
import { ShownRequest } from "../shown_request.ts";
import { type Answer, answerOf, InvalidAnswer, reviewOf, reviewVersion } from "./admission_review.ts";
import type { Webhook } from "./webhook_table.ts";

export interface WebhookContext {
  readonly matcher: RequestMatcher;
  readonly authorizer: Authorizer;
  readonly caller: WebhookCaller;
  readonly random: Random;
}

/** The request as the webhook is to see it; undefined: it is not asked. @throws ApiError */
export async function meantFor(
  { matcher, authorizer }: WebhookContext,
  webhook: Webhook,
  request: AdmissionRequest,
): Promise<ShownRequest | undefined> {
  const as = webhook.criteria.rules?.length === 0 ? undefined : await matcher.matched(request, webhook.criteria);
  if (as === undefined) return undefined;
  const shown = new ShownRequest(request, as);
  if (webhook.conditions.length === 0) return shown;
  const decisions = new Decisions(authorizer);
  const met = await decided(decisions, () => {
    const scope = scopeOf({ shown, params: undefined, namespace: undefined, decisions });
    try {
      return checkConditions(webhook.conditions, scope, new CostMeter(conditionBudget));
    } catch (error) {
      if (error instanceof OutOfBudget) return { error: error.message };
      throw error;
    }
  });
  if ("matches" in met) return met.matches ? shown : undefined;
  if (webhook.ignoresFailure) return undefined;
  throw forbidden(request.attributes, request.attributes.name, met.error);
}

/**
 * What it says; undefined: it could not be asked, and that is to be ignored.
 *
 * @throws ApiError when it refuses, or could not be asked and has to be.
 */
export async function ask(
  { caller, random }: WebhookContext,
  webhook: Webhook,
  shown: ShownRequest,
  mutating: boolean,
): Promise<Answer | undefined> {
  const { request } = shown;
  if (request.dryRun && webhook.sideEffects !== "None" && webhook.sideEffects !== "NoneOnDryRun") {
    throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
  }
  let answer: Answer;
  try {
    answer = await answered();
  } catch (error) {
    if (!(error instanceof NotAsked)) throw error;
    if (webhook.ignoresFailure) return undefined;
    throw internalError(`failed calling webhook ${JSON.stringify(webhook.name)}: ${error.message}`);
  }
  for (const [key, value] of Object.entries(answer.annotations)) request.annotate?.(`${webhook.name}/${key}`, value);
  for (const text of answer.warnings) request.warn(text);
  if (!answer.allowed) throw denial(webhook.name, answer.result ?? {});
  return answer;

  async function answered(): Promise<Answer> {
    const version = reviewVersion(webhook.reviewVersions);
    if (version === undefined) {
      throw new NotAsked(
        "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)",
      );
    }
    const uid = random.uuid();
    try {
      const review = await caller.call(webhook.client, reviewOf(shown, version, uid), webhook.timeoutSeconds);
      return answerOf(review, version, uid, mutating);
    } catch (error) {
      if (error instanceof CallFailed) throw new NotAsked(`failed to call webhook: ${error.message}`);
      if (error instanceof InvalidAnswer) throw new NotAsked(`received invalid webhook response: ${error.message}`);
      throw error;
    }
  }
}

class NotAsked extends Error {}

/** 500 with its reason, as an error inside of the server is answered. */
export function internalError(why: string): ApiError {
  return new ApiError(500, "InternalError", `Internal error occurred: ${why}`, { causes: [{ message: why }] });
}

/** The webhook's own Status, made one that refuses. */
function denial(name: string, given: Record<string, unknown>): ApiError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`;
  const { message = "", reason = "", code = 0, details } = given as Partial<Status>;
  const said = message !== "" ? `${by}: ${message}` : reason !== "" ? `${by}: ${reason}` : `${by} without explanation`;
  const error = new ApiError(code < 400 ? 400 : code, reason, said, details);
  if (reason === "") delete error.status.reason;
  return error;
}
