/**
 * Single-decree Paxos ("Paxos Made Simple") of three servers with two clients that write and read: its 16,668 states
 * are published.
 */
import { assertEquals } from "@std/assert";
import { assign, setup } from "xstate";
import { describeCheck } from "../../machines/check/check_report.ts";
import { checkSystem, type Envelope, systemActor, type SystemModel } from "../../machines/check/check_system.ts";
import { effect } from "../../machines/effect.ts";
import { isLinearizable, operationHistory, registerClients } from "./check_register_clients.ts";

type Ballot = readonly [round: number, server: string];
interface Proposal {
  readonly request: number;
  readonly client: string;
  readonly value: string;
}
interface Accepted {
  readonly ballot: Ballot;
  readonly proposal: Proposal;
}
type PaxosEvent =
  | { type: "put"; request: number; value: string; from: string }
  | { type: "get"; request: number; from: string }
  | { type: "prepare"; from: string; ballot: Ballot }
  | { type: "prepare.promised"; from: string; ballot: Ballot; accepted: Accepted | null }
  | { type: "accept"; from: string; ballot: Ballot; proposal: Proposal }
  | { type: "accept.done"; from: string; ballot: Ballot }
  | { type: "value.decided"; ballot: Ballot; proposal: Proposal };

interface Server {
  me: string;
  majority: number;
  ballot: Ballot;
  proposal: Proposal | null;
  promises: Record<string, Accepted | null>;
  acceptances: Record<string, true>;
  accepted: Accepted | null;
}

const compare = (one: Ballot, other: Ballot) =>
  one[0] !== other[0] ? one[0] - other[0] : one[1] < other[1] ? -1 : one[1] > other[1] ? 1 : 0;

/** What was accepted in the latest ballot must be proposed again; else the client's value. */
function chosen(promises: Server["promises"], proposal: Proposal | null): Proposal {
  const accepted = Object.values(promises).filter((each) => each !== null);
  if (accepted.length === 0) return proposal!;
  return accepted.reduce((one, other) => compare(other.ballot, one.ballot) > 0 ? other : one).proposal;
}

type Balloted = { ballot: Ballot };
const ballotOf = ({ event }: { event: Balloted }) => ({ ballot: event.ballot });
const ballotFrom = ({ event }: { event: Balloted & { from: string } }) => ({ ballot: event.ballot, from: event.from });

