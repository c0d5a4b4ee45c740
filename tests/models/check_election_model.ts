/** An election after Raft's rules among a few voters, over a network that loses whatever it likes. */
import { type AnyStateMachine, assign, setup } from "xstate";
import { type SystemActor, systemActor, type SystemModel } from "../../machines/check/check_system.ts";
import { effect } from "../../machines/effect.ts";

type Peer = { term: number; from: string };
type VoterEvent =
  | ({ type: "vote.requested" } & Peer)
  | ({ type: "vote.granted" } & Peer)
  | ({ type: "leader.beat" } & Peer);

interface Voter {
  name: string;
  majority: number;
  term: number;
  votedFor: string;
  votes: Record<string, true>;
}

export interface VoterFaults {
  /** Forgets in a crash whom it voted for. */
  readonly forgets?: boolean;
  /** Votes for whoever asks, as often as they ask. */
  readonly votesTwice?: boolean;
}

const peerOf = ({ event }: { event: Peer }) => ({ term: event.term, from: event.from });

function voterMachineOf({ votesTwice = false }: VoterFaults) {
  return setup({
    types: {
      context: {} as Voter,
      events: {} as VoterEvent,
      input: {} as { name: string; majority: number; term?: number; votedFor?: string },
    },
    actions: {
      requestVotes: effect<{ term: number }>(),
      grantVote: effect<{ term: number; to: string }>(),
      sendBeats: effect<{ term: number }>(),
      standForElection: assign({
        term: ({ context }) => context.term + 1,
        votedFor: ({ context }) => context.name,
        votes: ({ context }) => ({ [context.name]: true as const }),
      }),
      noteVote: assign({
        votes: ({ context }, { from }: Peer) => ({ ...context.votes, [from]: true as const }),
      }),
      voteFor: assign({ term: (_, { term }: Peer) => term, votedFor: (_, { from }: Peer) => from, votes: () => ({}) }),
      adoptTerm: assign({
        votedFor: ({ context }, { term }: Peer) => term > context.term ? "" : context.votedFor,
        term: (_, { term }: Peer) => term,
        votes: () => ({}),
      }),
    },
    guards: {
      mayVote: ({ context }, { term, from }: Peer) =>
        term > context.term ||
        term === context.term && (votesTwice || context.votedFor === "" || context.votedFor === from),
      isNewer: ({ context }, { term }: Peer) => term > context.term,
      isCurrent: ({ context }, { term }: Peer) => term >= context.term,
      isMine: ({ context }, { term }: Peer) => term === context.term,
      completesMajority: ({ context }, { term, from }: Peer) =>
        term === context.term && Object.keys({ ...context.votes, [from]: true }).length >= context.majority,
    },
    delays: { electionTimeout: 150 },
  }).createMachine({
    id: "voter",
    options: { maxIterations: 100 },
    context: ({ input }) => ({ term: 0, votedFor: "", votes: {}, ...input }),
    initial: "follower",
    on: {
      "vote.requested": {
        guard: { type: "isNewer", params: peerOf },
        target: ".follower",
        reenter: true,
        actions: [
          { type: "voteFor", params: peerOf },
          { type: "grantVote", params: ({ event }) => ({ term: event.term, to: event.from }) },
        ],
      },
    },
    states: {
      follower: {
        description: "Waits for a leader to be heard of",
        after: { electionTimeout: "candidate" },
        on: {
          "vote.requested": {
            guard: { type: "mayVote", params: peerOf },
            target: "follower",
            reenter: true,
            actions: [
              { type: "voteFor", params: peerOf },
              { type: "grantVote", params: ({ event }) => ({ term: event.term, to: event.from }) },
            ],
          },
          "leader.beat": {
            guard: { type: "isCurrent", params: peerOf },
            target: "follower",
            reenter: true,
            actions: { type: "adoptTerm", params: peerOf },
          },
        },
      },
      candidate: {
        description: "Waits for the votes of a majority",
        entry: ["standForElection", { type: "requestVotes", params: ({ context }) => ({ term: context.term }) }],
        after: { electionTimeout: { target: "candidate", reenter: true } },
        on: {
          "vote.granted": [
            { guard: { type: "completesMajority", params: peerOf }, target: "leader" },
            { guard: { type: "isMine", params: peerOf }, actions: { type: "noteVote", params: peerOf } },
          ],
          "leader.beat": {
            guard: { type: "isCurrent", params: peerOf },
            target: "follower",
            actions: { type: "adoptTerm", params: peerOf },
          },
        },
      },
      leader: {
        description: "Leads in its term",
        entry: { type: "sendBeats", params: ({ context }) => ({ term: context.term }) },
        on: {
          "leader.beat": {
            guard: { type: "isNewer", params: peerOf },
            target: "follower",
            actions: { type: "adoptTerm", params: peerOf },
          },
        },
      },
    },
  });
}

type Saved = { term: number; votedFor: string };

export interface Election {
  readonly model: SystemModel;
  readonly voters: readonly SystemActor<AnyStateMachine, number, Saved>[];
}

export function electionModel(
  options: VoterFaults & {
    voters: number;
    maxTerm: number;
    crashes?: number;
    states?: number;
    losses?: number | "any";
  },
): Election {
  const { maxTerm, crashes = 0, states = 2_000_000, forgets = false, losses = "any" } = options;
  const names = Array.from({ length: options.voters }, (_, index) => `v${index + 1}`);
  const majority = Math.floor(names.length / 2) + 1;
  const machine = voterMachineOf(options);
  const toPeers = (self: string, type: string, term: number) =>
    names.filter((name) => name !== self).map((to) => ({ to, event: { type, term, from: self } }));
  const voters = names.map((name) =>
    systemActor(name, machine, {
      input: { name, majority },
      sends: {
        requestVotes: ({ term }: { term: number }, self) => toPeers(self, "vote.requested", term),
        sendBeats: ({ term }: { term: number }, self) => toPeers(self, "leader.beat", term),
        grantVote: ({ term, to }: { term: number; to: string }, self) => ({
          to,
          event: { type: "vote.granted", term, from: self },
        }),
      },
      allows: (event, { snapshot }) => !event.type.startsWith("xstate.after") || snapshot!.context.term < maxTerm,
      saves: ({ snapshot: { context } }): Saved => ({
        term: context.term,
        votedFor: forgets ? "" : context.votedFor,
      }),
      recover: (saved) => [{ name, majority, ...saved }],
      view: ({ snapshot, down }) => !down && snapshot!.matches("leader") ? snapshot!.context.term : 0,
    })
  );
  const leadsIn = (term: number) => (state: Parameters<NonNullable<SystemModel["mayEnd"]>>[0]) =>
    voters.some((voter) => state.of(voter).view === term);
  const model: SystemModel = {
    actors: voters,
    network: { losses, inFlight: 100 },
    crashes,
    always: {
      "at most one leads in a term": (state) => {
        const { locals } = state;
        let seen = 0;
        for (let index = 0; index < locals.length; index++) {
          const term = locals[index]!.view as number;
          if (term === 0) continue;
          if (seen & 1 << term) return false;
          seen |= 1 << term;
        }
        return true;
      },
    },
    sometimes: { "one leads": leadsIn(1), "one leads in the last term": leadsIn(maxTerm) },
    limits: { states },
  };
  return { model, voters };
}
