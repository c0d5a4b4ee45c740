/** Thousands of actors: the server filters and sorts, and sends the rows that can be seen. */
import { useEffect, useState } from "preact/hooks";
import type { ActorFilter, Problem, SortBy } from "../../../../ports/inspection.ts";
import { actorName, duration, problemOrder, problemWords, severity } from "../model/words.ts";
import { Chip } from "./cluster_view.tsx";
import { actorLink, changeQuery, route } from "./route.ts";
import { known, now, rows, watch } from "./session.ts";

const rowHeight = 40;
const windowed = 120;

function filterOf(query: URLSearchParams): ActorFilter {
  const one = (name: string) => query.get(name) ? { [name]: [query.get(name)!] } : {};
  const problem = query.get("problem");
  const label = query.get("label")?.split("=");
  return {
    ...one("kind"),
    ...one("namespace"),
    ...one("node"),
    ...one("state"),
    ...(query.get("text") ? { text: query.get("text")! } : {}),
    ...(label?.[0] ? { labels: { [label[0]]: label[1] ?? "" } } : {}),
    ...(problem === "any" ? { anyProblem: true } : problem ? { problems: [problem as Problem] } : {}),
  };
}

export function ActorList() {
  const { query } = route.value;
  const [offset, setOffset] = useState(0);
  const [top, setTop] = useState(0);
  const filter = filterOf(query);
  const sort = (query.get("sort") ?? "problems") as SortBy;
  const wish = JSON.stringify([filter, sort, offset]);
  useEffect(() => watch({ filter, sort, offset, limit: windowed }), [wish]);
  const { counts, matched, total } = known();
  const list = rows.value.slice(0, windowed);
  const choice = (name: string, label: string, values: readonly (readonly [string, string])[], none = "any") => (
    <label>
      {label}
      <select
        value={query.get(name) ?? ""}
        onChange={(event) => {
          setOffset(0);
          changeQuery({ [name]: event.currentTarget.value });
        }}
      >
        <option value="">{none}</option>
        {values.map(([value, words]) => <option key={value} value={value}>{words}</option>)}
      </select>
    </label>
  );
  const text = (name: string, label: string, hint: string) => (
    <label>
      {label}
      <input
        type="search"
        placeholder={hint}
        value={query.get(name) ?? ""}
        onInput={(event) => {
          setOffset(0);
          changeQuery({ [name]: event.currentTarget.value });
        }}
      />
    </label>
  );
  const counted = (of: Readonly<Record<string, number>> | undefined) =>
    Object.entries(of ?? {}).sort().map(([name, count]) => [name, `${name} (${count})`] as const);
  const first = Math.max(0, Math.floor(top / rowHeight) - offset - 10);
  const shownRows = list.slice(first, first + 60);
  return (
    <>
      <h1>Actors</h1>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        {text("text", "Text", "name, state, words")}
        {choice("kind", "Kind", Object.entries(counts?.kinds ?? {}).sort().map(([kind]) => [kind, kind] as const))}
        {choice("namespace", "Namespace", counted(counts?.namespaces))}
        {choice("node", "Node", counted(counts?.nodes))}
        {text("state", "State", "active.running")}
        {text("label", "Label", "app=web")}
        {choice("problem", "Problem", [
          ["any", "any problem"],
          ...problemOrder.map((problem) =>
            [problem, `${problemWords[problem].word} (${counts?.problems[problem] ?? 0})`] as const
          ),
        ])}
        {choice(
          "sort",
          "Order",
          (["recent", "since", "kind", "state", "id"] as const).map((by) => [by, by] as const),
          "problems",
        )}
      </form>
      <p role="status" class="dim">{matched} of {total} actors</p>
      <div
        class="list"
        role="table"
        aria-label="Actors"
        aria-rowcount={matched}
        tabIndex={0}
        onScroll={(event) => {
          const at = event.currentTarget.scrollTop;
          setTop(at);
          const row = Math.floor(at / rowHeight);
          if (row < offset + 10 && offset > 0 || row > offset + windowed - 60) setOffset(Math.max(0, row - 40));
        }}
      >
        <div
          role="rowgroup"
          class="list-body"
          ref={(element) => {
            if (element) element.style.height = `${matched * rowHeight}px`;
          }}
        >
          {shownRows.map((row, index) => (
            <div
              key={row.id}
              role="row"
              aria-rowindex={offset + first + index + 1}
              class={`list-row ${severity(row)}`}
              ref={(element) => {
                if (element) element.style.transform = `translateY(${(offset + first + index) * rowHeight}px)`;
              }}
            >
              <span role="cell" class="who">
                <a href={actorLink(row.id)}>{actorName(row.id)}</a>
              </span>
              <span role="cell">
                <Chip row={row} />
              </span>
              <span role="cell" class="dim">{row.node}</span>
              <span role="cell" class="dim">{duration(now.value - row.since)}</span>
              <span role="cell" class="says">
                {row.problems.map((problem) => problemWords[problem].word).join(", ")} {row.says ?? ""}
              </span>
            </div>
          ))}
        </div>
      </div>
    </>
  );
}
