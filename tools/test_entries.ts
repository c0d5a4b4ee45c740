/**
 * A few entry modules that stand for many test files.
 *
 * `deno test` gives each file an isolate of its own, which takes a quarter of a second of processor time and loads what
 * the file imports anew: of a suite of two hundred files that was more than the tests themselves. Files that share an
 * isolate share what they import, and sanitizers still hold for each test by itself.
 */

/** As many entries as keep several processors busy to the end, and few enough to be cheap. */
const entriesAtMost = 8;

/** The test files below `paths`, without those in or below `ignore`; relative to `root`, in order. */
export function testFiles(root: string, paths: readonly string[], ignore: readonly string[] = []): string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    if (ignore.includes(path)) return;
    if (!Deno.statSync(root + path).isDirectory) {
      found.push(path);
      return;
    }
    for (const { name, isDirectory } of Deno.readDirSync(root + path)) {
      if (isDirectory || name.endsWith("_test.ts")) visit(`${path}/${name}`);
    }
  };
  for (const path of paths) visit(path);
  return found.sort();
}

/**
 * Writes the entries into a directory. Neighbours, which take about as long, are dealt out to different entries; who
 * switches a sanitizer off may leave something behind, and has an entry alone.
 */
export async function writeEntries(root: string, directory: string, name: string, files: readonly string[]) {
  const isAlone = new Set<string>();
  for (const file of files) {
    if (/\bsanitize(Ops|Resources): false/.test(await Deno.readTextFile(root + file))) isAlone.add(file);
  }
  const shared = files.filter((file) => !isAlone.has(file));
  const count = Math.min(entriesAtMost, shared.length);
  const entries = Array.from({ length: count }, (_, entry) => shared.filter((_, index) => index % count === entry));
  for (const [index, entry] of [...entries, ...[...isAlone].map((file) => [file])].entries()) {
    const imports = entry.map((file) => `import ${JSON.stringify(new URL(file, `file://${root}`).href)};\n`);
    await Deno.writeTextFile(`${directory}/${name}_${index + 1}_test.ts`, imports.join(""));
  }
}
