/** `/healthz`, `/livez`, `/readyz`: named checks, each also on its own path. */
export interface HealthCheck {
  readonly name: string;
  /** undefined: fine; else what is wrong. */
  check(): string | undefined | Promise<string | undefined>;
}

export interface Health {
  readonly livez: readonly HealthCheck[];
  readonly readyz: readonly HealthCheck[];
}

export async function healthResponse(
  endpoint: "healthz" | "livez" | "readyz",
  path: string,
  query: URLSearchParams,
  { livez, readyz }: Health,
): Promise<Response | undefined> {
  const checks = endpoint === "readyz" ? readyz : livez;
  if (path !== "") {
    const check = checks.find(({ name }) => name === path);
    if (check === undefined) return undefined;
    const problem = await check.check();
    return problem === undefined ? text(200, "ok") : text(500, `internal server error: ${problem}\n`);
  }
  const excluded = new Set(query.getAll("exclude"));
  const lines: string[] = [];
  let failed = false;
  for (const { name, check } of checks) {
    if (excluded.has(name)) {
      lines.push(`[+]${name} excluded: ok`);
      continue;
    }
    const problem = await check();
    failed ||= problem !== undefined;
    lines.push(problem === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`);
  }
  if (failed) return text(500, `${lines.join("\n")}\n${endpoint} check failed\n`);
  return text(200, query.has("verbose") ? `${lines.join("\n")}\n${endpoint} check passed\n` : "ok");
}

function text(status: number, body: string): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
      "cache-control": "no-cache, private",
    },
  });
}
