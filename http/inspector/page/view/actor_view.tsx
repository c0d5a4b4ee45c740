/** One actor: its chart, why it is where it is, its story, and any moment of it again. */
import { useEffect, useState } from "preact/hooks";
import type { ActorDetail, ActorRow, Json, TransitionRecord } from "../../../../ports/inspection.ts";
import { standingAt } from "../model/playback.ts";
import { eventWords } from "../model/story.ts";
import { actorName, clock, duration, problemWords } from "../model/words.ts";
import { ChartView } from "./chart_view.tsx";
import { Chip } from "./cluster_view.tsx";
import { Explained, type Standing } from "./explained.tsx";
import { actorLink, changeQuery, objectLink, route } from "./route.ts";
import { Sequence } from "./sequence_view.tsx";
import { ask, known, lookedAt, now, rows, tell, watch } from "./session.ts";
import { Story } from "./story_view.tsx";
import { Try } from "./try_view.tsx";

const tabs = ["chart", "story", "sequence", "context", "try"] as const;

export function ActorView({ id }: { id: string }) {
  useEffect(() => {
    const [node = "", kind = "", , name = "-"] = id.split("/");
    // The list brings the chart with it.
    watch({ filter: { node: [node], kind: [kind], ...(name === "-" ? {} : { name: [name] }) } });
    tell({ type: "subscribe", id });
    ask<"answer">({ type: "history", id, limit: 500 }).catch(() => {});
    return () => tell({ type: "unsubscribe", id });
  }, [id]);
  const [chosen, setAt] = useState<number>();
  const feed = known();
  const records = feed.records.get(id) ?? [];
  const present = feed.details.get(id);
  const detail = present === null ? ended(rows.value.find((row) => row.id === id), records) : present;
  // The time of the whole cluster counts where no event of this actor was chosen.
  const at = chosen ?? timeOf(records, lookedAt.value);
  if (detail === undefined) return <p role="status">Asking for {actorName(id)} …</p>;
  if (detail === null) return <p role="alert">{actorName(id)} is not there (any more), or not for you to see.</p>;
  const chart = feed.machines.get(detail.row.machine);
  const then = at === undefined ? undefined : standingAt(chart, records, at);
  const standing: Standing = then === undefined ? { ...detail, at: now.value } : { ...then, at: then.record.wallTime };
  const states = then?.states ?? detail.row.states;
  const last = then?.record ?? records.at(-1);
  const tab = tabs.find((name) => name === route.value.query.get("tab")) ?? "chart";
  const may = feed.hello?.maySend === true;
  return (
    <>
      <Header detail={detail} />
      <div class="tabs" role="tablist" aria-label="Views of this actor">
        {tabs.filter((name) => name !== "try" || may).map((name) => (
          <button
            type="button"
            key={name}
            role="tab"
            id={`tab-${name}`}
            aria-selected={tab === name}
            aria-controls="panel"
            onClick={() => changeQuery({ tab: name === "chart" ? undefined : name })}
          >
            {name}
          </button>
        ))}
      </div>
      <TimeBar records={records} at={at} choose={setAt} />
      <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab}`} class={`panel ${tab}`}>
        {tab === "chart" && (
          <div class="beside">
            {chart === undefined ? <p>No chart is known of it.</p> : (
              <ChartView
                name={detail.row.machine}
                chart={chart}
                lit={{
                  states,
                  taken: last?.edges ?? [],
                  orders: standing.orders.map(({ type }) => type),
                }}
              />
            )}
            <Explained standing={standing} last={last} />
          </div>
        )}
        {tab === "story" && (
          <Story records={at === undefined ? records : records.slice(0, at + 1)} chart={chart} choose={setAt} />
        )}
        {tab === "sequence" && <TraceOf record={last} />}
        {tab === "context" && <Context value={then?.context ?? detail.context} supervised={detail.children} />}
        {tab === "try" && may && <Try detail={detail} />}
      </div>
    </>
  );
}

/** Who is not there any more, as far as it was recorded; null: nothing is known. */
function ended(row: ActorRow | undefined, records: readonly TransitionRecord[]): ActorDetail | null {
  if (row === undefined || records.length === 0) return null;
  const explanation = { says: [], where: [], why: [], since: "", waitsFor: [], movesOn: [] };
  return { row, context: {}, timers: [], orders: [], recent: records, explanation, possible: [], children: [] };
}

/** The last event before that time. */
function timeOf(records: readonly TransitionRecord[], wallTime: number | undefined): number | undefined {
  if (wallTime === undefined) return undefined;
  const index = records.findLastIndex((record) => record.wallTime <= wallTime);
  return index < 0 ? undefined : index;
}

function Header({ detail: { row, fault } }: { detail: ActorDetail }) {
  return (
    <header class="actor">
      <h1>{actorName(row.id)}</h1>
      <p>
        <Chip row={row} />{" "}
        {row.problems.map((problem) => (
          <span key={problem} class="word" title={problemWords[problem].meaning}>{problemWords[problem].word}</span>
        ))}
        <span class="dim">
          on {row.node}, start {row.incarnation}, {row.transitions}{" "}
          events{row.unhandled > 0 ? `, ${row.unhandled} unhandled` : ""}
        </span>
        {row.supervisor !== undefined && (
          <>
            {" "}· supervised by <a href={actorLink(row.supervisor)}>{actorName(row.supervisor)}</a>
          </>
        )}
        {row.namespace !== undefined && row.name !== undefined &&
          (
            <>
              {" "}·{" "}
              <a href={objectLink(row.namespace, row.name.split(":")[0]!)}>everything about {row.name.split(":")[0]}</a>
            </>
          )}
      </p>
      {row.says !== undefined && <p class="says" role="note">{row.says}</p>}
      {fault !== undefined && <p class="fault" role="alert">It threw: {fault.split("\n")[0]}</p>}
    </header>
  );
}

/** Drags through the actor's records; at its end it is now. */
function TimeBar({ records, at, choose }: {
  records: readonly TransitionRecord[];
  at: number | undefined;
  choose: (at: number | undefined) => void;
}) {
  const last = records.length - 1;
  if (last < 1) return null;
  const index = at ?? last;
  const record = records[index]!;
  const words = at === undefined
    ? "now"
    : `${clock(record.wallTime, true)}, ${duration(records[last]!.wallTime - record.wallTime)} before the last`;
  const step = (to: number) => choose(to >= last ? undefined : Math.max(0, to));
  return (
    <div class="time" role="group" aria-label="Time travel">
      <button type="button" onClick={() => step(index - 1)} disabled={index === 0} aria-label="One event back">
        ◀
      </button>
      <input
        type="range"
        min={0}
        max={last}
        value={index}
        aria-label="Event"
        aria-valuetext={`${index + 1} of ${last + 1}: ${eventWords(record)}, ${words}`}
        onInput={(event) => step(Number(event.currentTarget.value))}
      />
      <button type="button" onClick={() => step(index + 1)} disabled={at === undefined} aria-label="One event on">
        ▶
      </button>
      <button type="button" onClick={() => choose(undefined)} disabled={at === undefined}>Now</button>
      <span class="dim">
        {index + 1}/{last + 1} <b>{eventWords(record)}</b> {words}
      </span>
    </div>
  );
}

function TraceOf({ record }: { record: TransitionRecord | undefined }) {
  const [records, setRecords] = useState<readonly TransitionRecord[]>([]);
  const trace = record?.trace;
  useEffect(() => {
    if (trace === undefined) return;
    ask<"answer">({ type: "trace", trace }).then(({ records }) => setRecords(records)).catch(() => setRecords([]));
  }, [trace]);
  if (record === undefined) return <p>Nothing has happened to it yet.</p>;
  return (
    <>
      <p class="dim">
        Everything that began with the same event as “{eventWords(record)}” at {clock(record.wallTime, true)}.
      </p>
      <Sequence records={records.length > 0 ? records : [record]} />
    </>
  );
}

function Context(
  { value, supervised }: { value: Json | Readonly<Record<string, Json>>; supervised: readonly string[] },
) {
  return (
    <>
      <h2>What it knows</h2>
      <pre tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>
      {supervised.length > 0 && (
        <>
          <h2>Whom it supervises</h2>
          <ul>
            {supervised.slice(0, 200).map((id) => (
              <li key={id}>
                <a href={actorLink(id)}>{actorName(id)}</a>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
