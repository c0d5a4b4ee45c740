import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { dnsMachine } from "../../machines/dns/dns_machine.ts";

Deno.test("dnsMachine, in every order of facts, opens its sockets one at a time and again when they break", () => {
  const { states, problems } = exploreMachine(dnsMachine, {
    events: [{ type: "socket.failed" }],
    terminal: ["table.synced"],
    always: {
      "one opening at a time": ({ outstanding }) =>
        outstanding.filter(({ type }) => type === "openSockets").length <= 1,
      "somebody works on it or it is open": ({ snapshot, outstanding, timers }) =>
        snapshot.matches({ sockets: "open" }) || timers.length > 0 ||
        outstanding.some(({ type }) => type === "openSockets"),
    },
    sometimes: {
      "it is ready": ({ snapshot }) => snapshot.matches({ table: "synced", sockets: "open" }),
    },
  });
  assertEquals(problems, []);
  assertEquals(states, 28);
});