function paxosMachineOf({ ignoresPromises }: { ignoresPromises: boolean }) {
  return setup({
    types: { context: {} as Server, events: {} as PaxosEvent, input: {} as { me: string; majority: number } },
    actions: {
      broadcast: effect<{ event: Record<string, unknown> }>(),
      reply: effect<Envelope>(),
      propose: assign(({ context }, { proposal }: { proposal: Proposal }) => ({
        proposal,
        ballot: [context.ballot[0] + 1, context.me] as const,
        promises: { [context.me]: context.accepted },
        acceptances: {},
      })),
      adoptBallot: assign({ ballot: (_, { ballot }: Balloted) => ballot }),
      notePromise: assign({
        promises: ({ context }, { from, accepted }: { from: string; accepted: Accepted | null }) => ({
          ...context.promises,
          [from]: accepted,
        }),
      }),
      choose: assign(({ context }) => {
        const proposal = ignoresPromises ? context.proposal! : chosen(context.promises, context.proposal);
        return {
          proposal,
          accepted: { ballot: context.ballot, proposal },
          acceptances: { ...context.acceptances, [context.me]: true as const },
        };
      }),
      acceptProposal: assign((_, { ballot, proposal }: Accepted) => ({ ballot, accepted: { ballot, proposal } })),
      noteAcceptance: assign({
        acceptances: ({ context }, { from }: { from: string }) => ({ ...context.acceptances, [from]: true as const }),
      }),
    },
    guards: {
      isFree: ({ context }) => context.proposal === null,
      isNewer: ({ context }, { ballot }: Balloted) => compare(context.ballot, ballot) < 0,
      isNotOlder: ({ context }, { ballot }: Balloted) => compare(context.ballot, ballot) <= 0,
      isMine: ({ context }, { ballot }: Balloted) => compare(context.ballot, ballot) === 0,
      completesPromises: ({ context }, { ballot, from }: Balloted & { from: string }) =>
        compare(context.ballot, ballot) === 0 &&
        Object.keys({ ...context.promises, [from]: 1 }).length === context.majority,
      completesAcceptances: ({ context }, { ballot, from }: Balloted & { from: string }) =>
        compare(context.ballot, ballot) === 0 &&
        Object.keys({ ...context.acceptances, [from]: 1 }).length === context.majority,
    },
  }).createMachine({
    id: "paxos",
    options: { maxIterations: 100 },
    context: ({ input }) => ({
      ...input,
      ballot: [0, ""],
      proposal: null,
      promises: {},
      acceptances: {},
      accepted: null,
    }),
    initial: "undecided",
    states: {
      undecided: {
        description: "Knows of no decision",
        on: {
          put: {
            guard: "isFree",
            actions: [
              {
                type: "propose",
                params: ({ event: { request, from, value } }) => ({ proposal: { request, client: from, value } }),
              },
              {
                type: "broadcast",
                params: ({ context }) => ({ event: { type: "prepare", from: context.me, ballot: context.ballot } }),
              },
            ],
          },
          prepare: {
            guard: { type: "isNewer", params: ballotOf },
            actions: [
              { type: "adoptBallot", params: ballotOf },
              {
                type: "reply",
                params: ({ context: { me, ballot, accepted }, event }) => ({
                  to: event.from,
                  event: { type: "prepare.promised", from: me, ballot, accepted },
                }),
              },
            ],
          },
          "prepare.promised": [
            {
              guard: { type: "completesPromises", params: ballotFrom },
              actions: [
                { type: "notePromise", params: ({ event: { from, accepted } }) => ({ from, accepted }) },
                "choose",
                {
                  type: "broadcast",
                  params: ({ context: { me, ballot, proposal } }) => ({
                    event: { type: "accept", from: me, ballot, proposal },
                  }),
                },
              ],
            },
            {
              guard: { type: "isMine", params: ballotOf },
              actions: { type: "notePromise", params: ({ event: { from, accepted } }) => ({ from, accepted }) },
            },
          ],
          accept: {
            guard: { type: "isNotOlder", params: ballotOf },
            actions: [
              { type: "acceptProposal", params: ({ event: { ballot, proposal } }) => ({ ballot, proposal }) },
              {
                type: "reply",
                params: ({ context: { me, ballot }, event }) => ({
                  to: event.from,
                  event: { type: "accept.done", from: me, ballot },
                }),
              },
            ],
          },
          "accept.done": [
            {
              guard: { type: "completesAcceptances", params: ballotFrom },
              target: "decided",
              actions: [
                { type: "noteAcceptance", params: ({ event }) => ({ from: event.from }) },
                {
                  type: "broadcast",
                  params: ({ context: { ballot, proposal } }) => ({
                    event: { type: "value.decided", ballot, proposal },
                  }),
                },
                {
                  type: "reply",
                  params: ({ context: { proposal } }) => ({
                    to: proposal!.client,
                    event: { type: "put.done", request: proposal!.request },
                  }),
                },
              ],
            },
            {
              guard: { type: "isMine", params: ballotOf },
              actions: { type: "noteAcceptance", params: ({ event }) => ({ from: event.from }) },
            },
          ],
          "value.decided": {
            target: "decided",
            actions: { type: "acceptProposal", params: ({ event: { ballot, proposal } }) => ({ ballot, proposal }) },
          },
        },
      },
      decided: {
        description: "Knows the decision",
        on: {
          get: {
            actions: {
              type: "reply",
              params: ({ context, event }) => ({
                to: event.from,
                event: { type: "get.done", request: event.request, value: context.accepted!.proposal.value },
              }),
            },
          },
        },
      },
    },
  });
}

const paxosMachine = paxosMachineOf({ ignoresPromises: false });

function paxosModel(clients: number, machine = paxosMachine): SystemModel {
  const names = ["s0", "s1", "s2"];
  return {
    actors: [
      ...names.map((me) =>
        systemActor(me, machine, {
          input: { me, majority: 2 },
          sends: {
            broadcast: ({ event }: Pick<Envelope, "event">) =>
              names.filter((name) => name !== me).map((to) => ({ to, event })),
            reply: (envelope: Envelope) => envelope,
          },
        })
      ),
      ...registerClients(clients, names.length),
    ],
    network: { unhandled: "stays" },
    history: operationHistory as NonNullable<SystemModel["history"]>,
    always: { "linearizable": ({ history }) => isLinearizable(history as typeof operationHistory.init) },
    sometimes: {
      "a value is read": ({ messages }) => messages.some(({ event }) => event.type === "get.done"),
    },
    limits: { states: 100_000 },
  };
}

Deno.test("checkSystem: Paxos with two clients has 16668 states and is linearizable", () => {
  const check = checkSystem(paxosModel(2));
  assertEquals([check.verdict, check.states], ["complete", 16_668], describeCheck(check));
});

Deno.test("checkSystem finds a Paxos that proposes its own value over an accepted one", () => {
  const { verdict, violations } = checkSystem(paxosModel(2, paxosMachineOf({ ignoresPromises: true })));
  assertEquals([verdict, violations[0]?.rule], ["violated", "linearizable"]);
});
