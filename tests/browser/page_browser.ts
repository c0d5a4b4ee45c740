/** A browser for tests of the inspector's page. */
import { type Browser, chromium, type Page } from "playwright-core";
import axe from "axe-core";

export interface View {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
}

export function openBrowser(): Promise<Browser> {
  const named = Deno.env.get("CHROME");
  const root = Deno.uid() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: named || findChromium(), args: [...root, "--disable-dev-shm-usage"] });
}

/** The first that is there; the suite has made sure that one is. */
function findChromium(): string {
  for (const name of ["chromium", "google-chrome", "chromium-browser"]) {
    const { success, stdout } = new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).outputSync();
    if (success) return new TextDecoder().decode(stdout).trim();
  }
  throw new Error("Cannot open a browser: there is no Chromium on the PATH");
}

/** A page, and everything that it complained of. */
export async function openPage(
  browser: Browser,
  { width = 1280, height = 900, scheme = "light" }: View = {},
): Promise<{ page: Page; complaints: string[]; hosts: Set<string> }> {
  const viewport = { width, height };
  const context = await browser.newContext({ viewport, colorScheme: scheme, ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  return { page, complaints, hosts };
}

export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((next) => (globalThis as unknown as { location: { hash: string } }).location.hash = next, hash);
}

/** What axe-core finds, one line each. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    }).axe.run()
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 200)}`)
  );
}
