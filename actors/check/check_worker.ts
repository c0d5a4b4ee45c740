/** A worker of `checkInWorkers`: makes the model itself and does one search's part, as it is told. */
import { LevelSearch } from "../../machines/check/level_search.ts";
import { modelOf, type ToWorker } from "./worker_messages.ts";

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
