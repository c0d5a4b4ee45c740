import { recorded } from "../oracle.ts";
import { compared, deviations } from "./deviations.ts";
import { normalised } from "./normalise.ts";
import { testApi } from "./test_api.ts";

interface Step {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly response: unknown;
  readonly warning?: string;
}

interface Scenario {
  readonly name: string;
  readonly namespace: string;
  readonly steps: readonly Step[];
}

/** Scenarios about the machinery; the others are compared where their part is tested. */
const names = [
  "strategic merge: containers by name, env by name",
  "json patch operations",
  "apply: ownership, conflict, removal",
  "list: pages and continue",
  "watch: initial events and bookmark",
  "delete: finalizers, grace, propagation",
  "subresources",
  "names and generated names",
  "http surface",
  "eviction and disruption budget",
  "events in both groups",
];

const scenarios = recorded<Scenario[]>("scenarios.json") ?? [];

for (const scenario of scenarios.filter(({ name }) => names.includes(name))) {
  Deno.test(`the API answers as recorded: ${scenario.name}`, async (t) => {
    const test = await testApi();
    const { namespace } = scenario;
    const known = deviations[scenario.name] ?? {};
    let token = "";
    // What the controller manager puts into every namespace.
    await test.request(`/api/v1/namespaces/${namespace}/configmaps`, {
      method: "POST",
      headers: { "user-agent": "kube-controller-manager/v1", "content-type": "application/json" },
      body: JSON.stringify(rootCertificate),
    });
    for (const [index, step] of scenario.steps.entries()) {
      if (typeof step.body === "string" && /^\(\d+ bytes\)$/.test(step.body)) continue;
      const path = step.path.replace("$NS", namespace).replace("$CONTINUE", encodeURIComponent(token));
      const pending = test.request(path, {
        method: step.method,
        headers: { "user-agent": "Deno/2.9.3", "content-type": "application/json", ...step.headers },
        ...(step.body === undefined ? {} : { body: sent(step.body, namespace) }),
      });
      const response = await settled(pending, test.clock);
      const answer = await bodyOf(response, path, test.clock);
      const found = (answer as { metadata?: { continue?: string } }).metadata?.continue;
      if (found !== undefined) token = found;
      const warning = response.headers.get("warning") ?? undefined;
      const actual = { code: response.status, answer: normalised(answer, namespace), warning };
      const expected = { code: step.code, answer: normalised(step.response, namespace), warning: step.warning };
      await t.step(`${index} ${step.method} ${step.path}`, () => compared(actual, expected, known[index]));
    }
    test.stop();
  });
}

function sent(body: unknown, namespace: string): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return text.replaceAll("$NS", namespace);
}

/** The answer; time passes only when nothing else goes on (a read that waits for a revision). */
async function settled(pending: Promise<Response>, clock: { advance(ms: number): void }): Promise<Response> {
  let done = false;
  const finish = () => void (done = true);
  pending.then(finish, finish);
  for (let turn = 0; !done; turn++) {
    if (turn === 50) clock.advance(5_000);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return await pending;
}

/** The parsed answer; a watch's lines, once its time is over. */
async function bodyOf(response: Response, path: string, clock: { advance(ms: number): void }): Promise<unknown> {
  const seconds = /timeoutSeconds=(\d+)/.exec(path)?.[1];
  const watches = seconds !== undefined && response.status === 200;
  if (watches) clock.advance(Number(seconds) * 1000);
  const text = await response.text();
  if (!(response.headers.get("content-type") ?? "").includes("json")) return text;
  if (!watches) return JSON.parse(text);
  const events = text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  return events.length === 1 ? events[0] : events;
}

const rootCertificate = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name: "kube-root-ca.crt",
    annotations: {
      "kubernetes.io/description":
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as " +
        "the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of " +
        "Kubernetes clusters.",
    },
  },
  data: { "ca.crt": "<certificate>" },
};
