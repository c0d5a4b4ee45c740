/**
 * Clients of a register: each writes a value of its own to one server and then reads from the next. What they saw
 * begin and end is the history, with which operations of others each one came after.
 */
import { setup } from "xstate";
import { type Happening, type HistoryModel, systemActor } from "../../machines/check/check_system.ts";
import { effect } from "../../machines/effect.ts";

type ClientEvent =
  | { type: "put.done"; request: number }
  | { type: "get.done"; request: number; value: string };

const clientMachine = setup({
  types: { context: {} as { index: number }, events: {} as ClientEvent, input: {} as { index: number } },
  actions: { put: effect<{ request: number }>(), get: effect<{ request: number }>() },
  guards: {
    isFirst: ({ context }, { request }: { request: number }) => request === context.index,
    isSecond: ({ context }, { request }: { request: number }) => request === 2 * context.index,
  },
}).createMachine({
  id: "client",
  options: { maxIterations: 100 },
  context: ({ input }) => input,
  initial: "putting",
  states: {
    putting: {
      description: "Waits for its value to be written",
      entry: { type: "put", params: ({ context }) => ({ request: context.index }) },
      on: {
        "put.done": {
          guard: { type: "isFirst", params: ({ event }) => ({ request: event.request }) },
          target: "getting",
        },
      },
    },
    getting: {
      description: "Waits for the value that it reads",
      entry: { type: "get", params: ({ context }) => ({ request: 2 * context.index }) },
      on: {
        "get.done": {
          guard: { type: "isSecond", params: ({ event }) => ({ request: event.request }) },
          target: "done",
        },
      },
    },
    done: { description: "Has read" },
  },
});

export function registerClients(count: number, servers: number) {
  return Array.from({ length: count }, (_, at) => {
    const index = servers + at;
    const server = (operation: number) => `s${(index + operation) % servers}`;
    return systemActor(`c${index}`, clientMachine, {
      input: { index },
      sends: {
        put: ({ request }: { request: number }, self) => ({
          to: server(0),
          event: { type: "put", request, value: "ABCDEF"[at]!, from: self },
        }),
        get: ({ request }: { request: number }, self) => ({
          to: server(1),
          event: { type: "get", request, from: self },
        }),
      },
    });
  });
}

interface Operation {
  readonly write?: string;
  /** How many operations of each other client had ended when this one began. */
  readonly after: Readonly<Record<string, number>>;
}

export interface OperationHistory {
  readonly ended: Readonly<Record<string, readonly (Operation & { readonly read?: string })[]>>;
  readonly open: Readonly<Record<string, Operation>>;
}

export const operationHistory: HistoryModel<OperationHistory> = {
  init: { ended: {}, open: {} },
  next(history, { move, sent }: Happening) {
    let { ended, open } = history;
    if (move.do === "deliver" && ["put.done", "get.done"].includes(move.message.event.type)) {
      const { [move.actor]: operation, ...others } = open;
      const value = "value" in move.message.event ? { read: String(move.message.event.value) } : {};
      ended = { ...ended, [move.actor]: [...ended[move.actor] ?? [], { ...operation!, ...value }] };
      open = others;
    }
    for (const { from, event } of sent) {
      if (event.type !== "put" && event.type !== "get") continue;
      const others = Object.entries(ended).filter(([name, operations]) => name !== from && operations.length > 0);
      const after = Object.fromEntries(others.map(([name, operations]) => [name, operations.length]));
      open = { ...open, [from]: { after, ...("value" in event ? { write: String(event.value) } : {}) } };
    }
    return ended === history.ended && open === history.open ? history : { ended, open };
  },
};

/** Whether one order of the operations explains what everybody read; slow and obvious. */
export function isLinearizable({ ended, open }: OperationHistory): boolean {
  type Left = Record<string, readonly (Operation & { read?: string })[]>;
  const explains = (left: Left, opened: Readonly<Record<string, Operation>>, value: string): boolean => {
    if (Object.values(left).every((operations) => operations.length === 0)) return true;
    const doneOf = (name: string) => (ended[name]?.length ?? 0) - (left[name]?.length ?? 0);
    const mayCome = ({ after }: Operation) => Object.entries(after).every(([name, count]) => doneOf(name) >= count);
    for (const [name, [first, ...rest]] of Object.entries(left)) {
      if (first === undefined || !mayCome(first)) continue;
      if (first.write === undefined && first.read !== value) continue;
      if (explains({ ...left, [name]: rest }, opened, first.write ?? value)) return true;
    }
    for (const [name, operation] of Object.entries(opened)) {
      if ((left[name]?.length ?? 0) > 0 || operation.write === undefined || !mayCome(operation)) continue;
      const { [name]: _, ...others } = opened;
      if (explains(left, others, operation.write)) return true;
    }
    return false;
  };
  return explains({ ...ended }, open, "");
}
