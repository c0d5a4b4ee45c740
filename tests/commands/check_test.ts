/** What `chartroom check` finds is real: live actors go the same way, and people can read it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { chooseModels } from "../../commands/check.ts";
import { replayLive } from "../../commands/replay_live.ts";
import { checkSystem } from "../../machines/check/check_system.ts";
import { mermaidOf, svgOf } from "../../machines/check/sequence.ts";
import { podSystem } from "../../machines/models/pod_system.ts";
import { shippedMutants } from "../models/shipped_mutants.ts";

const sample = shippedMutants.filter(({ model }) => /never|inits|crash|probes|shorter|adopted|shared/.test(model));

for (const { fault, system } of sample) {
  Deno.test(`live actors go the way of the counterexample: ${fault}`, () => {
    const model = system();
    const violation = checkSystem(model).violations.find(({ moves }) => moves.length > 0);
    assert(violation !== undefined, "nothing was found");
    // Through a file and back.
    const { moves, cycle } = JSON.parse(JSON.stringify(violation)) as typeof violation;
    const { lines, parted } = replayLive(model, [...moves, ...cycle]);
    assertEquals(parted, undefined, lines.join("\n"));
    assertEquals(lines.length, moves.length + cycle.length);
  });
}

Deno.test("live actors that go another way are told apart at the step where they do", () => {
  const { system } = shippedMutants.find(({ fault }) => fault.includes("takes every end for a good one"))!;
  const [violation] = checkSystem(system()).violations;
  // The same run on the charts that ship: their model does not go there, and says so.
  assertThrows(() => replayLive(podSystem({ restartPolicy: "Always" }), violation!.moves), Error, "Cannot replay");
});

Deno.test("a run of the pod through a crash of its kubelet goes the same way on live actors", () => {
  const model = podSystem({ crashes: 1, inits: [{ name: "init", sidecar: false }], restartPolicy: "Never" });
  const found = checkSystem({
    ...model,
    leadsTo: {},
    always: {
      "no kubelet that was started again has run a pod to its end": (state) =>
        state.left("crashes") > 0 ||
        !state.locals.some((local) => local.name === "pod" && !local.down && local.is("gone")),
    },
    sometimes: {},
    eachStep: {},
  });
  const [violation] = found.violations;
  assert(violation!.moves.some((move) => move.do === "restart"), "the shortest run has no restart in it");
  assertEquals(replayLive(model, violation!.moves).parted, undefined);
});

Deno.test("a counterexample is told as a sequence diagram, in Mermaid and as SVG", () => {
  const { system } = shippedMutants.find(({ fault }) => fault.includes("does not unmount its volumes"))!;
  const model = system();
  const violation = checkSystem(model).violations.find(({ moves }) => moves.length > 0);
  const mermaid = mermaidOf(model, violation!);
  assertEquals(mermaid.split("\n").slice(0, 4), [
    "sequenceDiagram",
    "  participant p0 as pod",
    "  participant p1 as app",
    "  participant p2 as runtime",
  ]);
  assert(mermaid.includes("p0->>p2: sandbox.createAsked"), mermaid);
  const svg = svgOf(model, violation!);
  assert(svg.startsWith("<svg ") && svg.trimEnd().endsWith("</svg>") && svg.includes("sandbox.createAsked"));
  const open = [...svg.matchAll(/<(text|line|rect|circle)\b/g)].length;
  assert(open > violation!.moves.length, `only ${open} marks for ${violation!.moves.length} steps`);
});

Deno.test("chooseModels finds models by name and by what names begin with, and says which there are", () => {
  assertEquals(chooseModels("pod/crash", false).map(({ name }) => name), ["pod/crash"]);
  assert(chooseModels("pod", false).length > 5);
  assert(chooseModels("pod", true).length > chooseModels("pod", false).length);
  assertThrows(() => chooseModels("nothing", false), Error, 'Cannot check "nothing"');
});
