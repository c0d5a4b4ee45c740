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

for (const name of generators.sort()) {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", folder + name, ...Deno.args],
    stdin: "null",
  }).spawn().status;
  if (!success) {
    console.error(`Cannot generate: ${name} failed`);
    Deno.exitCode = 1;
  }
}
