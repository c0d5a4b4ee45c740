/** An API server with its port, its store and a client: it is stopped, or its store fails, while it is asked. */
import type { AnyStateMachine } from "xstate";
import { apiServerMachine } from "../api_server/api_server_machine.ts";
import { plainActor } from "../check/plain_actor.ts";
import { systemActor, type SystemModel } from "../check/system_model.ts";
import type { NamedModel } from "./model.ts";

export interface ApiServerSystemOptions {
  /** Of "requests", "stops", "failures" (of the store). */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly machine?: AnyStateMachine;
}

interface Port {
  readonly state: "closed" | "open" | "draining" | "drained";
  /** Requests that were taken and are not answered yet. */
  readonly underWay: number;
}

interface Store {
  readonly isOpen: boolean;
  /** A request came when it was closed. */
  readonly wasMissed: boolean;
}

export function apiServerSystem(
  { budgets = {}, machine = apiServerMachine }: ApiServerSystemOptions = {},
): SystemModel {
  const store = plainActor<Store>("store", { isOpen: false, wasMissed: false }, {
    "store.openAsked": (data) => ({
      data: { ...data, isOpen: true },
      sends: [{ to: "server", answers: "openStore", event: { type: "store.opened" } }],
    }),
    "store.closeAsked": (data) => ({
      data: { ...data, isOpen: false },
      sends: [{ to: "server", answers: "closeStore", event: { type: "store.closed" } }],
    }),
    "request.made": (data) => ({
      data: { ...data, wasMissed: data.wasMissed || !data.isOpen },
      sends: [{ to: "port", event: { type: "request.done" } }],
    }),
  });
  const drained = { to: "server", answers: "drain", event: { type: "server.drained" } };
  const port = plainActor<Port>("port", { state: "closed", underWay: 0 }, {
    "port.openAsked": (data) => ({
      data: { ...data, state: "open" },
      sends: [{ to: "server", answers: "listen", event: { type: "server.listening" } }],
    }),
    // Takes nobody any more, and answers whom it took.
    "port.drainAsked": (data) =>
      data.underWay > 0
        ? { data: { ...data, state: "draining" } }
        : { data: { ...data, state: "drained" }, sends: [drained] },
    "request.asked": (data) =>
      data.state === "open"
        ? { data: { ...data, underWay: data.underWay + 1 }, sends: [{ to: "store", event: { type: "request.made" } }] }
        : { data, sends: [{ to: "client", event: { type: "request.refused" } }] },
    "request.done": (data) => {
      const underWay = data.underWay - 1;
      const isLast = data.state === "draining" && underWay === 0;
      const answer = { to: "client", event: { type: "request.answered" } };
      return {
        data: { state: isLast ? "drained" : data.state, underWay },
        sends: isLast ? [answer, drained] : [answer],
      };
    },
  });
  const client = plainActor<{ readonly waiting: number; readonly answered: number }>(
    "client",
    { waiting: 0, answered: 0 },
    {
      "user.asks": (data) => ({
        data: { ...data, waiting: data.waiting + 1 },
        sends: [{ to: "port", event: { type: "request.asked" } }],
      }),
      "request.answered": (data) => ({ data: { waiting: data.waiting - 1, answered: data.answered + 1 } }),
      "request.refused": (data) => ({ data: { ...data, waiting: data.waiting - 1 } }),
    },
    { events: () => [{ event: { type: "user.asks" }, spends: "requests" }] },
  );
  const server = systemActor("server", machine, {
    sends: {
      openStore: () => ({ to: "store", event: { type: "store.openAsked" } }),
      listen: () => ({ to: "port", event: { type: "port.openAsked" } }),
      drain: () => ({ to: "port", event: { type: "port.drainAsked" } }),
      closeStore: () => ({ to: "store", event: { type: "store.closeAsked" } }),
    },
    events: (local) => [
      // Whoever starts it can stop it once it listens.
      ...(local.is("serving") ? [{ event: { type: "stop.requested" }, spends: "stops" }] : []),
      { event: { type: "store.failed", message: "the disk is full" }, spends: "failures" },
    ],
  });
  return {
    actors: [server, port, store, client],
    budgets: { requests: 2, stops: 1, failures: 0, ...budgets },
    always: {
      "no request that was taken comes to a closed store": (state) => !state.of(store).view.wasMissed,
      "who has stopped has answered whom it took": (state) =>
        !state.of(server).is("stopped") || state.of(port).view.underWay === 0,
      "it is ready only while its port is open": (state) =>
        !state.of(server).is("serving.ready") || state.of(port).view.state === "open",
    },
    sometimes: {
      "a request is under way while it drains": (state) => state.of(port).view.state === "draining",
      "somebody is answered": (state) => state.of(client).view.answered > 0,
      "it has ended": (state) => state.of(server).is("stopped") || state.of(server).is("failed"),
    },
    leadsTo: {
      "everybody who asks hears an answer or a refusal": [
        (state) => state.of(client).view.waiting > 0,
        (state) => state.of(client).view.waiting === 0,
      ],
      "who is to stop stops": [
        (state) => state.of(server).is("draining"),
        (state) => state.of(server).is("stopped"),
      ],
      "who cannot go on ends": [
        (state) => state.of(server).is("failing"),
        (state) => state.of(server).is("failed"),
      ],
    },
    fairness: { weak: ["deliver"] },
    limits: { states: 100_000 },
  };
}

export const apiServerModels: readonly NamedModel[] = [
  {
    name: "apiserver/stopped",
    about: "is stopped while it is asked",
    size: "small",
    system: () => apiServerSystem(),
  },
  {
    name: "apiserver/store",
    about: "its store fails while it is asked, or while it is stopped",
    size: "small",
    system: () => apiServerSystem({ budgets: { failures: 1 } }),
  },
];
