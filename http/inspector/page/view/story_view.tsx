/** An actor's history as sentences, and as a table of events. */
import { useState } from "preact/hooks";
import type { ChartDefinition, TransitionRecord } from "../../../../ports/inspection.ts";
import { chartIndex } from "../model/chart_index.ts";
import { causedBy } from "../model/lanes.ts";
import { causeWords, eventWords, refusedGuards, storyOf } from "../model/story.ts";
import { actorName, clock, eventParams, shortJson } from "../model/words.ts";
import { actorLink } from "./route.ts";
import { known } from "./session.ts";

const most = 300;

export function Story({ records, chart, choose }: {
  records: readonly TransitionRecord[];
  chart: ChartDefinition | undefined;
  choose: (index: number) => void;
}) {
  const [asTable, setAsTable] = useState(false);
  const all = [...known().records.values()].flat();
  const skipped = Math.max(0, records.length - most);
  const story = storyOf(records).slice(skipped);
  return (
    <>
      <label class="switch">
        <input type="checkbox" checked={asTable} onChange={(event) => setAsTable(event.currentTarget.checked)} />{" "}
        as a table
      </label>
      {skipped > 0 && <p class="dim">{skipped} earlier events are left out.</p>}
      {asTable ? <Table records={records.slice(skipped)} chart={chart} /> : (
        <ol class="story">
          {story.map(({ record, text, after }, index) => (
            <li key={`${record.process}:${record.sequence}`}>
              <button type="button" class="link" onClick={() => choose(skipped + index)}>
                {clock(record.wallTime, true)}
              </button>{" "}
              <span class="dim">{after}</span>
              <p>{text}</p>
              {causedBy(record, all).map((effect) => (
                <p key={effect.sequence} class="caused">
                  It told <a href={actorLink(effect.id)}>{actorName(effect.id)}</a>: {eventWords(effect)}
                </p>
              ))}
              {record.cause.by === "message" && (
                <a class="dim" href={actorLink(record.cause.from)}>{actorName(record.cause.from)}</a>
              )}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

function Table({ records, chart }: { records: readonly TransitionRecord[]; chart: ChartDefinition | undefined }) {
  const edges = chart === undefined ? undefined : chartIndex(chart).transitions;
  const edgeWords = (id: number) => {
    const placed = edges?.get(id);
    return placed === undefined
      ? `#${id}`
      : `${placed.source || chart!.id} → ${placed.transition.targets.join(", ") || "stays"}`;
  };
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Events">
      <table>
        <thead>
          <tr>
            {["Time", "Event", "From", "Edge", "Refused", "Orders", "Context"].map((name) => (
              <th key={name} scope="col">{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {records.map((record) => (
            <tr key={`${record.process}:${record.sequence}`}>
              <td class="number">{clock(record.wallTime, true)}</td>
              <th scope="row">
                {eventWords(record)} <span class="dim">{eventParams(record.event)}</span>
              </th>
              <td>{causeWords(record.cause)}</td>
              <td>{record.edges.map(edgeWords).join("; ") || "not handled"}</td>
              <td>{refusedGuards(record).join(", ")}</td>
              <td>{record.orders.map(({ type }) => type).join(", ")}</td>
              <td>
                {Object.entries(record.delta.set).map(([field, value]) => `${field}: ${shortJson(value, 60)}`).join(
                  "; ",
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
