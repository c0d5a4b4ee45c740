import { assertEquals, assertRejects } from "@std/assert";
import { restartInTurn, type RestartWorld } from "../../commands/restart.ts";
import type { StoreMemberStatus } from "../../ports/store_membership.ts";

/** Masters that come back after a few looks: first unreachable, then behind, then whole, then with an API server. */
class Masters implements RestartWorld {
  readonly said: string[] = [];
  readonly processes;
  #members: StoreMemberStatus[];
  #away: { name: string; looks: number } | undefined;
  #patience = 20;

  constructor(members: readonly Partial<StoreMemberStatus>[], readonly neverBack?: string) {
    this.#members = members.map((member, at) => ({
      ...{ id: `id${at}`, name: `master-${at}`, role: "follower", learner: false, reachable: true, term: 2 },
      ...{ appliedIndex: 10, revision: 9, sizeBytes: 1, processId: 100 + at, peerAddresses: [], clientAddresses: [] },
      ...member,
    }));
    this.processes = new Map(
      this.#members.filter(({ name }) => name.startsWith("master-")).map(({ name, processId }) => [name, processId]),
    );
  }

  members = () => {
    const looks = this.#away === undefined ? 9 : this.#away.looks++;
    return Promise.resolve(this.#members.map((member) => {
      if (member.name !== this.#away?.name) return member;
      if (looks < 2 || member.name === this.neverBack) return { ...member, reachable: false, appliedIndex: 0 };
      return looks < 4 ? { ...member, appliedIndex: 3 } : member;
    }));
  };

  moveLeader = (before: readonly StoreMemberStatus[]) => {
    this.said.push("move-leader");
    const next = before.find(({ role }) => role !== "leader")!.id;
    this.#members = this.#members.map((each) => ({ ...each, role: each.id === next ? "leader" : "follower" }));
    return Promise.resolve();
  };

  end = (pid: number) => {
    const found = this.#members.find(({ processId }) => processId === pid)!;
    this.said.push(`end ${found.name} (${found.role})`);
    this.#away = { name: found.name, looks: 0 };
    this.#members = this.#members.map((each) => each === found ? { ...each, processId: pid + 1000 } : each);
    return Promise.resolve();
  };

  serves = (name: string) => {
    const { looks } = this.#away!;
    if (looks > 6) this.said.push(`${name} serves`);
    return Promise.resolve(looks > 6);
  };

  pause = () => Promise.resolve(--this.#patience > 0);

  step = async (_title: string, body: () => Promise<void>) => {
    this.#patience = 20;
    await body();
  };
}

const follower = {};
const leader = { role: "leader" } as const;

Deno.test("restartInTurn ends followers first, then the leader once it has handed over, each when the one before is back", async () => {
  const masters = new Masters([leader, follower, follower, { name: "extra" }]);
  await restartInTurn(masters);
  assertEquals(masters.said, [
    ...["end master-1 (follower)", "master-1 serves", "end master-2 (follower)", "master-2 serves"],
    ...["move-leader", "end master-0 (follower)", "master-0 serves"],
  ]);
});

const refusals: { name: string; third: Partial<StoreMemberStatus>; message: string }[] = [
  { name: "unreachable", third: { reachable: false }, message: "master-2 is unreachable" },
  { name: "a learner", third: { role: "learner", learner: true }, message: "master-2 is a learner yet" },
];
for (const { name, third, message } of refusals) {
  Deno.test(`restartInTurn ends nobody while a member is ${name}`, async () => {
    const masters = new Masters([leader, follower, third]);
    await assertRejects(() => restartInTurn(masters), Error, message);
    assertEquals(masters.said, []);
  });
}

Deno.test("restartInTurn leaves the others alone when one does not come back", async () => {
  const masters = new Masters([leader, follower, follower], "master-1");
  await assertRejects(() => restartInTurn(masters), Error, "master-1 has not come back");
  assertEquals(masters.said, ["end master-1 (follower)"]);
});
