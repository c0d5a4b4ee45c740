import { assertEquals } from "@std/assert";
import { parsePermissions } from "../../commands/permissions.ts";
import { projectRoot } from "./source_files.ts";

Deno.test("README's plain line gives the cluster the permissions of the table and no others, without an audit log", () => {
  const readme = Deno.readTextFileSync(`${projectRoot}README.md`);
  const line = readme.split("\n").find((text) => text.startsWith("deno run ")) ?? "";
  const given = line.split(" ").filter((word) => /^--(allow|deny|ignore)-/.test(word));
  const table = parsePermissions(Deno.readTextFileSync(`${projectRoot}permissions.txt`)).get("cluster") ?? [];
  assertEquals(given, table.map((flag) => flag.replaceAll("{state}", "$STATE").replace(",{logs}", "")));
});

Deno.test("README links only to files that are there", () => {
  const readme = Deno.readTextFileSync(`${projectRoot}README.md`);
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path!);
  const missing = links.filter((path) => {
    try {
      Deno.statSync(projectRoot + path);
      return false;
    } catch {
      return true;
    }
  });
  assertEquals(missing, []);
});
