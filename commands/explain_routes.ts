/** What the actors of this process say about an object: for `chartroom explain`. */
import type { Env, Hono } from "hono";
import { tellableReport } from "../actors/inspection/actor_rows.ts";
import { addressedRow } from "../actors/inspection/actor_filter.ts";
import { type ActorSystem, partsOf } from "../actors/system.ts";
import type { ActorAccess } from "../http/inspector/actor_access.ts";
import type { UserInfo } from "../http/machinery/types.ts";
import { explainInWords } from "../machines/explain.ts";
import { type CauseInWords, causesOf } from "./explain_causes.ts";

export interface ExplainedActor {
  readonly address: string;
  readonly kind: string;
  readonly text: readonly string[];
  /** How it came about: the chain of causes, other actors' parts too. */
  readonly causes: readonly CauseInWords[];
}

export interface ExplainAnswer {
  readonly actors: readonly ExplainedActor[];
  /** Processes that could not be asked, and why. */
  readonly silent?: Readonly<Record<string, string>>;
}

/** Asks others, with the same query. */
export type AskOthers = (query: Readonly<Record<string, string>>) => Promise<ExplainAnswer>;

/** Of an API server; a kubelet's server lets in the API server alone, which may see everything. */
export interface ExplainOptions {
  readonly elsewhere: AskOthers;
  /** Who may see which actor. */
  access(user: UserInfo): Pick<ActorAccess, "sees">;
}

/**
 * `GET /chartroom/explain?namespace=&name=[&kind=][&own=true]`: the actors whose address bears that namespace and name,
 * each with its explanation; `own`: of this process alone. Who may ask is said by RBAC (nonResourceURLs); whoever may
 * not get an object is not told of the actors that look after it.
 */
export function explainRoutes<E extends Env>(app: Hono<E>, system: ActorSystem, options?: ExplainOptions): void {
  app.get("/chartroom/explain", async (c) => {
    const query = c.req.query();
    const actors = ownActors(system, query);
    if (options === undefined) return c.json({ actors });
    const elsewhere = query["own"] === "true" ? undefined : await options.elsewhere(query);
    const { user } = c.var as { readonly user: UserInfo };
    const access = options.access(user);
    const answer: ExplainAnswer = {
      actors: await visible([...actors, ...elsewhere?.actors ?? []], access),
      ...(elsewhere?.silent === undefined ? {} : { silent: elsewhere.silent }),
    };
    return c.json(answer);
  });
}

function ownActors(system: ActorSystem, { namespace, name, kind }: Readonly<Record<string, string>>): ExplainedActor[] {
  const actors: ExplainedActor[] = [];
  for (const address of system.addresses()) {
    const parts = partsOf(address);
    // A pod's containers and probes bear its name and their own: `web-0:app`.
    if (name !== undefined && parts.name !== name && !parts.name?.startsWith(`${name}:`)) continue;
    if (namespace !== undefined && parts.namespace !== namespace) continue;
    if (kind !== undefined && parts.kind !== kind) continue;
    const report = system.report(address);
    if (report === undefined) continue;
    const text = explainInWords(tellableReport(report));
    actors.push({ address, kind: report.kind, text, causes: causesOf(system, report) });
  }
  return actors;
}

async function visible(
  actors: readonly ExplainedActor[],
  access: Pick<ActorAccess, "sees">,
): Promise<readonly ExplainedActor[]> {
  const seen: ExplainedActor[] = [];
  for (const actor of actors) {
    if (!await access.sees(addressedRow(actor.address))) continue;
    const causes: CauseInWords[] = [];
    for (const cause of actor.causes) if (await access.sees(addressedRow(cause.actor))) causes.push(cause);
    seen.push({ ...actor, causes });
  }
  return seen;
}
