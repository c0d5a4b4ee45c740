/**
 * Chartroom's framework, for actors of your own: statecharts that decide, performers that act, time and chance through
 * ports, an explorer that proves things about the very machines that run, and inspection that says why.
 *
 * ```ts
 * import { actorKind, ActorSystem, address, effect, exploreMachine, realClock } from "@chartroom/chartroom";
 * ```
 *
 * `docs/actors.md` explains it; `examples/door/` is a small actor from its chart to its proof.
 *
 * @module
 */

// What an actor is: a machine that orders work and hears back by facts.
export { effect, type EffectDeclaration, type Effects, effectsOf } from "./machines/effect.ts";
export {
  type Edge,
  edgesOf,
  firstStep,
  type GuardOutcome,
  type Order,
  type Step,
  step,
  type TimerChange,
} from "./machines/step.ts";

// Running it.
export {
  type ActorHandle,
  type ActorKind,
  actorKind,
  type ActorReport,
  ActorSystem,
  type Address,
  address,
  displayAddress,
  type OrderContext,
  partsOf,
  type Performers,
  type SpawnOptions,
} from "./actors/system.ts";

// Looking inside while it runs.
export type { Cause, Counters, Incident, Inspection, Observer, Transition } from "./actors/system.ts";
export { type ActorStanding, explain, explainInWords, type Explanation } from "./machines/explain.ts";

// Proving things about it.
export { BrokenRule, type Exploration, explore, type Model, replay, TooManyStates } from "./machines/check/explore.ts";
export {
  type ArmedTimer,
  exploreMachine,
  type FactTable,
  type MachineChoice,
  type MachineExploration,
  type MachineWorld,
  type Moment,
  type Situation,
} from "./machines/check/explore_machine.ts";

// Proving things about several of them, with a network that loses and a process that dies.
export {
  checkSystem,
  type Played,
  replaySystem,
  sayMove,
  systemActor,
  type SystemCheck,
  type SystemModel,
  type Violation,
} from "./machines/check/check_system.ts";
export { describeCheck } from "./machines/check/check_report.ts";
export { checkInWorkers, type InWorkers } from "./actors/check/check_in_workers.ts";
export type { ModelSource } from "./actors/check/worker_messages.ts";
export { type Linearization, linearize, type Operation, type SequentialSpec } from "./machines/check/linearize.ts";

// The world as interfaces, for real and under one seed.
export type { Clock, Wake } from "./ports/clock.ts";
export type { Random } from "./ports/random.ts";
export type { PeerEndpoint, Transport, TransportReceiver } from "./ports/transport.ts";
export { realClock } from "./actors/real/real_clock.ts";
export { realRandom } from "./actors/real/real_random.ts";
export { ManualClock } from "./actors/simulated/manual_clock.ts";
export { SimulatedClock } from "./actors/simulated/simulated_clock.ts";
export { SimulatedRandom } from "./actors/simulated/simulated_random.ts";
export { type NetworkFaults, SimulatedNetwork, soundNetwork } from "./actors/simulated/simulated_transport.ts";
