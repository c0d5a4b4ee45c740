import { assertEquals } from "@std/assert";
import { startCandidate } from "../../../actors/controllers/leader_election_actor.ts";
import type { Lease } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { startControlPlane } from "../../support/control_plane.ts";

async function world() {
  const plane = await startControlPlane({ controllers: false, scheduler: false });
  const leading = new Set<string>();
  let most = 0;
  const candidate = (name: string) =>
    startCandidate({
      system: plane.system,
      node: name,
      client: plane.client,
      component: "kube-scheduler",
      identity: name,
      startLeading() {
        leading.add(name);
        most = Math.max(most, leading.size);
      },
      stopLeading: () => void leading.delete(name),
    });
  const lease = () => plane.client.get<Lease>(resources.leases, "kube-system", "kube-scheduler");
  return { ...plane, candidate, leading, lease, most: () => most };
}

Deno.test("of two candidates one leads, and goes on leading", async () => {
  const { candidate, clock, leading, lease, most, stop } = await world();
  candidate("a");
  candidate("b");
  await clock.pass(60_000);
  assertEquals([leading.size, most()], [1, 1]);
  const { spec } = await lease();
  assertEquals([spec?.holderIdentity, spec?.leaseTransitions], [[...leading][0]!, 0]);
  await stop();
});

Deno.test("a candidate takes over when the leader has been silent for 15 s, not before", async () => {
  const { candidate, clock, leading, lease, most, system, stop } = await world();
  const first = candidate("a");
  await clock.pass(3000);
  candidate("b");
  await clock.pass(3000);
  assertEquals([...leading], ["a"]);
  system.stop(first); // As a process that dies: the lease stays as it is.
  await clock.pass(13_000);
  assertEquals([...leading], []);
  await clock.pass(6000);
  assertEquals([...leading], ["b"]);
  assertEquals((await lease()).spec?.leaseTransitions, 1);
  assertEquals(most(), 1);
  await stop();
});

Deno.test("a candidate that withdraws gives the lease back, and the other takes over at once", async () => {
  const { candidate, clock, leading, most, system, stop } = await world();
  const first = candidate("a");
  await clock.pass(1000);
  candidate("b");
  await clock.pass(1000);
  system.tell(first, { type: "candidate.withdrawn" });
  await clock.pass(3000);
  assertEquals([[...leading], most()], [["b"], 1]);
  await stop();
});

Deno.test("a leader goes on when somebody else wrote its lease without taking it", async () => {
  const { candidate, client, clock, leading, stop } = await world();
  candidate("a");
  await clock.pass(1000);
  await client.patch(resources.leases, "kube-system", "kube-scheduler", "merge", {
    metadata: { labels: { seen: "1" } },
  });
  await clock.pass(30_000);
  assertEquals([...leading], ["a"]);
  await stop();
});

Deno.test("a leader whose lease names somebody else stops leading within ten seconds", async () => {
  const { candidate, client, clock, leading, stop } = await world();
  candidate("a");
  await clock.pass(1000);
  const body = { spec: { holderIdentity: "thief" } };
  await client.patch(resources.leases, "kube-system", "kube-scheduler", "merge", body);
  await clock.pass(12_000);
  assertEquals([...leading], []);
  await stop();
});
