import configuration from "../deno.json" with { type: "json" };
import { version } from "../http/machinery/version.ts";

export function printVersion(): void {
  console.log(`chartroom ${configuration.version}`);
  console.log(`Kubernetes API ${version.gitVersion}`);
  console.log(`Deno ${Deno.version.deno}`);
}
