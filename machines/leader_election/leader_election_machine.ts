/**
 * Leader election by Lease (client-go leader election; KEP-589 leases): of several masters one runs the scheduler and
 * the controllers.
 *
 * A lease counts as expired when it has not changed for `leaseDuration` *since this candidate first saw it so*, never
 * by comparing its time with this clock: clocks of two machines differ, and a laptop that slept must not steal. A
 * leader that cannot renew for `renewDeadline`, which is shorter, stops leading before anybody may take over.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type LeaderElectionEvent =
  /** `token` changes whenever the holder renews. */
  | { type: "lease.read"; holder: "self" | "other" | "none"; token: string }
  | { type: "lease.readFailed"; reason: string; message: string }
  | { type: "lease.taken" }
  /** Somebody else was faster, or the API server refused. */
  | { type: "lease.takeFailed"; reason: string; message: string }
  | { type: "lease.renewed" }
  | { type: "lease.renewFailed"; reason: string; message: string }
  | { type: "lease.released" }
  | { type: "candidate.withdrawn" };

interface LeaderElectionContext {
  /** The lease's and the component's name. */
  component: string;
  /** As last seen; compared for equality. */
  token: string;
}

export const leaderElectionMachine = setup({
  types: {
    context: {} as LeaderElectionContext,
    events: {} as LeaderElectionEvent,
    input: {} as { component: string },
  },
  actions: {
    readLease: effect({ answers: ["lease.read", "lease.readFailed"], fails: "lease.readFailed" }),
    /** Succeeds only if the lease is still as `token` says: nobody has renewed it since this candidate decided. */
    takeLease: effect<{ token: string }>({
      answers: ["lease.taken", "lease.takeFailed"],
      fails: "lease.takeFailed",
      cancels: ["readLease"],
    }),
    renewLease: effect({ answers: ["lease.renewed", "lease.renewFailed"], fails: "lease.renewFailed" }),
    releaseLease: effect({ answers: ["lease.released"], fails: "lease.released", cancels: ["takeLease"] }),
    startLeading: effect(),
    stopLeading: effect({ answers: [], cancels: ["renewLease"] }),
    noteToken: assign({ token: (_, params: { token: string }) => params.token }),
  },
  guards: {
    isHeldByOther: ({ context }, params: { holder: string; token: string }) =>
      params.holder === "other" && params.token === context.token,
    isRenewedByOther: (_, params: { holder: string; token: string }) => params.holder === "other",
  },
  delays: { leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000 },
}).createMachine({
  id: "leaderElection",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ component: input.component, token: "" }),
  initial: "following",
  states: {
    following: {
      description: "Another master leads, or nobody yet. Takes over when the lease has not been renewed for 15 s.",
      initial: "checking",
      after: { leaseDuration: "taking" },
      on: { "candidate.withdrawn": "withdrawn" },
      states: {
        checking: {
          description: "Reads the lease.",
          entry: { type: "readLease", params: {} },
          on: {
            "lease.read": [
              {
                guard: { type: "isHeldByOther", params: ({ event }) => ({ holder: event.holder, token: event.token }) },
                target: "waiting",
              },
              {
                guard: {
                  type: "isRenewedByOther",
                  params: ({ event }) => ({ holder: event.holder, token: event.token }),
                },
                target: "#leaderElection.following.renewedByOther",
                actions: { type: "noteToken", params: ({ event }) => ({ token: event.token }) },
              },
              {
                target: "#leaderElection.taking",
                actions: { type: "noteToken", params: ({ event }) => ({ token: event.token }) },
              },
            ],
            "lease.readFailed": "waiting",
          },
        },
        renewedByOther: {
          description: "The leader renewed its lease: its 15 s begin anew.",
          always: { target: "#leaderElection.renewed" },
        },
        waiting: { description: "Looks again in 2 s.", after: { retryPeriod: "checking" } },
      },
    },
    // Outside `following`, so that going back enters it anew and its time starts over.
    renewed: { description: "The leader renewed its lease.", always: { target: "following.waiting" } },
    taking: {
      description: "Writes itself into the lease; only one candidate can succeed.",
      entry: { type: "takeLease", params: ({ context }) => ({ token: context.token }) },
      on: { "lease.taken": "leading", "lease.takeFailed": "following.waiting", "candidate.withdrawn": "releasing" },
    },
    leading: {
      description: "Leads: the component runs here.",
      entry: { type: "startLeading", params: {} },
      exit: { type: "stopLeading", params: {} },
      initial: "sure",
      on: { "candidate.withdrawn": "releasing" },
      states: {
        sure: {
          description: "Nobody else may lead before this lease runs out; gives up after 10 s without a renewal.",
          initial: "holding",
          after: { renewDeadline: "#leaderElection.following" },
          on: { "lease.renewed": { target: "sure", reenter: true } },
          states: {
            holding: { description: "Renews in 2 s.", after: { retryPeriod: "renewing" } },
            renewing: {
              description: "Renews its lease.",
              entry: { type: "renewLease", params: {} },
              on: { "lease.renewFailed": "holding" },
            },
          },
        },
      },
    },
    releasing: {
      description: "Gives the lease back, so that another master need not wait.",
      entry: { type: "releaseLease", params: {} },
      on: { "lease.released": "withdrawn" },
    },
    withdrawn: { description: "No candidate any more.", type: "final" },
  },
});
