/** The project's own source files, for tests that look at all of them. */

export interface SourceFile {
  /** From the project's root. */
  readonly path: string;
  readonly text: string;
}

export const projectRoot = new URL("../../", import.meta.url).pathname;

const skipped = new Set([".git", "node_modules", "coverage"]);

/** Files below the root whose names end in one of the endings, sorted by path. */
export function sourceFiles(...endings: string[]): SourceFile[] {
  const paths: string[] = [];
  const visit = (folder: string) => {
    for (const { name, isDirectory, isFile } of Deno.readDirSync(projectRoot + folder)) {
      if (skipped.has(name)) continue;
      const path = folder + name;
      if (isDirectory) visit(`${path}/`);
      else if (isFile && endings.some((ending) => name.endsWith(ending))) paths.push(path);
    }
  };
  visit("");
  return paths.sort().map((path) => ({ path, text: Deno.readTextFileSync(projectRoot + path) }));
}

export interface Import {
  readonly from: string;
  /** As written. */
  readonly specifier: string;
  /** From the project's root; undefined for a package. */
  readonly target: string | undefined;
  readonly typeOnly: boolean;
}

const statement = /^\s*(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?["']([^"']+)["']/gm;
const dynamic = /\bimport\(\s*["']([^"']+)["']\s*,?\s*\)/g;

/** Every import and re-export of a file, dynamic ones too. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean) => {
    const target = specifier.startsWith(".") ? new URL(specifier, `file:///${path}`).pathname.slice(1) : undefined;
    found.push({ from: path, specifier, target, typeOnly });
  };
  for (const [, type, specifier] of code.matchAll(statement)) add(specifier!, type !== undefined);
  for (const [, specifier] of code.matchAll(dynamic)) add(specifier!, false);
  return found;
}

/** Comments and text in backquotes may speak of imports without being any. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "").replace(/`(?:\\.|[^`\\])*`/g, "``");
}
