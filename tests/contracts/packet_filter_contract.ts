/** What every packet filter promises: each script is applied whole or not at all. `table` is the test's own. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { changesScript, fullScript, removalScript } from "../../machines/kube_proxy/nft_script.ts";
import { FragmentDraft, matchKey } from "../../machines/kube_proxy/fragment.ts";
import { Ruleset } from "../../machines/kube_proxy/ruleset.ts";
import type { PacketFilter } from "../../ports/packet_filter.ts";

const ranges = { podCidr: "10.238.0.0/16", serviceCidr: "10.239.0.0/17", nodeCidr: "10.239.128.0/20" };

function fragment(name: string, targets: readonly string[]) {
  const draft = new FragmentDraft();
  for (const target of targets) {
    const verdict = draft.chain(`cluster/${name}/tcp/${target}`, [`meta l4proto tcp dnat to 10.238.0.1:${target}`]);
    draft.services.set(matchKey("10.239.0.1", "tcp", Number(target)), verdict);
  }
  draft.refusals.set(matchKey("10.239.0.2", "udp", 53), "drop");
  draft.hairpin("10.238.0.1");
  return draft;
}

export const packetFilterContract: readonly {
  name: string;
  check(filter: PacketFilter, table: string): Promise<void>;
}[] = [
  {
    name: "makes, changes, makes anew and removes a table",
    check: async (filter, table) => {
      const ruleset = new Ruleset();
      const names = { ...ranges, table };
      ruleset.replace("default/web", fragment("default/web", ["80", "443"]));
      await filter.apply(fullScript(names, ruleset.takeAll()));
      assert((await filter.tables()).includes(table));
      ruleset.replace("default/web", fragment("default/web", ["80", "8080"]));
      ruleset.replace("default/more", fragment("default/more", ["90"]));
      await filter.apply(changesScript(names, ruleset.take()));
      ruleset.replace("default/web", undefined);
      await filter.apply(changesScript(names, ruleset.take()));
      await filter.apply(fullScript(names, ruleset.takeAll()));
      await filter.apply(removalScript(table));
      await filter.apply(removalScript(table));
      assert(!(await filter.tables()).includes(table));
    },
  },
  {
    name: "changes nothing when a command of the script fails",
    check: async (filter, table) => {
      const before = await filter.tables();
      await assertRejects(() => filter.apply(`add table ip ${table}\nflush chain ip ${table} nowhere\n`), Error);
      assertEquals(await filter.tables(), before);
    },
  },
  {
    name: "refuses to remove a chain that a map leads to, and an element with two verdicts",
    check: async (filter, table) => {
      const names = { ...ranges, table };
      const ruleset = new Ruleset();
      ruleset.replace("default/web", fragment("default/web", ["80"]));
      await filter.apply(fullScript(names, ruleset.takeAll()));
      const chain = "cluster/default/web/tcp/80";
      const busy = `flush chain ip ${table} ${chain}\ndelete chain ip ${table} ${chain}\n`;
      await assertRejects(() => filter.apply(busy), Error, "busy");
      const twice = `add element ip ${table} services { 10.239.0.1 . tcp . 80 : goto refuse }\n`;
      await assertRejects(() => filter.apply(twice), Error, "File exists");
      const missing = `delete element ip ${table} services { 10.239.0.1 . tcp . 81 }\n`;
      await assertRejects(() => filter.apply(missing), Error, "No such file");
      await filter.apply(removalScript(table));
    },
  },
  {
    name: "forgets connections that are not there",
    check: (filter) => filter.forgetConnections([{ protocol: "udp", destination: "10.238.0.1", port: 53 }]),
  },
];
