/**
 * Builds the inspector's page into http/inspector/page/dist: the page's script and the layout engine's worker by the
 * bundler that comes with Deno, the style, and the page itself. What is built is committed: a cluster starts without a
 * network and with few permissions, and a bundler at its first start would need more of both.
 *
 *     deno run -A tools/generate_page.ts [--check]
 */
import { chartColours, chartRules } from "../http/inspector/page/chart/chart_style.ts";

const page = new URL("../http/inspector/page/", import.meta.url);

/** The files of dist, layouts aside. */
export async function buildPage(): Promise<Record<string, string>> {
  const style = await Deno.readTextFile(new URL("page_style.css", page));
  return {
    "index.html": await Deno.readTextFile(new URL("page.html", page)),
    "icon.svg": await Deno.readTextFile(new URL("icon.svg", page)),
    "page.css": `${chartColours}\n${chartRules}\n${style}`,
    "page.js": await bundle("main.tsx"),
    "layout_worker.js": await bundle("layout_worker.ts"),
  };
}

async function bundle(entry: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "chartroom-page-" });
  try {
    const output = `${folder}/bundle.js`;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "bundle",
        "--quiet",
        "--platform=browser",
        "--minify",
        `--output=${output}`,
        new URL(entry, page).pathname,
      ],
      cwd: page.pathname,
      stdin: "null",
    }).output();
    if (!success) throw new Error(`Cannot bundle ${entry}: ${new TextDecoder().decode(stderr)}`);
    return await Deno.readTextFile(output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
