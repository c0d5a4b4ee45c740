/** How the orders of the log's chart are carried out: a table from order to disk, peers and state. */
import { raftMachine } from "../../../machines/raft/raft_machine.ts";
import { type ActorKind, actorKind } from "../../system.ts";
import type { Replica } from "./replica.ts";

/** Urgent: everybody's writes wait for it, and silence would be taken for death. */
export function raftKind(replica: Replica): ActorKind<typeof raftMachine> {
  return actorKind("raft", raftMachine, {
    saveEntries: (params, order) => replica.disk.save(params, order),
    installSnapshot: (params, order) => replica.disk.install(params, order),
    sendMessages: ({ messages }) => replica.link.sendRaft(messages),
    sendSnapshot: async ({ to, message }) => {
      try {
        if (await replica.transfers.send(to, message)) return { type: "snapshot.sent" as const, to };
      } catch {
        // Its file has just been replaced by a newer one, or the disk does not read: the leader will try again.
      }
      return { type: "snapshot.notSent" as const, to };
    },
    applyEntries: ({ from, to }) => replica.applier.add(from, to),
    acceptProposals: (params) => replica.writes.accept(params),
    refuseProposals: (params) => replica.writes.refuse(params),
    serveReads: ({ ids, index }) => replica.reads.serve(ids, index),
    refuseReads: ({ ids }) => replica.reads.refuse(ids),
    drawTimeout: ({ upToMs }) => ({
      type: "timeout.drawn" as const,
      ms: Math.floor(replica.options.random.next() * upToMs),
    }),
  }, { urgent: true });
}
