/** A folder of which every file is generated: what is no longer made is removed, or found by `--check`. */
export function writeOrCheckFolder(folder: URL, files: Readonly<Record<string, string>>): void {
  const check = Deno.args.includes("--check");
  const name = folder.pathname.split("/").at(-2) ?? "";
  if (!check) Deno.mkdirSync(folder, { recursive: true });
  const there = [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map((entry) => entry.name);
  const extra = there.filter((file) => !(file in files));
  const different = Object.entries(files)
    .filter(([file, text]) => !there.includes(file) || Deno.readTextFileSync(new URL(file, folder)) !== text)
    .map(([file]) => file);
  if (check) {
    if (extra.length + different.length === 0) return console.log(`${name}: up to date`);
    console.error(`Cannot accept ${name}: ${[...different, ...extra].join(", ")} differ; run the generator`);
    Deno.exitCode = 1;
    return;
  }
  for (const file of extra) Deno.removeSync(new URL(file, folder));
  for (const file of different) Deno.writeTextFileSync(new URL(file, folder), files[file]!);
  console.log(`${name}: ${different.length} files written, ${extra.length} removed`);
}
