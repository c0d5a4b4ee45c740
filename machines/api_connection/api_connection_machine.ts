/**
 * Which of the masters a client of another process talks to, and when it goes to the next one.
 *
 * A server that is lost without a word keeps connections that nobody ends: requests would hang for as long as TCP hopes.
 * So the server in use is asked every ten seconds whether it serves, which it does while a majority of the store answers
 * it; what it answers are all masters that there are. Who does not answer in time is dropped with everything that is
 * open to it, and the next one is asked. Nobody goes back to a former server by itself: one that serves is as good.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type ApiConnectionEvent =
  /** `servers`: all masters; empty when it does not say. */
  | { type: "server.answered"; servers: readonly string[] }
  | { type: "server.failed"; reason: string; message: string }
  /** A request did not reach this server, or it could not serve it. */
  | { type: "request.failed"; server: string };

export interface ApiConnectionContext {
  /** `https://host:port`, in the order in which they are tried; never empty. */
  servers: readonly string[];
  /** Where requests go; it may have left the list, and is used for as long as it serves. */
  server: string;
  /** Servers that this search has tried in vain. */
  tried: number;
}

/** The servers that a request may try, one after the other. */
export function inTurn({ servers, server }: ApiConnectionContext): string[] {
  const at = servers.indexOf(server) + 1;
  return [...new Set([server, ...servers.slice(at), ...servers.slice(0, at)])];
}

const equal = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((each, i) => each === b[i]);

export const apiConnectionMachine = setup({
  types: {
    context: {} as ApiConnectionContext,
    events: {} as ApiConnectionEvent,
    input: {} as { servers: readonly string[] },
  },
  actions: {
    askServer: effect<{ server: string }>({ answers: ["server.answered", "server.failed"], fails: "server.failed" }),
    /** Everything that is open to it ends, and it is connected to anew when it is its turn again. */
    dropServer: effect<{ server: string }>({ answers: [], cancels: ["askServer"] }),
    /** For the next start, which may find other masters alive than those it once joined. */
    keepServers: effect<{ servers: readonly string[] }>(),
    learn: assign({ servers: (_, params: { servers: readonly string[] }) => params.servers }),
    goOn: assign(({ context }) => ({ server: inTurn(context)[1] ?? context.server, tried: context.tried + 1 })),
    beginAnew: assign({ tried: 0 }),
  },
  guards: {
    isInUse: ({ context }, params: { server: string }) => params.server === context.server,
    isNews: ({ context }, params: { servers: readonly string[] }) =>
      params.servers.length > 0 && !equal(params.servers, context.servers),
    hasAnother: ({ context }) => context.tried < context.servers.length,
  },
  delays: { checkInterval: 10_000, answerTimeout: 4_000, pause: 1_000 },
}).createMachine({
  id: "apiConnection",
  options: { maxIterations: 100 },
  context: ({ input: { servers } }) => ({ servers, server: servers[0] ?? "", tried: 0 }),
  initial: "asking",
  states: {
    connected: {
      description: "The server in use serves; it is asked again in ten seconds, or when a request to it fails.",
      entry: "beginAnew",
      after: { checkInterval: "asking" },
      on: {
        "request.failed": {
          guard: { type: "isInUse", params: ({ event }) => ({ server: event.server }) },
          target: "asking",
        },
      },
    },
    asking: {
      description: "Asks the server in use whether it serves; waits four seconds for its answer.",
      entry: { type: "askServer", params: ({ context }) => ({ server: context.server }) },
      on: {
        "server.answered": [
          {
            guard: { type: "isNews", params: ({ event }) => ({ servers: event.servers }) },
            target: "connected",
            actions: [
              { type: "learn", params: ({ event }) => ({ servers: event.servers }) },
              { type: "keepServers", params: ({ event }) => ({ servers: event.servers }) },
            ],
          },
          { target: "connected" },
        ],
        "server.failed": "lost",
      },
      after: { answerTimeout: "lost" },
    },
    lost: {
      description: "The server in use is dropped; the next one is asked, unless all have been.",
      entry: [{ type: "dropServer", params: ({ context }) => ({ server: context.server }) }, "goOn"],
      always: [{ guard: "hasAnother", target: "asking" }, { target: "pausing" }],
    },
    pausing: {
      description: "None of the masters serves; begins anew in a second.",
      exit: "beginAnew",
      after: { pause: "asking" },
    },
  },
});
