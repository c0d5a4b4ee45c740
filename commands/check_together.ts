/** Several models at once, each in a worker; what they say comes in the order of the models. */
import { CrewMember } from "../actors/check/crew_member.ts";
import type { WholeAnswer } from "../actors/check/worker_messages.ts";
import { MachineCoverage } from "../machines/check/machine_coverage.ts";
import type { ModelCheck, NamedModel } from "../machines/models/model.ts";
import { machines } from "./machine_table.ts";

export interface CheckedModel {
  readonly model: NamedModel;
  readonly found: ModelCheck;
  readonly ms: number;
}

export async function* checkTogether(models: readonly NamedModel[], workers: number): AsyncGenerator<CheckedModel> {
  const module = import.meta.resolve("../machines/models/all_models.ts");
  const crew = Array.from({ length: Math.min(workers, models.length) }, () => new CrewMember());
  const answers = models.map(() => Promise.withResolvers<{ answer: WholeAnswer<ModelCheck>; ms: number }>());
  // Whoever takes them may have stopped at one that breaks.
  for (const { promise } of answers) promise.catch(() => {});
  let next = 0;
  const work = async (member: CrewMember) => {
    for (let at = next++; at < models.length; at = next++) {
      const { name } = models[at]!;
      const started = performance.now();
      const model = { module, make: "checkNamed", args: [name] };
      await member.ask<WholeAnswer<ModelCheck>>({ type: "whole", model })
        .then((answer) => answers[at]!.resolve({ answer, ms: performance.now() - started }), answers[at]!.reject);
    }
  };
  for (const member of crew) work(member);
  try {
    for (const [at, model] of models.entries()) {
      const { ms, answer: { coverage, ...found } } = await answers[at]!.promise;
      const charts = coverage.map(async ({ id, saved }) => {
        const added = new MachineCoverage(await machines[id]!());
        added.addSaved(saved);
        return added;
      });
      yield { model, found: { ...found, coverage: await Promise.all(charts) }, ms };
    }
  } finally {
    for (const member of crew) member.dismiss();
  }
}
