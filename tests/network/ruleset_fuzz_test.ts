import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { changesScript, fullScript, removalScript } from "../../machines/kube_proxy/nft_script.ts";
import { isEmpty, Ruleset } from "../../machines/kube_proxy/ruleset.ts";
import { servicePorts } from "../../machines/kube_proxy/service_ports.ts";
import { serviceRules } from "../../machines/kube_proxy/service_rules.ts";
import { allNodes, arbitraryService, proxyTable } from "../machines/kube_proxy/arbitrary_cluster.ts";
import { networkTest, run } from "./harness.ts";

networkTest("the kernel takes every change of services, and has then what a table made anew has", 36, async (host) => {
  const names = { ...proxyTable, table: `${host.plan.servicesTable}-fuzz` };
  const step = fc.tuple(fc.nat({ max: 2 }), fc.boolean()).chain(([index, present]) =>
    arbitraryService(index).map((member) => ({ index, member: present ? member : undefined }))
  );
  const rules = { nodes: allNodes, podCidr: names.podCidr, hostAddresses: ["127.0.0.1"] };
  const listed = async () => {
    const text = await run("nft", ["-s", "list", "table", "ip", names.table]);
    // Elements come in the order of a hash and broken into lines.
    return text.replace(/,\s+/g, ",\n").split("\n").map((line) => line.replace(/elements = \{|[{}]/g, "").trim())
      .sort();
  };
  const steps = fc.array(step, { minLength: 5, maxLength: 15 });
  try {
    await fc.assert(
      fc.asyncProperty(steps, async (changes) => {
        const ruleset = new Ruleset();
        await host.packetFilter.apply(fullScript(names, ruleset.takeAll()));
        for (const { index, member } of changes) {
          const wanted = member && serviceRules(servicePorts(member.service, member.slices, allNodes), rules);
          ruleset.replace(`default/web-${index}`, wanted);
          const difference = ruleset.take();
          if (!isEmpty(difference)) await host.packetFilter.apply(changesScript(names, difference));
        }
        const changed = await listed();
        await host.packetFilter.apply(fullScript(names, ruleset.takeAll()));
        assertEquals(
          changed.map((line) => line.replace(/,$/, "")).sort(),
          (await listed()).map((line) => line.replace(/,$/, "")).sort(),
        );
      }),
      { numRuns: 15, endOnFailure: true },
    );
  } finally {
    await host.packetFilter.apply(removalScript(names.table));
  }
});
