import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { createMachine } from "xstate";
import { ManualClock } from "../../actors/simulated/manual_clock.ts";
import { actorKind, ActorSystem, address } from "../../actors/system.ts";
import { type ExplainAnswer, explainRoutes } from "../../commands/explain_routes.ts";
import type { UserInfo } from "../../http/machinery/types.ts";

const podKind = actorKind("pod", createMachine({ id: "pod", options: { maxIterations: 100 } }), {});
const pod = (node: string, namespace: string) => address({ node, kind: "pod", namespace, name: "web" });

/** A master that asks one other process, and shows pods of the namespaces that the user is called after. */
function master() {
  const system = new ActorSystem({ clock: new ManualClock() });
  for (const namespace of ["ann", "bob"]) {
    system.spawn(podKind, { address: pod("worker-0", namespace), input: undefined });
  }
  const asked: Readonly<Record<string, string>>[] = [];
  const app = new Hono<{ Variables: { user: UserInfo } }>();
  app.use(async (c, next) => {
    c.set("user", { name: c.req.header("user") ?? "", groups: [] });
    await next();
  });
  const elsewhere = {
    address: pod("worker-1", "ann"),
    kind: "pod",
    text: ["is there"],
    causes: [{ actor: pod("worker-1", "bob"), words: "a" }, { actor: pod("worker-1", "ann"), words: "b" }],
  };
  explainRoutes(app, system, {
    elsewhere(query) {
      asked.push({ ...query });
      return Promise.resolve({ actors: [elsewhere], silent: { "worker-2": "away" } });
    },
    access: ({ name }) => ({ sees: ({ namespace }) => Promise.resolve(namespace === name) }),
  });
  const explain = async (user: string, query: string): Promise<ExplainAnswer> =>
    await (await app.request(`/chartroom/explain?${query}`, { headers: { user } })).json();
  return { explain, asked };
}

Deno.test("explain tells nobody of actors whose object he may not get, nor of their part in how something came about", async () => {
  const { explain } = master();
  const { actors, silent } = await explain("ann", "name=web");
  assertEquals(actors.map(({ address }) => address), [pod("worker-0", "ann"), pod("worker-1", "ann")]);
  assertEquals(actors[1]!.causes, [{ actor: pod("worker-1", "ann"), words: "b" }]);
  assertEquals(silent, { "worker-2": "away" });
  assertEquals((await explain("eve", "name=web")).actors, []);
});

Deno.test("explain asks other processes with the same query, unless it is asked by one of them", async () => {
  const { explain, asked } = master();
  await explain("ann", "name=web&namespace=ann");
  assertEquals(asked, [{ name: "web", namespace: "ann" }]);
  const { actors } = await explain("ann", "name=web&own=true");
  assertEquals(actors.map(({ address }) => address), [pod("worker-0", "ann")]);
  assertEquals(asked.length, 1);
});
