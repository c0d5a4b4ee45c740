/** Carries out `machines/aggregation/api_service_machine.ts`: an actor for every API that another server provides. */
import { apiServiceMachine } from "../../machines/aggregation/api_service_machine.ts";
import type { ApiServiceWatch, ApiServiceWork } from "../../ports/api_service_watch.ts";
import { actorKind, type ActorSystem, type Address, address } from "../system.ts";

/** @param node Whose server this is: every master looks for itself. */
export function apiServiceActors(system: ActorSystem, node: string): ApiServiceWatch {
  const at = (name: string): Address => address({ node, kind: "apiService", name });
  return {
    begin(name, work) {
      system.spawn(kindFor(work), { address: at(name), input: undefined, recover: () => undefined });
    },
    changed: (name) => system.tell(at(name), { type: "spec.changed" }),
    end: (name) => system.stop(at(name)),
  };
}

function kindFor(work: ApiServiceWork) {
  return actorKind("apiService", apiServiceMachine, {
    checkServer: (_params, order) => {
      work.check().then(
        ({ available, reason, message }) =>
          order.answer(available ? { type: "server.answered" } : { type: "server.unreachable", reason, message }),
        (error: Error) => order.fail(error),
      );
    },
    publishAvailability: ({ available }: { available: boolean }, order) => {
      work.publish(available).then(
        () => order.answer({ type: "availability.published" }),
        (error: Error) => order.fail(error),
      );
    },
  });
}
