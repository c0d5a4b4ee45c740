import { assertEquals } from "@std/assert";

const root = new URL("../../", import.meta.url).pathname;

const checks: { name: string; args: string[] }[] = [
  { name: "every file is formatted as `deno fmt` leaves it", args: ["fmt", "--check", "--quiet"] },
  { name: "`deno lint` with the house rules finds nothing", args: ["lint", "--quiet"] },
  {
    name: "strict types hold everywhere, with the packages that deno.lock names",
    args: ["check", "--quiet", "--frozen", "."],
  },
  {
    name: "generated files are what their generators make",
    args: ["run", "-A", "--quiet", "tools/generate.ts", "--check"],
  },
];

for (const { name, args } of checks) {
  Deno.test(`house: ${name}`, async () => {
    const command = new Deno.Command(Deno.execPath(), { args, cwd: root, env: { NO_COLOR: "1" } });
    const { success, stdout, stderr } = await command.output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals([success, success ? "" : said.slice(0, 4000)], [true, ""]);
  });
}
