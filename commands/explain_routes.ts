/** What the actors of this process say about an object: for `chartroom explain`. */
import type { Env, Hono } from "hono";
import { tellableReport } from "../actors/inspection/actor_rows.ts";
import { type ActorSystem, partsOf } from "../actors/system.ts";
import { explainInWords } from "../machines/explain.ts";
import { causesInWords } from "./explain_causes.ts";

export interface ExplainedActor {
  readonly address: string;
  readonly kind: string;
  readonly text: readonly string[];
}

export interface ExplainAnswer {
  readonly actors: readonly ExplainedActor[];
  /** Nodes that could not be asked, and why. */
  readonly silent?: Readonly<Record<string, string>>;
}

/** Asks others, with the same query. */
export type AskOthers = (query: string) => Promise<ExplainAnswer>;

/**
 * `GET /chartroom/explain?namespace=&name=[&kind=]`: the actors whose address bears that namespace and name, each with
 * its explanation. On the API server RBAC says who may (nonResourceURLs), on a kubelet its client certificates.
 */
export function explainRoutes<E extends Env>(app: Hono<E>, system: ActorSystem, others?: AskOthers): void {
  app.get("/chartroom/explain", async (c) => {
    const { namespace, name, kind } = c.req.query();
    const actors: ExplainedActor[] = [];
    for (const address of system.addresses()) {
      const parts = partsOf(address);
      // A pod's containers and probes bear its name and their own: `web-0:app`.
      if (name !== undefined && parts.name !== name && !parts.name?.startsWith(`${name}:`)) continue;
      if (namespace !== undefined && parts.namespace !== namespace) continue;
      if (kind !== undefined && parts.kind !== kind) continue;
      const report = system.report(address);
      if (report === undefined) continue;
      const text = [...explainInWords(tellableReport(report)), ...causesInWords(system, report)];
      actors.push({ address, kind: report.kind, text });
    }
    const { search } = new URL(c.req.url);
    const elsewhere = await others?.(search);
    const answer: ExplainAnswer = {
      actors: [...actors, ...elsewhere?.actors ?? []],
      ...(elsewhere?.silent === undefined ? {} : { silent: elsewhere.silent }),
    };
    return c.json(answer);
  });
}
