import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { apiConnectionMachine } from "../../machines/api_connection/api_connection_machine.ts";

Deno.test("apiConnectionMachine always asks or is about to, leaves no server without dropping it, and tries them all", () => {
  const [a, b, c] = ["a", "b", "c"];
  const found = exploreMachine(apiConnectionMachine, {
    input: { servers: [a, b, c] },
    facts: { "server.answered": [{ servers: [] }, { servers: [a, b, c] }, { servers: [b] }] },
    events: [a, b, c].map((server) => ({ type: "request.failed" as const, server })),
    terminal: [],
    always: {
      "it asks whom it uses, and nobody else": ({ snapshot, outstanding }) => {
        const asked = outstanding.filter(({ type }) => type === "askServer");
        return asked.length === (snapshot.matches("asking") ? 1 : 0) &&
          asked.every(({ params }) => (params as { server: string }).server === snapshot.context.server);
      },
      "something is going to happen by itself": ({ timers }) => timers.length === 1,
      "it rests only when it has tried them all": ({ snapshot }) =>
        !snapshot.matches("pausing") || snapshot.context.tried >= snapshot.context.servers.length,
      "nobody that serves counts as tried in vain": ({ snapshot }) =>
        !snapshot.matches("connected") || snapshot.context.tried === 0,
    },
    sometimes: {
      "it uses each of them": ({ snapshot }) => snapshot.matches("connected") && snapshot.context.server === c,
      "it uses one that has left the list": ({ snapshot: { context } }) => !context.servers.includes(context.server),
      "it rests": ({ snapshot }) => snapshot.matches("pausing"),
    },
    eachStep: {
      "a server is left only when it is dropped": ({ before, after }) => {
        const left = before.snapshot?.context.server;
        if (left === undefined || left === after.snapshot.context.server) return true;
        return after.orders.some(({ type, params }) =>
          type === "dropServer" && (params as { server: string }).server === left
        );
      },
    },
  });
  assertEquals(found.problems, []);
});
