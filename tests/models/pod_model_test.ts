import { assertEquals } from "@std/assert";
import { exploreMachine, type Situation } from "../../machines/check/explore_machine.ts";
import { type PodEvent, type PodInput, podMachine } from "../../machines/pod/pod_machine.ts";
import type { Standing } from "../../machines/pod/standing.ts";

type At = Situation<typeof podMachine>;

const base: PodInput = {
  inits: [{ name: "init", sidecar: false }],
  apps: ["app"],
  restartPolicy: "Always",
  graceMs: 30_000,
  found: { sandbox: "none", initialized: false },
};
const inputs: PodInput[] = [
  base,
  { ...base, restartPolicy: "Never", deadlineMs: 60_000, inits: [{ name: "side", sidecar: true }] },
  { ...base, found: { sandbox: "up", initialized: true } },
  { ...base, found: { sandbox: "dead", initialized: true } },
  { ...base, found: { sandbox: "none", initialized: false, phase: "Succeeded" } },
  { ...base, found: { sandbox: "none", initialized: false, phase: "Failed" } },
  { ...base, inits: [], apps: [], found: { sandbox: "up", initialized: true, orphan: true } },
];

const standingOf = (at: At, name: string): Standing => at.snapshot.context.standing[name] ?? "idle";
const ordered = (at: At, type: string) => at.orders.filter((order) => order.type === type);
const namesIn = (at: At, type: string) =>
  ordered(at, type).flatMap(({ params }) => (params as { names: string[] }).names);

/** What a container's actor may say, given what it was told. */
function containerFacts(at: At): PodEvent[] {
  const { inits, apps } = at.snapshot.context;
  const facts: PodEvent[] = [];
  for (const name of [...inits.map(({ name }) => name), ...apps]) {
    const standing = standingOf(at, name);
    const sidecar = inits.some((init) => init.name === name && init.sidecar);
    const stopping = JSON.stringify(at.snapshot.value).includes("mains") ||
      JSON.stringify(at.snapshot.value).includes('sidecar"');
    if (standing === "asked") facts.push({ type: "container.started", name });
    if ((standing === "asked" || standing === "up") && !sidecar) {
      facts.push({ type: "container.completed", name }, { type: "container.failed", name });
    }
    if (stopping && standing !== "stopped" && standing !== "completed" && standing !== "failed") {
      facts.push({ type: "container.stopped", name });
    }
  }
  return facts;
}

Deno.test("podMachine keeps init order, leaves nothing behind, and never goes back", () => {
  const found = exploreMachine(podMachine, {
    inputs,
    events: (at): PodEvent[] => [
      ...containerFacts(at),
      { type: "sandbox.died" },
      { type: "pod.deletionAsked", graceMs: 30_000 },
      { type: "pod.deletionAsked", graceMs: 1_000 },
      { type: "pod.objectRemoved" },
    ],
    terminal: ["active.running", "active.initializing.waiting", "succeeded.released", "failed.released"],
    always: {
      "gone leaves nothing under way on the node": (at) =>
        !at.snapshot.matches("gone") || at.outstanding.every(({ type }) => type === "deleteObject"),
      "the object is deleted only when nothing runs": (at) =>
        !at.snapshot.matches({ terminating: "deleting" }) ||
        Object.values(at.snapshot.context.standing).every((each) => each !== "asked" && each !== "up"),
    },
    eachStep: {
      "app containers start after every init container": ({ after }) =>
        !namesIn(after, "startContainers").includes("app") ||
        after.snapshot.context.inits.every(({ name, sidecar }) =>
          standingOf(after, name) === "completed" || (sidecar && standingOf(after, name) === "up") ||
          after.snapshot.context.found.initialized
        ),
      "containers are told to start only with a sandbox and volumes": ({ before, after }) =>
        namesIn(after, "startContainers").length === 0 || before.snapshot.matches("active"),
      "an ended pod does not run again": ({ before, after }) =>
        !(before.snapshot.matches("succeeded") || before.snapshot.matches("failed")) ||
        !(after.snapshot.matches("active") || namesIn(after, "startContainers").length > 0),
      "a pod that is going never comes back": ({ before, after }) =>
        !before.snapshot.matches("terminating") || after.snapshot.matches("terminating") ||
        after.snapshot.matches("gone"),
      "the grace never grows": ({ before, after }) =>
        !before.snapshot.matches("terminating") || after.snapshot.context.graceMs <= before.snapshot.context.graceMs,
      "the sandbox goes only when the containers have ended": ({ after }) =>
        ordered(after, "removeSandbox").length === 0 ||
        Object.values(after.snapshot.context.standing).every((each) => each !== "asked" && each !== "up") ||
        after.snapshot.matches("active"),
    },
    sometimes: {
      "runs": (at) => at.snapshot.matches({ active: "running" }),
      "is gone": (at) => at.snapshot.matches("gone"),
    },
    // Composed by XState: nobody counts their outcomes.
    maxStates: 200_000,
  });
  assertEquals(found.problems, []);
});
