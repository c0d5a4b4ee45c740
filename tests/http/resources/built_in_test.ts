import { assertEquals } from "@std/assert";
import type { Resource } from "../../../http/machinery/types.ts";
import { builtInResources } from "../../../http/resources/built_in.ts";
import { readOracle } from "./recordings.ts";

interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

type Discovery = Readonly<Record<string, { readonly resources?: readonly ApiResource[] }>>;

const pathOf = ({ group, version }: Resource): string => group === "" ? `/api/${version}` : `/apis/${group}/${version}`;

/** What discovery says of a row and its subresources. */
function entries(resource: Resource): ApiResource[] {
  const { resource: name, singular: singularName, namespaced, kind, shortNames, categories } = resource;
  const own: ApiResource = {
    name,
    singularName,
    namespaced,
    kind,
    verbs: [...resource.verbs].sort(),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
  const subresources = Object.entries(resource.subresources).map(([sub, { verbs, kind: other }]) => ({
    name: `${name}/${sub}`,
    singularName: "",
    namespaced,
    kind: other?.kind ?? kind,
    ...(other !== undefined && other.group !== resource.group ? { group: other.group, version: other.version } : {}),
    verbs: [...verbs].sort(),
  }));
  return [own, ...subresources];
}

const byName = (a: ApiResource, b: ApiResource): number => a.name < b.name ? -1 : 1;

const discovery = readOracle<Discovery>("discovery.json");
for (const [path, { resources }] of Object.entries(discovery ?? {})) {
  if (resources === undefined) continue;
  Deno.test(`the table has the recorded server's resources of ${path}`, () => {
    const here = builtInResources.filter((resource) => pathOf(resource) === path).flatMap(entries).sort(byName);
    const recorded = resources.map((
      { name, singularName, namespaced, kind, group, version, verbs, shortNames, categories },
    ) => ({
      name,
      singularName,
      namespaced,
      kind,
      ...(group === undefined ? {} : { group }),
      ...(version === undefined ? {} : { version }),
      verbs: [...verbs].sort(),
      ...(shortNames === undefined ? {} : { shortNames }),
      ...(categories === undefined ? {} : { categories }),
    }));
    assertEquals(here, recorded.sort(byName));
  });
}

Deno.test("the table has 68 resources in 22 group-versions, each once", () => {
  const names = builtInResources.map((resource) => `${pathOf(resource)}/${resource.resource}`);
  assertEquals(names.length, 68);
  assertEquals(new Set(names).size, 68);
  assertEquals(new Set(builtInResources.map(pathOf)).size, 22);
});
