/** The recorded scenarios of who gets in and what is let in, against the whole API with its real rights and plugins. */
import { assertEquals } from "@std/assert";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { normalised } from "../machinery/normalise.ts";
import { recorded } from "../oracle.ts";
import { world } from "./world.ts";

interface Step {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly response: unknown;
  readonly warning?: string;
}

/** Steps that are answered differently, each with its reason. */
const clusterIPs = "the row of services fills in clusterIPs before fields get their owners";
const deviations: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  "services: addresses and ports": { 0: clusterIPs, 8: clusterIPs },
  "authentication and authorization": {
    13: "reviews are not given managed fields here: nobody stores them",
    14: "the order of rules follows the order of bindings, which is the server's own",
  },
  "pod admission: priority, runtime class, security, service account": {
    8: "the recorded server was started without --allow-privileged",
  },
};

const names = [
  "services: addresses and ports",
  "authentication and authorization",
  "pod admission: priority, runtime class, security, service account",
  "validating admission policy",
  "eviction and disruption budget",
];
const scenarios = recorded<{ name: string; namespace: string; steps: Step[] }[]>("scenarios.json") ?? [];

for (const { name, namespace, steps } of scenarios.filter((one) => names.includes(one.name))) {
  Deno.test(`who and what is let in is as recorded: ${name}`, async (t) => {
    const { app, stop, clock } = await world(namespace);
    for (const [index, step] of steps.entries()) {
      if (step.method === "SLEEP") continue;
      const path = step.path.replaceAll("$NS", namespace);
      const pending = Promise.resolve(app.request(path, {
        method: step.method,
        headers: {
          "user-agent": "Deno/2.9.3",
          "content-type": "application/json",
          authorization: "Bearer root",
          ...step.headers,
        },
        ...(step.body === undefined ? {} : { body: JSON.stringify(step.body).replaceAll("$NS", namespace) }),
      }));
      const response = await settled(pending, clock);
      const text = await response.text();
      const type = response.headers.get("content-type") ?? "";
      const answer = type.includes("json") ? JSON.parse(text) : text;
      // The copies that admission reads are a moment behind the store.
      for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
      if (deviations[name]?.[index] !== undefined) continue;
      await t.step(`${index} ${step.method} ${step.path}`, () => {
        const found = { code: response.status, answer: comparable(answer, namespace) };
        assertEquals(found, { code: step.code, answer: comparable(step.response, namespace) });
      });
    }
    stop();
  });
}

/** Time passes only when nothing else goes on. */
async function settled(pending: Promise<Response>, clock: ManualClock): Promise<Response> {
  let done = false;
  const finish = () => void (done = true);
  pending.then(finish, finish);
  for (let turn = 0; !done; turn++) {
    if (turn > 0 && turn % 50 === 0) clock.advance(1_000);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return await pending;
}

/** Without what the server drew: addresses, ports, names of volumes. */
function comparable(value: unknown, namespace: string): unknown {
  const text = JSON.stringify(normalised(value, namespace));
  return JSON.parse(
    text.replace(/10\.0\.(?!77\.)\d+\.\d+/g, "<address>").replace(/"nodePort":(?!30777)\d+/g, '"nodePort":0'),
  );
}
