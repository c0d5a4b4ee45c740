/**
 * Builds the inspector's page: see build_page.ts.
 *
 *     deno run -A tools/generate_page.ts [--check]
 */
import { buildPage } from "./build_page.ts";
import { writeOrCheckFolder } from "./write_or_check_folder.ts";

writeOrCheckFolder(new URL("../http/inspector/page/dist/", import.meta.url), await buildPage());
