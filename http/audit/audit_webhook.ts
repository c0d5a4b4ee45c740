/** Hands batches of events to a webhook, as an EventList. */
import type { Clock } from "../../ports/clock.ts";
import { postTo, type WebhookTarget } from "../outgoing/kubeconfig_target.ts";

const timeoutMs = 30_000;

export function auditWebhook(
  target: WebhookTarget,
  clock: Clock,
): { deliver(lines: readonly string[]): Promise<void> } {
  return {
    async deliver(lines) {
      // The items are JSON already.
      const head = '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[';
      await postTo(target, `${head}${lines.join(",")}]}`, clock, timeoutMs);
    },
  };
}
