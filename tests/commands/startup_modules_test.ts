/** What a cluster loads before it listens: packages that it needs later, or perhaps never, must wait. */
import { assertEquals } from "@std/assert";

interface Graph {
  readonly roots: readonly string[];
  readonly redirects?: Readonly<Record<string, string>>;
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier?: string };
    }[];
  }[];
}

/** Packages that are loaded with a file, those left out that wait for an `import()`. */
async function packagesOf(file: string): Promise<string[]> {
  const path = new URL(`../../${file}`, import.meta.url).pathname;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", path], stderr: "null" })
    .output();
  const graph = JSON.parse(new TextDecoder().decode(stdout)) as Graph;
  const modules = new Map(graph.modules.map((module) => [module.specifier, module]));
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    const meant = graph.redirects?.[specifier] ?? specifier;
    if (seen.has(meant)) return;
    seen.add(meant);
    for (const { isDynamic, code } of modules.get(meant)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier !== undefined) visit(code.specifier);
    }
  };
  graph.roots.forEach(visit);
  const names = [...seen].flatMap((specifier) => /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(specifier)?.[1] ?? []);
  return [...new Set(names)].sort();
}

const starts: { file: string; packages: string[] }[] = [
  { file: "main.ts", packages: ["commander"] },
  // Of `kubernetes-models` one small file each, to know where on disk the rest lies.
  {
    file: "commands/single_process.ts",
    packages: [
      "@kubernetes-models/apimachinery",
      "@marcbachmann/cel-js",
      "hono",
      "kubernetes-models",
      "protobufjs",
      "xstate",
      "yaml",
    ],
  },
  { file: "commands/split.ts", packages: ["xstate"] },
  { file: "commands/down.ts", packages: [] },
];

for (const { file, packages } of starts) {
  Deno.test(`${file} loads few packages before anything is asked of them`, async () => {
    assertEquals(await packagesOf(file), packages);
  });
}
