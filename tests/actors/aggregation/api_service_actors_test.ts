import { assertEquals } from "@std/assert";
import { apiServiceActors } from "../../../actors/aggregation/api_service_actors.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { ActorSystem } from "../../../actors/system.ts";

/** What is found by one look after the other, the last for ever. */
function world(...looks: ("there" | "away" | "unreadable")[]) {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const log: string[] = [];
  const watch = apiServiceActors(system, "master-0");
  watch.begin("v1.a", {
    check() {
      const found = looks.length > 1 ? looks.shift()! : looks[0]!;
      log.push(`look: ${found}`);
      if (found === "unreadable") return Promise.reject(new Error("no leader"));
      return Promise.resolve({ available: found === "there", reason: "", message: "" });
    },
    publish(available) {
      log.push(`publish: ${available}`);
      return Promise.resolve();
    },
  });
  const settle = async (ms = 0) => {
    clock.advance(ms);
    for (let turn = 0; turn < 6; turn++) {
      clock.run();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return log.splice(0);
  };
  return { settle, watch, stop: () => system.stopAll() };
}

Deno.test("an API service that is there is looked at every thirty seconds", async () => {
  const { settle, stop } = world("there");
  assertEquals(await settle(), ["look: there", "publish: true"]);
  assertEquals(await settle(29_999), []);
  assertEquals(await settle(1), ["look: there", "publish: true"]);
  stop();
});

Deno.test("an API service that is away, or could not be looked at, is looked at every second", async () => {
  const { settle, stop } = world("away", "unreadable", "there");
  assertEquals(await settle(), ["look: away", "publish: false"]);
  assertEquals(await settle(1_000), ["look: unreadable"]);
  assertEquals(await settle(1_000), ["look: there", "publish: true"]);
  stop();
});

Deno.test("an API service that moves is looked at at once, and one that goes no more", async () => {
  const { settle, watch, stop } = world("there", "away");
  await settle();
  watch.changed("v1.a");
  assertEquals(await settle(), ["look: away", "publish: false"]);
  watch.end("v1.a");
  assertEquals(await settle(60_000), []);
  stop();
});
