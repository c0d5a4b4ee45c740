/**
 * An actor system as a source of the inspection stream.
 *
 * The event path only counts and remembers who has changed; rows and records are made when their turn has come, at most
 * ten times a second for each actor. While nobody has opened it, it is not even told.
 */
import type { AnyStateMachine } from "xstate";
import { chartOf, machineKey } from "../../machines/chart/describe_chart.ts";
import {
  type ActorId,
  type ActorRow,
  type ChartDefinition,
  coalesceMs,
  type IncidentRecord,
  type Json,
  type StepRecord,
  type TransitionRecord,
} from "../../ports/inspection.ts";
import type { Wake } from "../../ports/clock.ts";
import type { ActorSystem, Address, Incident, Inspection, Transition } from "../system.ts";
import { type ActorTally, detailOf, incidentOf, newTally, problemsOf, recordOf, rowOf } from "./actor_rows.ts";
import type { InspectionSource, ObjectQuestion, SourceSink, Wanted } from "./inspection_source.ts";

export interface SystemSourceOptions {
  readonly system: ActorSystem;
  /** The process' name: `master-0`. */
  readonly name: string;
}

/** Records that wait for their turn; those beyond are counted and dropped. */
const waitingAtMost = 20_000;
const incidentsAtMost = 1_000;
/** Problems come with time too: so many actors are looked at anew each second. */
const lookedAtPerSecond = 1_000;
const nothing: Wanted = { allRecords: false, ids: new Set() };

export class SystemSource implements InspectionSource {
  readonly name: string;
  readonly #options: SystemSourceOptions;
  #sink: SourceSink | undefined;
  #stopInspecting = () => {};
  #wanted = nothing;
  #tallies = new Map<Address, ActorTally>();
  #rows = new Map<Address, ActorRow>();
  #machines = new Set<string>();
  #dirty = new Set<Address>();
  #waiting: Transition[] = [];
  #dropped = 0;
  #incidents: IncidentRecord[] = [];
  #incidentsDropped = 0;
  #tick: Wake | undefined;
  #look: Wake | undefined;
  #toLookAt: Address[] = [];

  constructor(options: SystemSourceOptions) {
    this.#options = options;
    this.name = options.name;
  }

