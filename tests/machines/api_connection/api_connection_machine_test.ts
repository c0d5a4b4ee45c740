import { assertEquals } from "@std/assert";
import {
  type ApiConnectionEvent,
  apiConnectionMachine,
  inTurn,
} from "../../../machines/api_connection/api_connection_machine.ts";
import { firstStep, step } from "../../../machines/step.ts";

const [a, b, c] = ["https://a:6443", "https://b:6443", "https://c:6443"];
type Fact = ApiConnectionEvent | "time";

const answered = (...servers: string[]): Fact => ({ type: "server.answered", servers });
const failed: Fact = { type: "server.failed", reason: "Refused", message: "connection refused" };
const requestFailed = (server: string): Fact => ({ type: "request.failed", server });

const cases: { name: string; servers?: string[]; facts: Fact[]; state: string; server: string; orders: string[] }[] = [
  { name: "asks the first server first", facts: [], state: "asking", server: a!, orders: [`askServer ${a}`] },
  { name: "stays with a server that serves", facts: [answered()], state: "connected", server: a!, orders: [] },
  {
    name: "keeps what it learns of the masters, once",
    facts: [answered(b!, a!)],
    state: "connected",
    server: a!,
    orders: [`keepServers ${b} ${a}`],
  },
  {
    name: "has nothing to keep when it hears the same again",
    facts: [answered(b!, a!), "time", answered(b!, a!)],
    state: "connected",
    server: a!,
    orders: [],
  },
  {
    name: "asks again after a while",
    facts: [answered(), "time"],
    state: "asking",
    server: a!,
    orders: [`askServer ${a}`],
  },
  {
    name: "drops a server that does not answer in time, and asks the next one",
    facts: [answered(), "time", "time"],
    state: "asking",
    server: b!,
    orders: [`dropServer ${a}`, `askServer ${b}`],
  },
  {
    name: "asks at once when a request has failed",
    facts: [answered(), requestFailed(a!)],
    state: "asking",
    server: a!,
    orders: [`askServer ${a}`],
  },
  {
    name: "does not mind what failed at a server that it has left",
    facts: [failed, answered(), requestFailed(a!)],
    state: "connected",
    server: b!,
    orders: [],
  },
  {
    name: "goes round: behind the last comes the first",
    facts: [failed, failed, answered(), "time", failed],
    state: "asking",
    server: a!,
    orders: [`dropServer ${c}`, `askServer ${a}`],
  },
  {
    name: "rests when all have been tried in vain, and begins anew",
    facts: [failed, failed, failed],
    state: "pausing",
    server: a!,
    orders: [`dropServer ${c}`],
  },
  {
    name: "tries every one again after a rest",
    facts: [failed, failed, failed, "time", failed, failed],
    state: "asking",
    server: c!,
    orders: [`dropServer ${b}`, `askServer ${c}`],
  },
  {
    name: "connects to its only server anew when that is lost",
    servers: [a!],
    facts: [failed, "time"],
    state: "asking",
    server: a!,
    orders: [`askServer ${a}`],
  },
  {
    name: "uses a server that is no master any more for as long as it serves",
    facts: [answered(b!, c!), "time", answered(b!, c!)],
    state: "connected",
    server: a!,
    orders: [],
  },
  {
    name: "goes on to those it has learned of",
    servers: [a!],
    facts: [answered(b!, c!), "time", failed],
    state: "asking",
    server: b!,
    orders: [`dropServer ${a}`, `askServer ${b}`],
  },
];
for (const { name, servers = [a!, b!, c!], facts, state, server, orders } of cases) {
  Deno.test(`apiConnectionMachine ${name}`, () => {
    assertEquals(play(servers, facts), { state, server, orders });
  });
}

Deno.test("inTurn begins with the server in use and leaves none out", () => {
  const servers = [a!, b!, c!];
  assertEquals(inTurn({ servers, server: b!, tried: 0 }), [b, c, a]);
  assertEquals(inTurn({ servers, server: "https://gone:6443", tried: 0 }), ["https://gone:6443", a, b, c]);
});

/** Folds facts through the machine, time as whatever is due next, and lists what the last step ordered. */
function play(servers: readonly string[], facts: readonly Fact[]) {
  let last = firstStep(apiConnectionMachine, { servers });
  for (const fact of facts) {
    const due = last.timers.find(({ delayMs }) => delayMs !== undefined)?.event;
    last = step(apiConnectionMachine, last.snapshot, (fact === "time" ? due! : fact) as ApiConnectionEvent);
  }
  return {
    state: last.snapshot.value,
    server: last.snapshot.context.server,
    orders: last.orders.map(({ type, params }) => `${type} ${Object.values(params as object).flat().join(" ")}`),
  };
}
