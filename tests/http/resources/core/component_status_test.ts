import { assertEquals } from "@std/assert";
import { resources } from "../../../../machines/objects/resources.ts";
import { admin, testApi } from "../../machinery/test_api.ts";

Deno.test("component statuses tell who holds the leases of scheduler and controller manager", async () => {
  const test = await testApi();
  const client = test.api.client(admin);
  const lease = (holderIdentity: string, ageMs: number) => ({
    spec: {
      holderIdentity,
      leaseDurationSeconds: 15,
      renewTime: new Date(test.clock.wallTime() - ageMs).toISOString().replace("Z", "000Z"),
    },
  });
  const make = (name: string, object: Record<string, unknown>) =>
    client.create(resources.leases, "kube-system", { metadata: { name }, ...object } as never);
  await make("kube-scheduler", lease("master-0", 2_000));
  await make("kube-controller-manager", lease("master-1", 60_000));
  const ask = async (path: string, accept = "application/json") => {
    const response = await test.request(`/api/v1/componentstatuses${path}`, { headers: { accept } });
    return [response.status, await response.json()];
  };
  const [, list] = await ask("");
  const shown = list.items.map((item: { metadata: { name: string }; conditions: Record<string, string>[] }) => [
    item.metadata.name,
    item.conditions[0]!["status"],
  ]);
  assertEquals(shown, [["scheduler", "True"], ["controller-manager", "False"], ["etcd-0", "True"]]);
  const [, one] = await ask("/controller-manager");
  assertEquals(one.kind, "ComponentStatus");
  assertEquals(one.conditions[0].message.startsWith("master-1 has not renewed the lease"), true);
  const [, table] = await ask("", "application/json;as=Table;v=v1;g=meta.k8s.io");
  assertEquals([table.kind, table.rows[0].cells], ["Table", ["scheduler", "Healthy", "ok", ""]]);
  assertEquals((await ask("/nobody"))[0], 404);
  test.stop();
});
