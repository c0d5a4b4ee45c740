/** ValidatingAdmissionWebhook: servers that may refuse writes, asked all at once. */
import type { AdmissionPlugin, AdmissionRequest } from "../../machinery/types.ts";
import { isExempt } from "../matching.ts";
import type { ShownRequest } from "../shown_request.ts";
import { ask, meantFor, type WebhookContext } from "./webhook_calls.ts";
import { type Webhook, WebhookTable } from "./webhook_table.ts";

export function validatingWebhooks(context: WebhookContext): AdmissionPlugin & { readonly table: WebhookTable } {
  const table = new WebhookTable();
  return {
    name: "ValidatingAdmissionWebhook",
    table,
    validate(request) {
      if (table.webhooks.length === 0 || isExempt(request)) return;
      return judge(request);
    },
  };

  async function judge(request: AdmissionRequest): Promise<void> {
    const relevant: { webhook: Webhook; shown: ShownRequest }[] = [];
    for (const webhook of table.webhooks) {
      const shown = await meantFor(context, webhook, request);
      if (shown !== undefined) relevant.push({ webhook, shown });
    }
    const results = await Promise.allSettled(relevant.map(async ({ webhook, shown }, index) => {
      if (await ask(context, webhook, shown, false) !== undefined) return;
      request.annotate?.(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`, webhook.name);
    }));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }
}
