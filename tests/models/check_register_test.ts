/**
 * The register of Attiya, Bar-Noy and Dolev, in which every server may write ("Sharing Memory Robustly in
 * Message-Passing Systems", Lynch and Shvartsman's version), with two servers and two clients: its 544 states are
 * published.
 */
import { assertEquals } from "@std/assert";
import { assign, setup } from "xstate";
import { describeCheck } from "../../machines/check/check_report.ts";
import { checkSystem, type Envelope, systemActor, type SystemModel } from "../../machines/check/check_system.ts";
import { effect } from "../../machines/effect.ts";
import { isLinearizable, operationHistory, registerClients } from "./check_register_clients.ts";

type Stamp = readonly [count: number, server: string];
type Held = { readonly stamp: Stamp; readonly value: string };
type ServerEvent =
  | { type: "put"; request: number; value: string; from: string }
  | { type: "get"; request: number; from: string }
  | { type: "query"; request: number; from: string }
  | { type: "query.answered"; request: number; from: string; held: Held }
  | { type: "record"; request: number; from: string; held: Held }
  | { type: "record.done"; request: number; from: string };

interface Server {
  me: string;
  majority: number;
  held: Held;
  /** The operation that it works on. */
  request: number;
  client: string;
  write: string | null;
  read: string | null;
  answers: Record<string, Held>;
  done: Record<string, true>;
}

const isNewer = (one: Stamp, other: Stamp) => one[0] > other[0] || one[0] === other[0] && one[1] > other[1];

/** What is written once a majority has answered. */
function chosen({ answers, write, me }: Server): Held {
  const newest = Object.values(answers).reduce((one, other) => isNewer(other.stamp, one.stamp) ? other : one);
  return write === null ? newest : { stamp: [newest.stamp[0] + 1, me], value: write };
}

const idle = { request: 0, client: "", write: null, read: null, answers: {}, done: {} };

