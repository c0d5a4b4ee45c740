/** How generated files are written, and how `--check` finds one that is out of date. */
export function writeOrCheck(target: URL, text: string): void {
  const name = target.pathname.split("/").at(-1) ?? "";
  if (!Deno.args.includes("--check")) {
    Deno.writeTextFileSync(target, text);
    console.log(`${name}: ${text.length} characters written`);
    return;
  }
  if (Deno.readTextFileSync(target) !== text) {
    console.error(`Cannot accept ${name}: it differs from what its sources make; run the generator`);
    Deno.exitCode = 1;
    return;
  }
  console.log(`${name}: up to date`);
}

/**
 * A module that holds JSON as one text: cheap to load and to check, parsed by whoever needs it, and left alone by the
 * formatter.
 */
export function jsonModule(name: string, purpose: string, json: string): string {
  if (json.includes("`") || json.includes("${")) throw new Error(`Cannot make module ${name}: its text needs escapes`);
  return `// deno-fmt-ignore-file\n/** ${purpose} Generated: see tools/. */\nexport const ${name} = String.raw\`${json}\`;\n`;
}
