/** The inspector opens what `chartroom check --format inspector` prints, and steps through it. */
import { assert, assertEquals } from "@std/assert";
import { counterexampleRecording } from "../../commands/counterexample_recording.ts";
import { chartIndex } from "../../http/inspector/page/model/chart_index.ts";
import { standingAt } from "../../http/inspector/page/model/playback.ts";
import { Recording } from "../../http/inspector/page/model/recording.ts";
import { activeLeaves } from "../../machines/chart_names.ts";
import { checkSystem, replaySystem, type SystemModel } from "../../machines/check/check_system.ts";
import { stateKey } from "../../machines/check/state_key.ts";
import { podSystem } from "../../machines/models/pod_system.ts";
import type { ActorDetail, ActorRow, ChartDefinition, ServerMessage } from "../../ports/inspection.ts";
import { shippedMutants } from "../models/shipped_mutants.ts";
import { electionModel } from "../models/check_election_model.ts";

/** What the page has read. */
function opened(text: string) {
  const heard: ServerMessage[] = [];
  const recording = new Recording(text, { message: (message) => void heard.push(message), status() {} });
  const detailOf = (id: string): ActorDetail => {
    recording.send({ type: "subscribe", id });
    return (heard.at(-1) as { detail: ActorDetail }).detail;
  };
  recording.send({ type: "watch" });
  const { machines } = heard.findLast(({ type }) => type === "machines") as {
    machines: Readonly<Record<string, ChartDefinition>>;
  };
  return { recording, detailOf, machines };
}

/** Comes to the end of a pod that another life of its kubelet began. */
function podOfTwoKubelets(): SystemModel {
  const { leadsTo: _, eachStep: _steps, ...model } = podSystem({ crashes: 1, restartPolicy: "Never" });
  return {
    ...model,
    sometimes: {},
    always: {
      "no kubelet that was started again has run a pod to its end": (state) =>
        state.left("crashes") > 0 ||
        !state.locals.some((local) => local.name === "pod" && !local.down && local.is("gone")),
    },
  };
}

const cases: readonly (readonly [string, () => SystemModel])[] = [
  ["a pod that leaves its volumes", shippedMutants.find(({ fault }) => /unmount its volumes/.test(fault))!.system],
  ["a pod whose kubelet dies", podOfTwoKubelets],
  ["a voter that forgets its vote", () => electionModel({ voters: 3, maxTerm: 2, crashes: 1, forgets: true }).model],
];

for (const [name, make] of cases) {
  Deno.test(`the inspector opens a counterexample and stands at each step where the model does: ${name}`, () => {
    const system = make();
    const violation = checkSystem(system).violations.find(({ moves }) => moves.length > 0)!;
    const text = counterexampleRecording(system, { ...violation, model: name, cycle: violation.cycle });
    const { recording, detailOf, machines } = opened(text);
    const played = replaySystem(system, [...violation.moves, ...violation.cycle]);
    assertEquals(recording.to - recording.from, played.length * 1000);
    for (const [index, { state }] of played.entries()) {
      const rows = recording.rowsAt(recording.from + (index + 1) * 1000);
      const told = Object.fromEntries(
        rows.map((row: ActorRow) => [row.name, row.status === "down" ? "down" : row.states]),
      );
      const wanted = Object.fromEntries(
        state.locals.map((local) => [
          local.name,
          local.down ? "down" : activeLeaves(local.snapshot as never).map(({ path }) => path.join(".")),
        ]),
      );
      assertEquals(told, wanted, `step ${index + 1}`);
    }
    let edges = 0;
    for (const local of played.at(-1)!.state.locals) {
      const row = recording.rowsAt(recording.to).find((each) => each.name === local.name)!;
      const chart = machines[row.machine];
      assert(chart !== undefined, `no chart of ${local.name}`);
      const { recent } = detailOf(row.id);
      const { transitions } = chartIndex(chart);
      for (const record of recent) {
        for (const edge of record.edges) assert(transitions.has(edge), `${local.name} has no arrow ${edge}`);
        edges += record.edges.length;
      }
      if (local.down) continue;
      const standing = standingAt(chart, recent, recent.length - 1)!;
      const { context } = local.snapshot as { context: object };
      assertEquals(stateKey(standing.context), stateKey(JSON.parse(JSON.stringify(context))));
      assertEquals(standing.timers.map(({ id }) => id).sort(), local.timers.map(({ id }) => id).sort());
      assertEquals(standing.orders.map(({ type }) => type).sort(), local.outstanding.map(({ type }) => type).sort());
    }
    assert(edges > played.length / 2, `only ${edges} arrows were taken in ${played.length} steps`);
  });
}