function registerMachineOf({ skipsRecord }: { skipsRecord: boolean }) {
  return setup({
    types: {
      context: {} as Server,
      events: {} as ServerEvent,
      input: {} as { me: string; majority: number },
    },
    actions: {
      broadcast: effect<{ event: Record<string, unknown> }>(),
      reply: effect<Envelope>(),
      begin: assign((
        { context },
        { request, client, write }: { request: number; client: string; write: string | null },
      ) => ({ ...idle, request, client, write, answers: { [context.me]: context.held } })),
      noteAnswer: assign({
        answers: ({ context }, { from, held }: { from: string; held: Held }) => ({ ...context.answers, [from]: held }),
      }),
      choose: assign(({ context }) => {
        const held = chosen(context);
        return {
          answers: {},
          write: null,
          read: context.write === null ? held.value : null,
          done: { [context.me]: true as const },
          held: isNewer(held.stamp, context.held.stamp) ? held : context.held,
        };
      }),
      keepNewer: assign({
        held: ({ context }, { held }: { held: Held }) => isNewer(held.stamp, context.held.stamp) ? held : context.held,
      }),
      noteDone: assign({
        done: ({ context }, { from }: { from: string }) => ({ ...context.done, [from]: true as const }),
      }),
      rest: assign(() => idle),
    },
    guards: {
      isMine: ({ context }, { request, from }: { request: number; from: string }) =>
        request === context.request && !(from in context.done),
      completesAnswers: ({ context }, { request, from }: { request: number; from: string }) =>
        request === context.request && Object.keys({ ...context.answers, [from]: 1 }).length === context.majority,
      completesRecord: ({ context }, { request, from }: { request: number; from: string }) =>
        request === context.request && !(from in context.done) &&
        Object.keys(context.done).length + 1 === context.majority,
    },
  }).createMachine({
    id: "register",
    options: { maxIterations: 100 },
    context: ({ input }) => ({ ...input, ...idle, held: { stamp: [0, input.me], value: "" } }),
    initial: "idle",
    on: {
      query: {
        actions: {
          type: "reply",
          params: ({ context, event }) => ({
            to: event.from,
            event: { type: "query.answered", request: event.request, from: context.me, held: context.held },
          }),
        },
      },
      record: {
        actions: [
          {
            type: "reply",
            params: ({ context, event }) => ({
              to: event.from,
              event: { type: "record.done", request: event.request, from: context.me },
            }),
          },
          { type: "keepNewer", params: ({ event }) => ({ held: event.held }) },
        ],
      },
    },
    states: {
      idle: {
        description: "Works for no client",
        on: {
          put: {
            target: "asking",
            actions: {
              type: "begin",
              params: ({ event }) => ({ request: event.request, client: event.from, write: event.value }),
            },
          },
          get: {
            target: "asking",
            actions: {
              type: "begin",
              params: ({ event }) => ({ request: event.request, client: event.from, write: null }),
            },
          },
        },
      },
      asking: {
        description: "Waits for what a majority holds",
        entry: {
          type: "broadcast",
          params: ({ context }) => ({ event: { type: "query", request: context.request, from: context.me } }),
        },
        on: {
          "query.answered": [
            {
              guard: {
                type: "completesAnswers",
                params: ({ event }) => ({ request: event.request, from: event.from }),
              },
              target: "recording",
              actions: [
                { type: "noteAnswer", params: ({ event }) => ({ from: event.from, held: event.held }) },
                {
                  type: "broadcast",
                  params: ({ context }) => ({
                    event: { type: "record", request: context.request, from: context.me, held: chosen(context) },
                  }),
                },
                "choose",
              ],
            },
            {
              guard: { type: "isMine", params: ({ event }) => ({ request: event.request, from: event.from }) },
              actions: { type: "noteAnswer", params: ({ event }) => ({ from: event.from, held: event.held }) },
            },
          ],
        },
      },
      recording: {
        description: "Waits for a majority to hold what was read or written",
        // The mutant answers before anybody else holds it.
        ...(skipsRecord ? { always: "answering" } : {}),
        on: {
          "record.done": [
            {
              guard: { type: "completesRecord", params: ({ event }) => ({ request: event.request, from: event.from }) },
              target: "answering",
            },
            {
              guard: { type: "isMine", params: ({ event }) => ({ request: event.request, from: event.from }) },
              actions: { type: "noteDone", params: ({ event }) => ({ from: event.from }) },
            },
          ],
        },
      },
      answering: {
        description: "Answers its client",
        entry: [
          {
            type: "reply",
            params: ({ context: { client, request, read } }) => ({
              to: client,
              event: read === null ? { type: "put.done", request } : { type: "get.done", request, value: read },
            }),
          },
          "rest",
        ],
        always: "idle",
      },
    },
  });
}

const registerMachine = registerMachineOf({ skipsRecord: false });

function registerModel(servers: number, clients: number, machine = registerMachine): SystemModel {
  const names = Array.from({ length: servers }, (_, index) => `s${index}`);
  return {
    actors: [
      ...names.map((me) =>
        systemActor(me, machine, {
          input: { me, majority: Math.floor(servers / 2) + 1 },
          sends: {
            broadcast: ({ event }: Pick<Envelope, "event">) =>
              names.filter((name) => name !== me).map((to) => ({ to, event })),
            reply: (envelope: Envelope) => envelope,
          },
        })
      ),
      ...registerClients(clients, servers),
    ],
    network: { unhandled: "stays" },
    history: operationHistory as NonNullable<SystemModel["history"]>,
    always: { "linearizable": ({ history }) => isLinearizable(history as typeof operationHistory.init) },
    sometimes: {
      "a value is read": ({ messages }) => messages.some(({ event }) => "value" in event && event.type === "get.done"),
    },
    limits: { states: 100_000 },
  };
}

Deno.test("checkSystem: the register of two servers and two clients has 544 states and is linearizable", () => {
  const check = checkSystem(registerModel(2, 2));
  assertEquals([check.verdict, check.states], ["complete", 544], describeCheck(check));
});

Deno.test("checkSystem finds a register that answers before a majority holds the value", () => {
  const { verdict, violations } = checkSystem(registerModel(3, 2, registerMachineOf({ skipsRecord: true })));
  assertEquals([verdict, violations[0]?.rule], ["violated", "linearizable"]);
});
