/** The command line. Every command is loaded when it is called for, so that `--help` is instant and `up` starts fast. */
import { createProgram } from "./commands/program.ts";

try {
  await createProgram().parseAsync(Deno.args, { from: "user" });
} catch (error) {
  const { message, stack } = error as Error;
  console.error(Deno.env.get("DEBUG") ? stack : `chartroom: ${message}`);
  Deno.exit(1);
}
