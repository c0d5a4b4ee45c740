/** What every pod network promises. `pids` are processes with a network namespace of their own. */
import { assert, assertEquals } from "@std/assert";
import { inCidr } from "../../machines/network/cidr.ts";
import type { PodNetwork } from "../../ports/pod_network.ts";

export interface PodNetworkWorld {
  readonly podCidr: string;
  readonly pids: readonly [number, number];
  /** A network as a process makes it that starts on this node now. */
  start(): Promise<PodNetwork>;
}

export const podNetworkContract: readonly { name: string; check(world: PodNetworkWorld): Promise<void> }[] = [
  {
    name: "gives each sandbox an address of the node's range, and the same one again",
    check: async ({ start, pids, podCidr }) => {
      const network = await start();
      const [a, b] = [
        await network.attach({ id: "a", pid: pids[0], podKey: "default/a" }),
        await network.attach({ id: "b", pid: pids[1], podKey: "default/b" }),
      ];
      assert(inCidr(podCidr, a.podIP) && inCidr(podCidr, b.podIP) && a.podIP !== b.podIP);
      assertEquals(await network.attach({ id: "a", pid: pids[0], podKey: "default/a" }), a);
      assertEquals(await network.list(), new Map([["a", a], ["b", b]]));
    },
  },
  {
    name: "gives a sandbox one address when it is asked twice at once",
    check: async ({ start, pids }) => {
      const network = await start();
      const sandbox = { id: "a", pid: pids[0], podKey: "default/a" };
      const [one, two] = await Promise.all([network.attach(sandbox), network.attach(sandbox)]);
      assertEquals([one, (await network.list()).size], [two, 1]);
    },
  },
  {
    name: "frees what is detached, also what is not there",
    check: async ({ start, pids }) => {
      const network = await start();
      await network.attach({ id: "a", pid: pids[0], podKey: "default/a" });
      await network.detach("a");
      await network.detach("a");
      await network.detach("never");
      assertEquals(await network.list(), new Map());
    },
  },
  {
    name: "finds again what a process wired that was killed, and gives its addresses to nobody else",
    check: async ({ start, pids }) => {
      const first = await start();
      const a = await first.attach({ id: "a", pid: pids[0], podKey: "default/a" });
      const second = await start();
      assertEquals(await second.list(), new Map([["a", a]]));
      const b = await second.attach({ id: "b", pid: pids[1], podKey: "default/b" });
      assert(b.podIP !== a.podIP);
      assertEquals(await second.attach({ id: "a", pid: pids[0], podKey: "default/a" }), a);
    },
  },
];
