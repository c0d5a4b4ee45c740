/** `chartroom watch`: a live table of actors and where they are. */
import { duration } from "../machines/explain_words.ts";
import type { ActorRow, ServerMessage } from "../ports/inspection.ts";
import type { ClusterState } from "./cluster_state.ts";
import { inspectionMessages, queryOf, type SelectorOptions } from "./inspection_reader.ts";

export interface WatchOptions extends SelectorOptions {
  /** Print once and end. */
  readonly once?: boolean;
}

const gatheringMs = 700;

export async function watch(state: ClusterState, selector: string | undefined, options: WatchOptions): Promise<void> {
  const table = new ActorTable();
  const live = Deno.stdout.isTerminal() && options.once !== true;
  const query = queryOf(selector, options);
  query.set("sort", "problems");
  const started = Date.now();
  for await (const message of inspectionMessages(state, query)) {
    const changed = table.take(message);
    if (!live) {
      // Counters come every second: by then nodes that are processes of their own have told of themselves.
      if (Date.now() - started < gatheringMs || message.type !== "counters") continue;
      console.log(table.lines(Infinity, Infinity).join("\n"));
      return;
    }
    if (!changed) continue;
    const { rows, columns } = Deno.consoleSize();
    const lines = table.lines(columns, rows - 2);
    await Deno.stdout.write(new TextEncoder().encode(`\x1b[H\x1b[2J${lines.join("\n")}\n`));
  }
}

/** Rows as they are told, and how they look on a terminal. */
export class ActorTable {
  readonly #rows = new Map<string, ActorRow>();
  #total = 0;
  /** How far the own clock is ahead of the server's. */
  #wallTime = 0;

  /** Whether the table is whole and has changed. */
  take(message: ServerMessage): boolean {
    if (message.type === "actors") {
      if (message.first) this.#rows.clear();
      for (const row of message.rows) this.#rows.set(row.id, row);
      this.#note(message);
      return message.last;
    }
    if (message.type !== "changes") return false;
    for (const row of message.added) this.#rows.set(row.id, row);
    for (const { id, ...change } of message.changed) {
      const before = this.#rows.get(id);
      if (before === undefined) continue;
      const fields = Object.entries(change).map(([field, value]) => [field, value ?? undefined]);
      this.#rows.set(id, { ...before, ...Object.fromEntries(fields) } as ActorRow);
    }
    for (const id of message.removed) this.#rows.delete(id);
    this.#note(message);
    return true;
  }

  lines(columns: number, most: number): string[] {
    const rows = [...this.#rows.values()].sort((one, other) =>
      other.problems.length - one.problems.length || (one.id < other.id ? -1 : 1)
    );
    const header = ["KIND", "NAMESPACE", "NAME", "NODE", "STATE", "SINCE", "PROBLEMS"];
    const shown = rows.slice(0, most - 2);
    const cells = [header, ...shown.map((row) => this.#cells(row))];
    const widths = header.map((_, column) => Math.max(...cells.map((each) => each[column]!.length)));
    const lines = cells.map((each) => each.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd());
    const hidden = rows.length - shown.length;
    const rest = hidden > 0 ? `, ${hidden} not shown` : "";
    return [...lines.map((line) => line.slice(0, columns)), `${rows.length} of ${this.#total} actors${rest}`];
  }

  #note({ total, wallTime }: { total: number; wallTime: number }): void {
    this.#total = total;
    this.#wallTime = wallTime;
  }

  #cells({ kind, namespace, name, node, states, since, status, problems, says }: ActorRow): string[] {
    const why = says === undefined ? "" : `: ${says.split("\n")[0]}`;
    return [
      kind,
      namespace ?? "-",
      name ?? "-",
      node,
      status === "down" ? "(down)" : states.join(" + ") || "(root)",
      duration(this.#wallTime - since),
      problems.length === 0 ? "" : problems.join(",") + why,
    ];
  }
}
