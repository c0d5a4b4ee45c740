/** What the actors of this process say about an object: for `chartroom explain`. */
import type { Hono } from "hono";
import { type ActorSystem, partsOf } from "../actors/system.ts";
import type { AppEnvironment } from "../http/app.ts";
import { explainInWords } from "../machines/explain.ts";
import type { ApiClient } from "../ports/api_client.ts";

/**
 * `GET /chartroom/explain?namespace=&name=[&kind=]`: the actors whose address bears that namespace and name, each with
 * its explanation. Who may read the path is RBAC's to say (nonResourceURLs).
 */
export function explainRoutes(app: Hono<AppEnvironment>, system: ActorSystem, _client: ApiClient): void {
  app.get("/chartroom/explain", (c) => {
    const { namespace, name, kind } = c.req.query();
    const actors = [];
    for (const address of system.addresses()) {
      const parts = partsOf(address);
      // A pod's containers and probes bear its name and their own: `web-0:app`.
      if (name !== undefined && parts.name !== name && !parts.name?.startsWith(`${name}:`)) continue;
      if (namespace !== undefined && parts.namespace !== namespace) continue;
      if (kind !== undefined && parts.kind !== kind) continue;
      const report = system.report(address);
      if (report !== undefined) actors.push({ address, kind: report.kind, text: explainInWords(report) });
    }
    return c.json({ actors });
  });
}
