/**
 * Runs every generator, `tools/generate_*.ts`.
 *
 *     deno run -A tools/generate.ts [--check]
 *
 * With `--check` nothing is written: a file that differs from what its sources make is an error.
 */
const folder = new URL("./", import.meta.url).pathname;
const generators = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
  /^generate_\w+\.ts$/.test(name)
);

/** Made before the others, which read what they make. */
const first = ["generate_layouts.ts"];
const rank = (name: string): number => first.includes(name) ? 0 : 1;

for (const name of generators.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))) {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", folder + name, ...Deno.args],
    stdin: "null",
  }).spawn().status;
  if (!success) {
    console.error(`Cannot generate: ${name} failed`);
    Deno.exitCode = 1;
  }
}
