/** MutatingAdmissionWebhook: servers that change writes, one after the other. */
import { jsonEquals } from "../../../machines/objects/json.ts";
import { jsonPatch } from "../../../machines/objects/json_patch.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { PatchError } from "../../../machines/objects/patch_error.ts";
import type { SchemaAccess } from "../../machinery/schema_access.ts";
import type { AdmissionRequest } from "../../machinery/types.ts";
import type { MutatingHooks } from "../dynamic_mutation.ts";
import { isExempt } from "../matching.ts";
import type { Reinvocation } from "../reinvocation.ts";
import type { ShownRequest } from "../shown_request.ts";
import { ask, internalError, meantFor, type WebhookContext } from "./webhook_calls.ts";
import { type Webhook, WebhookTable } from "./webhook_table.ts";

export class MutatingWebhooks implements MutatingHooks {
  readonly table = new WebhookTable();

  constructor(readonly context: WebhookContext, readonly schema: SchemaAccess) {}

  get isEmpty(): boolean {
    return this.table.webhooks.length === 0;
  }

  async admit(request: AdmissionRequest, reinvocation: Reinvocation): Promise<void> {
    if (this.isEmpty || isExempt(request)) return;
    reinvocation.begin(request.object);
    const round = reinvocation.passes.isReinvocation ? 1 : 0;
    for (const [index, webhook] of this.table.webhooks.entries()) {
      const shown = await meantFor(this.context, webhook, request);
      // One that was not asked the first time is not asked when others look again.
      if (shown === undefined || !reinvocation.runs(webhook.key)) continue;
      const place = `round_${round}_index_${index}`;
      const changed = await this.#ask(webhook, shown, place);
      const told = { configuration: webhook.configuration, webhook: webhook.name, mutated: changed };
      request.annotate?.(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify(told));
      reinvocation.ran(webhook.key, changed, webhook.runsAgain);
    }
    reinvocation.end(request.object);
  }

  /** Whether it changed the object. */
  async #ask(webhook: Webhook, shown: ShownRequest, place: string): Promise<boolean> {
    const answer = await ask(this.context, webhook, shown, true);
    if (answer === undefined) {
      shown.request.annotate?.(`failed-open.mutation.webhook.admission.k8s.io/${place}`, webhook.name);
      return false;
    }
    if (answer.patch.length === 0) return false;
    const before = shown.object;
    if (before === undefined) {
      const name = JSON.stringify(webhook.name);
      throw internalError(
        `admission webhook ${name} attempted to modify the object, which is not supported for this operation`,
      );
    }
    const next = this.#patched(before, answer.patch, shown);
    shown.as.strategy.setDefaults?.(next);
    shown.replace(next);
    return !jsonEquals(before, next);
  }

  #patched(object: KubeObject, patch: unknown[], { kind }: ShownRequest): KubeObject {
    try {
      return this.schema.decodeValue(jsonPatch(object, patch), kind, "Ignore").object;
    } catch (error) {
      if (error instanceof PatchError) throw internalError(error.message);
      throw error;
    }
  }
}
