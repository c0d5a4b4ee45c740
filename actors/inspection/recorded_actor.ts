/** An actor that is only known from what was recorded or told of it: its detail, as far as that goes. */
import { duration } from "../../machines/explain_words.ts";
import type {
  ActorDetail,
  ActorRow,
  ChartDefinition,
  ChartState,
  ChartTransition,
  Json,
  TransitionRecord,
} from "../../ports/inspection.ts";

export function recordedDetail(
  row: ActorRow,
  chart: ChartDefinition | undefined,
  recent: readonly TransitionRecord[],
  wallTime: number,
  context: Json = null,
): ActorDetail {
  const states = chart === undefined ? [] : activeStates(chart.root, row.states);
  const transitions = row.status === "active" ? states.flatMap((state) => state.transitions) : [];
  const events = transitions.filter(({ kind }) => kind === "event");
  return {
    row,
    context,
    timers: [],
    orders: [],
    recent,
    explanation: {
      says: row.says === undefined ? [] : [row.says],
      where: row.states.map((path) => ({
        state: path || "(root)",
        description: states.find((state) => state.path === path)?.description ?? "",
      })),
      why: recent.slice(-1).map(({ event }) => `${event.type} led here`),
      since: duration(wallTime - row.since),
      waitsFor: [],
      movesOn: transitions.filter(({ targets }) => targets.length > 0).map(inWords),
    },
    possible: events.map(({ on, targets, guard }) => ({
      type: on,
      expected: false,
      targets,
      ...(guard === undefined ? {} : { guard }),
    })),
    children: [],
  };
}

function inWords({ label, guard, targets }: ChartTransition): string {
  return `${label}${guard === undefined ? "" : ` if "${guard}"`}: to ${targets.join(", ")}`;
}

/** The active states and those around them, innermost first. */
export function activeStates(root: ChartState, paths: readonly string[]): ChartState[] {
  const found: ChartState[] = [];
  const visit = (state: ChartState) => {
    for (const child of state.states) visit(child);
    if (state.path === "" || paths.some((path) => path === state.path || path.startsWith(`${state.path}.`))) {
      found.push(state);
    }
  };
  visit(root);
  return found;
}
