/**
 * Requests that write, and what the log made of them, as steps of the objects that were written. The store tells by key
 * when an entry was handed to the log and when it was committed; the API joins to it who asked for what.
 */
import type { ObjectLane } from "../../ports/inspection.ts";
import type { Operation, Storage } from "../../ports/storage.ts";
import type { Moment, ObjectPlace, ObjectSteps } from "../system/object_steps.ts";
import { delegate } from "./delegate.ts";

interface Entry {
  readonly key: string;
  readonly proposed: Moment;
  readonly committed: Moment;
  readonly revision: number;
}

/** Entries whose requests have not been answered yet; those beyond were written by nobody's request. */
const openAtMost = 1_024;
/** Of these there are many, and nobody's way is told by them. */
const leftOut: ReadonlySet<string> = new Set(["events", "leases"]);

export interface WriteRequest extends ObjectPlace {
  readonly verb: string;
  readonly subresource: string;
  readonly user: string;
}

export class TracedWrites {
  readonly #steps: ObjectSteps;
  readonly #open: Entry[] = [];

  constructor(steps: ObjectSteps) {
    this.#steps = steps;
  }

  /** The store, observed. */
  storage(storage: Storage): Storage {
    return delegate(storage, {
      txn: async (request) => {
        const key = writtenKey(request.success);
        if (key === undefined) return await storage.txn(request);
        const proposed = this.#steps.now();
        const result = await storage.txn(request);
        if (result.succeeded) {
          this.#open.push({ key, proposed, committed: this.#steps.now(), revision: result.revision });
          if (this.#open.length > openAtMost) this.#open.shift();
        }
        return result;
      },
    });
  }

  /** A request that writes came; call what is answered when it was carried out, with where the object is. */
  began(
    request: WriteRequest,
  ): ((written: { readonly name: string; readonly uid?: string | undefined }) => void) | undefined {
    const { resource, namespace, subresource, verb, user } = request;
    if (leftOut.has(resource)) return undefined;
    const asked = this.#steps.now();
    return ({ name, uid }) => {
      const ends = namespace === "" ? `/${resource}/${name}` : `/${resource}/${namespace}/${name}`;
      const mine = this.#open.findLastIndex(({ key, proposed }) =>
        proposed.sequence > asked.sequence && key.endsWith(ends)
      );
      // A patch that changes nothing is not written.
      if (mine < 0) return;
      const [{ proposed, committed, revision }] = this.#open.splice(mine, 1) as [Entry];
      const object = { resource, namespace, name, uid };
      const what = `${verb} ${resource}${subresource === "" ? "" : `/${subresource}`}`;
      this.#steps.note({ ...asked, from: laneOfUser(user), to: "API server", what, ...object });
      this.#steps.note({ ...proposed, from: "API server", to: "log (raft)", what: "propose", ...object });
      const done = `committed as revision ${revision}`;
      this.#steps.note({ ...committed, from: "log (raft)", to: "API server", what: done, ...object });
    };
  }
}

/** Whom a user stands for. */
export function laneOfUser(user: string): ObjectLane {
  if (user === "system:kube-scheduler") return "scheduler";
  if (user.startsWith("system:node:")) return "kubelet";
  return user.startsWith("system:") ? "controllers" : "client";
}

function writtenKey(operations: readonly Operation[]): string | undefined {
  for (const operation of operations) if (operation.type === "put" || operation.type === "delete") return operation.key;
  return undefined;
}
