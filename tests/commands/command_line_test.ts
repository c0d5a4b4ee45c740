import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { completionScript } from "../../commands/completion.ts";
import { parsePermissions, permissionFlags } from "../../commands/permissions.ts";
import { ClusterState } from "../../commands/cluster_state.ts";
import { createProgram } from "../../commands/program.ts";

const program = createProgram();
const visible = program.commands.map((command) => [command.name(), command] as const);

for (const [name, command] of visible) {
  Deno.test(`chartroom ${name} --help says what it does and what each option means`, () => {
    const help = command.helpInformation();
    assert(command.description().length > 10, `"${name}" has no description`);
    for (const option of command.options) {
      assert(option.description.length > 10, `"${name} ${option.long}" has no description`);
      assertEquals(help.includes(option.long ?? ""), !option.hidden);
    }
    for (const argument of command.registeredArguments) {
      assert(argument.description.length > 5, `"${name} <${argument.name()}>" has no description`);
    }
    // A page: what is wider than a terminal is not read.
    for (const line of help.split("\n")) assert(line.length <= 100, `"${line}" is too wide`);
  });
}

/** What bash offers after a line, by really asking it. */
async function completions(line: string): Promise<string[]> {
  const script = `${completionScript(program, "bash")}
    words=($1); [ "\${1% }" = "$1" ] || words+=("")
    COMP_WORDS=("\${words[@]}"); COMP_CWORD=$((\${#words[@]} - 1)); COMPREPLY=()
    _chartroom
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, success } = await new Deno.Command("bash", { args: ["-c", script, "bash", line] }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((word) => word !== "").sort();
}

const offered: [line: string, words: string[]][] = [
  ["chartroom d", ["down"]],
  ["chartroom up --de", ["--detach"]],
  ["chartroom up --runtime ", ["docker", "simulated"]],
  ["chartroom up --runtime s", ["simulated"]],
  ["chartroom completion ", ["bash", "fish", "zsh"]],
  ["chartroom up --role", []],
  ["chartroom up --nodes ", []],
];
for (const [line, words] of offered) {
  Deno.test(`bash completes "${line}"`, async () => {
    assertEquals(await completions(line), words);
  });
}

Deno.test("bash completes commands and kinds", async () => {
  const all = await completions("chartroom ");
  for (const [name] of visible) assert(all.includes(name), name);
  assert((await completions("chartroom explain ")).includes("pod"));
});

Deno.test("completions for fish and zsh name every command and visible option", () => {
  const fish = completionScript(program, "fish");
  assertStringIncludes(completionScript(program, "zsh"), "bashcompinit");
  for (const [name, command] of visible) {
    assertStringIncludes(fish, `-a ${name} `);
    for (const { long, hidden } of command.options) {
      assertEquals(fish.includes(`-l ${long!.slice(2)} `), !hidden || false);
    }
  }
});

Deno.test("permissionFlags fills places in, and doubles commas in paths", async () => {
  const flags = await permissionFlags("client", new ClusterState("a", "/tmp/a, b"));
  assert(flags.some((flag) => /^--allow-read=\/tmp\/a,, b(,\/|$)/.test(flag)), flags.join(" "));
});

Deno.test("no role but the tests' has all permissions, or all of one kind without need", async () => {
  const roles = parsePermissions(await Deno.readTextFile(new URL("../../permissions.txt", import.meta.url)));
  const wide = [...roles].flatMap(([role, flags]) =>
    flags.filter((flag) => /^--allow-(all|run|write|ffi|env|sys|import|net|read)$/.test(flag)).map((flag) =>
      `${role} ${flag}`
    )
  );
  assertEquals(wide, [
    // Probes, webhooks, forwarded names: wherever pods and people say.
    "cluster --allow-net",
    "cluster --allow-read",
    "master --allow-net",
    "node --allow-net",
    "node --allow-read",
    "worker --allow-net",
    "worker --allow-read",
    "joined --allow-net",
    "tools --allow-all",
  ]);
  for (const [role, flags] of roles) {
    if (role !== "tools") assert(flags.includes("--ignore-env"), `${role} sees the whole environment`);
  }
});
