/** A recording as a source: the lines that a cluster's stream once told, as it stood at their end. */
import type { ActorId, ActorRow, ChartDefinition, ServerMessage, TransitionRecord } from "../../ports/inspection.ts";
import { inspectionVersion } from "../../ports/inspection.ts";
import type { InspectionSource, SourceSink } from "./inspection_source.ts";
import { changedRow } from "./changed_row.ts";
import { recordedDetail } from "./recorded_actor.ts";

export class RecordedSource implements InspectionSource {
  readonly name: string;
  readonly cluster: string;
  /** Wall time of the last thing that was told. */
  readonly end: number;
  readonly #machines = new Map<string, ChartDefinition>();
  readonly #rows = new Map<ActorId, ActorRow>();
  readonly #records = new Map<ActorId, TransitionRecord[]>();
  #sink: SourceSink | undefined;

  /** @throws Error that names the line that is none of a recording. */
  constructor(name: string, text: string) {
    this.name = name;
    let cluster = "";
    let end = 0;
    for (const [index, line] of text.split("\n").entries()) {
      if (line.trim() === "") continue;
      const message = parsed(line, index + 1);
      if (index === 0 && (message.type !== "hello" || message.version !== inspectionVersion)) {
        throw new Error(`Cannot open recording: its first line is no hello of version ${inspectionVersion}`);
      }
      if (message.type === "hello") cluster = message.cluster;
      if ("wallTime" in message) end = Math.max(end, message.wallTime);
      if (message.type === "records") end = Math.max(end, ...message.records.map(({ wallTime }) => wallTime));
      this.#take(message);
    }
    if (cluster === "") throw new Error("Cannot open recording: it is empty");
    this.cluster = cluster;
    this.end = end;
  }

  /** As they stood at the end. */
  get rows(): readonly ActorRow[] {
    return [...this.#rows.values()];
  }

  open(sink: SourceSink): void {
    this.#sink = sink;
    sink.machines(Object.fromEntries(this.#machines));
    sink.rows([...this.#rows.values()], []);
  }

  close(): void {
    this.#sink = undefined;
  }

  want(): void {}

  tellDetail(id: ActorId): void {
    const row = this.#rows.get(id);
    const detail = row === undefined
      ? null
      : recordedDetail(row, this.#machines.get(row.machine), this.#records.get(id) ?? [], this.end);
    this.#sink?.detail(id, detail);
  }

  recent(matching: (id: ActorId) => boolean): Promise<readonly TransitionRecord[]> {
    return Promise.resolve([...this.#records].flatMap(([id, records]) => matching(id) ? records : []));
  }

  send(): Promise<void> {
    return Promise.reject(new Error("Cannot send events: this is a recording"));
  }

  #take(message: ServerMessage): void {
    switch (message.type) {
      case "machines":
        for (const [key, chart] of Object.entries(message.machines)) this.#machines.set(key, chart);
        return;
      case "actors":
        for (const row of message.rows) this.#rows.set(row.id, row);
        return;
      case "changes":
        for (const row of message.added) this.#rows.set(row.id, row);
        for (const change of message.changed) {
          const row = this.#rows.get(change.id);
          if (row !== undefined) this.#rows.set(change.id, changedRow(row, change));
        }
        for (const id of message.removed) this.#rows.delete(id);
        return;
      case "records":
        for (const record of message.records) {
          const records = this.#records.get(record.id);
          if (records === undefined) this.#records.set(record.id, [record]);
          else records.push(record);
        }
    }
  }
}

function parsed(line: string, number: number): ServerMessage {
  try {
    return JSON.parse(line) as ServerMessage;
  } catch (error) {
    throw new Error(`Cannot open recording: line ${number} is no JSON: ${(error as Error).message}`);
  }
}