  open(sink: SourceSink): void {
    if (this.#sink !== undefined) throw new Error(`Cannot open inspection of "${this.name}": it is open`);
    const { system } = this.#options;
    this.#sink = sink;
    this.#stopInspecting = system.inspect((inspection) => this.#hear(inspection));
    for (const id of system.addresses()) this.#dirty.add(id);
    sink.heard(undefined);
    this.#flush();
    this.#scheduleLook();
  }

  close(): void {
    this.#stopInspecting();
    this.#tick?.cancel();
    this.#look?.cancel();
    this.#sink = this.#tick = this.#look = undefined;
    this.#wanted = nothing;
    this.#tallies.clear();
    this.#rows.clear();
    this.#machines.clear();
    this.#dirty.clear();
    this.#waiting = [];
    this.#incidents = [];
    this.#toLookAt = [];
    this.#dropped = this.#incidentsDropped = 0;
  }

  want(wanted: Wanted): void {
    this.#wanted = wanted;
  }

  recent(matching: (id: ActorId) => boolean): Promise<readonly TransitionRecord[]> {
    const { system } = this.#options;
    const records: TransitionRecord[] = [];
    for (const id of system.addresses()) {
      const report = matching(id) ? system.report(id) : undefined;
      for (const transition of report?.recent ?? []) records.push(recordOf(transition, report!.machine, this.name));
    }
    return Promise.resolve(records.sort((one, other) => one.sequence - other.sequence));
  }

  steps({ kind, namespace = "", name }: ObjectQuestion): Promise<readonly StepRecord[]> {
    const found = this.#options.system.steps.of({ resource: `${kind}s`, namespace, name });
    const uid = found.find((step) => step.uid !== undefined)?.uid ?? `${kind}s/${namespace}/${name}`;
    return Promise.resolve(found.map(({ sequence, wallTime, from, to, what, uid: own = uid }) => (
      { type: "step", sequence, process: this.name, wallTime, trace: `object:${own}`, from, to, what }
    )));
  }

  send(id: ActorId, event: { readonly type: string; readonly [param: string]: Json }): Promise<void> {
    const { system } = this.#options;
    if (system.get(id as Address) === undefined) {
      return Promise.reject(new Error(`Cannot send "${event.type}": nobody is at "${id}"`));
    }
    system.tell(id as Address, event);
    return Promise.resolve();
  }

  /** The event path. */
  #hear(inspection: Inspection): void {
    if (inspection.type !== "transition") return this.#hearIncident(inspection);
    const { actor, edges, cause, event } = inspection;
    let tally = this.#tallies.get(actor);
    if (tally === undefined) this.#tallies.set(actor, tally = newTally());
    tally.transitions++;
    tally.last = inspection.sequence;
    if (cause.by === "start") tally.lastStart = inspection.wallTime;
    else if (edges.length === 0 && event.type !== "xstate.init") {
      tally.unhandled++;
      tally.lastUnhandled = inspection.wallTime;
    }
    this.#dirty.add(actor);
    if (this.#wanted.allRecords || this.#wanted.ids.has(actor)) {
      if (this.#waiting.length < waitingAtMost) this.#waiting.push(inspection);
      else this.#dropped++;
    }
    if (this.#tick === undefined) this.#schedule();
  }

  #hearIncident(incident: Incident): void {
    const { actor, type } = incident;
    if (this.#incidents.length < incidentsAtMost) this.#incidents.push(incidentOf(incident, this.name));
    else this.#incidentsDropped++;
    const tally = this.#tallies.get(actor);
    if (tally !== undefined && (type === "message.dead" || type === "answer.late")) tally.lastDead = incident.wallTime;
    this.#dirty.add(actor);
    if (this.#tick === undefined) this.#schedule();
  }

  #schedule(): void {
    const { clock } = this.#options.system;
    this.#tick = clock.wakeAt(clock.now() + coalesceMs, () => {
      this.#tick = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    const { system } = this.#options;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    const changed: ActorRow[] = [];
    const removed: ActorId[] = [];
    const machines: Record<string, ChartDefinition> = {};
    for (const id of dirty) {
      const row = this.#rowNow(id, machines);
      if (row !== undefined) changed.push(row);
      else if (this.#rows.delete(id)) {
        this.#tallies.delete(id);
        removed.push(id);
      } else this.#tallies.delete(id);
    }
    if (Object.keys(machines).length > 0) sink.machines(machines);
    // Records come between: whoever hears one knows the actor already, or still.
    if (changed.length > 0) sink.rows(changed, []);
    this.#flushRecords(sink);
    if (removed.length > 0) sink.rows([], removed);
    for (const id of this.#wanted.ids) if (dirty.has(id as Address)) this.tellDetail(id);
    sink.counters({ ...system.counters });
  }

  #flushRecords(sink: SourceSink): void {
    if (this.#waiting.length > 0 || this.#dropped > 0) {
      const records = this.#waiting.map((each) => recordOf(each, each.snapshot.machine as AnyStateMachine, this.name));
      sink.records(records, this.#dropped);
      this.#waiting = [];
      this.#dropped = 0;
    }
    if (this.#incidents.length > 0 || this.#incidentsDropped > 0) {
      sink.incidents(this.#incidents, this.#incidentsDropped);
      this.#incidents = [];
      this.#incidentsDropped = 0;
    }
  }

  #rowNow(id: Address, machines: Record<string, ChartDefinition>): ActorRow | undefined {
    const { system } = this.#options;
    const report = system.report(id);
    if (report === undefined) return undefined;
    let tally = this.#tallies.get(id);
    if (tally === undefined) this.#tallies.set(id, tally = newTally());
    const row = rowOf(report, tally, system.clock.wallTime());
    if (!this.#machines.has(row.machine)) {
      const chart = chartOf(report.machine);
      machines[machineKey(chart)] = chart;
      this.#machines.add(row.machine);
    }
    this.#rows.set(id, row);
    return row;
  }

  tellDetail(actor: ActorId): void {
    const { system } = this.#options;
    const id = actor as Address;
    const report = system.report(id);
    const row = report === undefined ? undefined : this.#rows.get(id) ?? this.#rowNow(id, {});
    const detail = report === undefined || row === undefined
      ? null
      : detailOf(report, row, [], system.clock.wallTime(), this.name);
    this.#sink?.detail(id, detail);
  }

  #scheduleLook(): void {
    const { clock } = this.#options.system;
    this.#look = clock.wakeAt(clock.now() + 1_000, () => {
      this.#lookAround();
      this.#scheduleLook();
    });
  }

  /** Who has been stuck for long now, or is forgiven, has changed without an event. */
  #lookAround(): void {
    const { system } = this.#options;
    if (this.#toLookAt.length === 0) this.#toLookAt = [...this.#rows.keys()];
    for (const id of this.#toLookAt.splice(-lookedAtPerSecond)) {
      const report = system.report(id);
      const row = this.#rows.get(id);
      const tally = this.#tallies.get(id);
      if (report === undefined || row === undefined || tally === undefined) continue;
      const problems = problemsOf(report, tally, system.clock.wallTime());
      if (problems.join() !== row.problems.join()) this.#dirty.add(id);
    }
    if (this.#dirty.size > 0 && this.#tick === undefined) this.#schedule();
  }
}
