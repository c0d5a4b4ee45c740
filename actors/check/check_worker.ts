/** A worker: makes the model itself, and searches its part of it or all of it, as it is told. */
import type { MachineCoverage } from "../../machines/check/machine_coverage.ts";
import { LevelSearch } from "../../machines/check/level_search.ts";
import { madeBy, modelOf, type ToWorker, type WholeAnswer } from "./worker_messages.ts";

interface Scope {
  onmessage: (message: MessageEvent<ToWorker>) => void;
  postMessage(answer: unknown): void;
}

const scope = globalThis as unknown as Scope;
let search: LevelSearch;

async function answerTo(told: ToWorker): Promise<unknown> {
  switch (told.type) {
    case "begin": {
      const model = await modelOf(told.model);
      search = new LevelSearch(model, told.memory);
      return search.begin(told.worker, told.workers);
    }
    case "whole": {
      const { coverage, ...found } = await madeBy<{ readonly coverage: readonly MachineCoverage[] }>(told.model);
      const sent = coverage.map((each) => ({ id: each.machine.id, saved: each.save() }));
      const answer: WholeAnswer<object> = { ...found, coverage: sent };
      return answer;
    }
    case "go":
      return search.go(told.memory);
    case "turn":
      search.turn();
      return search.go();
    case "end":
      return search.end();
  }
}

scope.onmessage = async ({ data }) => {
  try {
    scope.postMessage({ answer: await answerTo(data) });
  } catch (error) {
    scope.postMessage({ problem: error instanceof Error ? error.message : String(error) });
  }
};
