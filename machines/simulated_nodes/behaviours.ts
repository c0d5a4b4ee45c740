/**
 * How pods on simulated nodes behave, as it is declared in a file. The first row that matches a container counts, and
 * what it leaves open is as it is without any: init containers end at once, those of a Job after a second, the others
 * run until they are stopped.
 */
import { type LabelSelector, matchesLabels, parseLabelSelector } from "../objects/label_selector.ts";
import type { Pod } from "../objects/object.ts";
import { parseQuantity } from "../objects/quantity.ts";
import {
  type Duration,
  duration,
  FieldError,
  listOf,
  mapping,
  orWord,
  type Read,
  text,
  textMap,
  wholeNumber,
  yesOrNo,
} from "./fields.ts";

function selector(value: unknown, path: string): LabelSelector {
  try {
    return parseLabelSelector(text(value, path));
  } catch (error) {
    if (error instanceof FieldError) throw error;
    throw new FieldError(path, (error as Error).message);
  }
}

function quantity(value: unknown, path: string): string {
  const amount = typeof value === "string" || typeof value === "number" ? parseQuantity(value) : undefined;
  if (amount === undefined || amount.nano < 0n) throw new FieldError(path, `${JSON.stringify(value)} is no quantity`);
  return String(value);
}

/** The exit code that follows `after`; without `after` at once. */
const exit = mapping({ after: duration, code: wholeNumber(0, 255) });
const ready = mapping({ after: duration, until: duration });

const behaviour = mapping({
  name: text,
  match: mapping({
    namespace: text,
    /** As kubectl takes it: `app=web,tier in (front, back)`. */
    selector,
    /** Without it, all but init containers. */
    container: text,
    /** Kind of the pod's controller. */
    owner: text,
  }),
  pull: mapping({ delay: duration, error: text }),
  startDelay: duration,
  startError: text,
  exit: orWord("never", exit),
  ready: orWord(false, ready),
  ignoresStop: yesOrNo,
  log: text,
});

export type DeclaredBehaviour = ReturnType<typeof behaviour>;

const nodes = mapping({
  cpu: quantity,
  memory: quantity,
  pods: wholeNumber(1, 1000),
  labels: textMap,
  /** Spreads the nodes over so many zones. */
  zones: wholeNumber(1, 1000),
});

const file = mapping({ nodes, behaviours: listOf(behaviour) });

export interface SimulatedWorld {
  readonly nodes: ReturnType<typeof nodes>;
  readonly behaviours: readonly DeclaredBehaviour[];
}

/** @throws FieldError that names the field. */
export const readBehaviours: Read<SimulatedWorld> = (value, path) => {
  const { nodes = {}, behaviours = [] } = value === null || value === undefined ? {} : file(value, path);
  return { nodes, behaviours };
};

const atOnce: Duration = { leastMs: 0, mostMs: 0 };
const aSecond: Duration = { leastMs: 1000, mostMs: 1000 };

/** What a container of a pod does. */
export function behaviourOf({ behaviours }: SimulatedWorld, pod: Pod, container: string): DeclaredBehaviour {
  const init = pod.spec?.initContainers?.find(({ name }) => name === container);
  const isInit = init !== undefined && init.restartPolicy !== "Always";
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.kind;
  const declared = behaviours.find(({ match = {} }) =>
    (match.namespace === undefined || match.namespace === pod.metadata.namespace) &&
    (match.selector === undefined || matchesLabels(match.selector, pod.metadata.labels)) &&
    (match.owner === undefined || match.owner === owner) &&
    (match.container === undefined ? !isInit : match.container === container)
  );
  const usual: DeclaredBehaviour = isInit
    ? { exit: { after: atOnce } }
    : owner === "Job" && init === undefined
    ? { exit: { after: aSecond } }
    : {};
  return { ...usual, ...declared };
}

/** Whether a container that has run for so long is ready. */
export function isReadyAfter({ ready }: DeclaredBehaviour, ms: number, drawnMs: (of: Duration) => number): boolean {
  if (ready === undefined) return true;
  if (ready === false) return false;
  const { after, until } = ready;
  return (after === undefined || ms >= drawnMs(after)) && (until === undefined || ms < drawnMs(until));
}

/**
 * The pod as its simulated kubelet sees it: whose readiness is declared is probed for it, so that its chart goes the
 * way of every probed container.
 */
export function seenPod(world: SimulatedWorld, pod: Pod): Pod {
  if (world.behaviours.every(({ ready }) => ready === undefined)) return pod;
  const containers = (pod.spec?.containers ?? []).map((container) => {
    const probed = behaviourOf(world, pod, container.name).ready !== undefined;
    if (!probed || container.readinessProbe !== undefined) return container;
    return { ...container, readinessProbe: { exec: { command: ["declared"] }, periodSeconds: 1, failureThreshold: 1 } };
  });
  const changed = containers.some((container, index) => container !== pod.spec?.containers?.[index]);
  return changed ? { ...pod, spec: { ...pod.spec!, containers } } : pod;
}
