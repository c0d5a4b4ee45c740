import { assertEquals } from "@std/assert";
import { aggregatedDiscovery, apiGroupList, apiResourceList, apiVersions } from "../../../http/machinery/discovery.ts";
import { ResourceRegistry } from "../../../http/machinery/resource_registry.ts";
import { recorded } from "../oracle.ts";
import { testResources } from "./test_api.ts";

interface Document {
  readonly name: string;
}

const recording = recorded<Record<string, { resources: Document[]; groups: Document[]; items: unknown[] }>>(
  "discovery.json",
);

if (recording !== undefined) {
  const registry = new ResourceRegistry(testResources());
  const lists = Object.keys(recording).filter((path) => /^\/api\/v1$|^\/apis\/.+\/.+$/.test(path));
  const served = (path: string) => {
    const [, , a, b] = path.split("/");
    return path === "/api/v1" ? apiResourceList(registry, "", "v1") : apiResourceList(registry, a!, b!);
  };
  const names = (document: unknown) =>
    new Set((document as { resources: Document[] }).resources.map(({ name }) => name));

  for (const path of lists) {
    const ours = served(path);
    if (ours === undefined) continue;
    Deno.test(`discovery lists at ${path} what 1.36 lists, of the resources there are`, () => {
      const expected = recording[path]!;
      const known = names(ours);
      assertEquals(ours, { ...expected, resources: expected.resources.filter(({ name }) => known.has(name)) });
    });
  }

  Deno.test("discovery answers /api as recorded", () => {
    assertEquals(apiVersions("192.0.2.2:16443"), recording["/api"] as unknown);
  });

  Deno.test("discovery lists groups in kube-apiserver's order", () => {
    const ours = apiGroupList(registry) as { groups: Document[] };
    const known = new Set(ours.groups.map(({ name }) => name));
    const expected = recording["/apis"]!;
    const groups = expected.groups.filter(({ name }) => known.has(name));
    if (!known.has("autoscaling") || registry.inGroupVersion("autoscaling", "v2") !== undefined) {
      assertEquals(ours as unknown, { ...expected, groups });
    }
  });

  for (const core of [true, false]) {
    Deno.test(`aggregated discovery of ${core ? "/api" : "/apis"} says what 1.36 says, of the resources there are`, () => {
      type Aggregated = { items: { metadata: { name?: string }; versions: { resources: { resource: string }[] }[] }[] };
      const ours = aggregatedDiscovery(registry, core) as Aggregated;
      const expected = recording[core ? "/api aggregated" : "/apis aggregated"] as unknown as Aggregated;
      const items = ours.items.map(({ metadata, versions }) => {
        const group = expected.items.find((item) => item.metadata.name === metadata.name)!;
        return {
          ...group,
          versions: group.versions.slice(0, versions.length).map((version, index) => {
            const known = new Set(versions[index]!.resources.map(({ resource }) => resource));
            return { ...version, resources: version.resources.filter(({ resource }) => known.has(resource)) };
          }),
        };
      });
      assertEquals(ours, { ...expected, items });
    });
  }
}
