/** The cluster on one page: what is wrong first, then every node with what runs there, then how many are in which state. */
import { useEffect } from "preact/hooks";
import type { ActorRow } from "../../../../ports/inspection.ts";
import { descriptionOf } from "../model/chart_index.ts";
import { actorName, duration, problemWords, severity, severityWords, stateWords } from "../model/words.ts";
import { actorLink, listLink, objectLink } from "./route.ts";
import { known, now, rows, watch } from "./session.ts";

const most = 2000;
const workers = new Set(["pod", "container", "probe", "volumes", "podStatus", "scheduling"]);

export function ClusterView() {
  useEffect(() => watch({ sort: "problems", limit: most }), []);
  const all = rows.value;
  const wrong = all.filter((row) => rank(row) > 1).toSorted((a, b) =>
    rank(b) - rank(a) || Number(isPart(b)) - Number(isPart(a))
  );
  const byNode = Map.groupBy(all, ({ node }) => node);
  const members = all.filter(({ facts }) => facts?.["term"] !== undefined);
  return (
    <>
      <h1>Cluster</h1>
      <Problems wrong={wrong} />
      {members.length > 0 && <Members members={members} />}
      <h2>Where everything runs</h2>
      <div class="nodes">
        {[...byNode].sort(([a], [b]) => a < b ? -1 : 1).map(([node, here]) => (
          <Node key={node} node={node} rows={here} />
        ))}
      </div>
      <States />
    </>
  );
}

/** What somebody must look at; and what only waits longer than most, which watching, for one, does for ever. */
function Problems({ wrong }: { wrong: readonly ActorRow[] }) {
  const serious = wrong.filter((row) =>
    rank(row) === 3 || row.says !== undefined || row.problems.includes("restarting")
  );
  const others = wrong.filter((row) => !serious.includes(row));
  return (
    <section aria-labelledby="wrong">
      <h2 id="wrong">Needs attention ({serious.length})</h2>
      {serious.length === 0 && <p class="calm">Nothing says that it is wrong.</p>}
      <ul class="problems">{serious.slice(0, 60).map((row) => <Problem key={row.id} row={row} />)}</ul>
      {serious.length > 60 && <a href={listLink({ problem: "any" })}>All {serious.length}</a>}
      {others.length > 0 && (
        <details>
          <summary>{others.length} more wait longer than most, or got events that they do not handle</summary>
          <ul class="problems">{others.slice(0, 100).map((row) => <Problem key={row.id} row={row} />)}</ul>
        </details>
      )}
    </section>
  );
}

function Problem({ row }: { row: ActorRow }) {
  const chart = known().machines.get(row.machine);
  return (
    <li class={severity(row)}>
      <p class="title">
        <a href={actorLink(row.id)}>{actorName(row.id)}</a> <Chip row={row} />
        {row.problems.map((problem) => (
          <span key={problem} class="word" title={problemWords[problem].meaning}>{problemWords[problem].word}</span>
        ))}
        <span class="dim">for {duration(now.value - row.since)} on {row.node}</span>
      </p>
      {row.says !== undefined && <p>{row.says}</p>}
      <p class="dim">{row.states.map((path) => descriptionOf(chart, path)).join(" ")}</p>
    </li>
  );
}

function isPart({ kind, name }: ActorRow): boolean {
  return workers.has(kind) && name !== undefined;
}

export function Chip({ row }: { row: ActorRow }) {
  const kind = severity(row);
  return (
    <span class={`chip ${kind}`}>
      <span class="mark" aria-hidden="true" />
      {stateWords(row)}
      <span class="hidden">, {severityWords[kind]}</span>
    </span>
  );
}

function Members({ members }: { members: readonly ActorRow[] }) {
  return (
    <section aria-labelledby="members">
      <h2 id="members">Replicated store</h2>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="members">
        <table>
          <thead>
            <tr>
              <th scope="col">Member</th>
              <th scope="col">Role</th>
              <th scope="col">State</th>
              <th scope="col">Term</th>
              <th scope="col">Commit</th>
              <th scope="col">Applied</th>
            </tr>
          </thead>
          <tbody>
            {members.map((row) => (
              <tr key={row.id}>
                <th scope="row">
                  <a href={actorLink(row.id)}>{actorName(row.id)}</a>
                </th>
                <td>{String(row.facts?.["role"] ?? "–")}</td>
                <td>
                  <Chip row={row} />
                </td>
                {["term", "commit", "applied"].map((fact) => (
                  <td key={fact} class="number">{String(row.facts?.[fact] ?? "–")}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Node({ node, rows }: { node: string; rows: readonly ActorRow[] }) {
  const pods = Map.groupBy(
    rows.filter(({ kind, name }) => workers.has(kind) && name !== undefined),
    ({ namespace, name }) => `${namespace ?? ""}/${name!.split(":")[0]}`,
  );
  const parts = rows.filter(({ kind, name }) => !(workers.has(kind) && name !== undefined));
  const byKind = Map.groupBy(parts, ({ kind }) => kind);
  return (
    <section class="node" aria-label={node}>
      <h3>
        {node} <span class="dim">{rows.length} actors</span>
      </h3>
      {pods.size > 0 && (
        <ul class="tiles">
          {[...pods].sort(([a], [b]) => a < b ? -1 : 1).slice(0, 150).map(([key, parts]) => {
            const worst = parts.toSorted((a, b) => rank(b) - rank(a))[0]!;
            const pod = parts.find(({ kind }) => kind === "pod") ?? worst;
            const [namespace = "", name = ""] = key.split("/");
            return (
              <li key={key}>
                <a class={`tile ${severity(worst)}`} href={objectLink(namespace, name)}>
                  <strong>{name}</strong> <span class="dim">{namespace}</span>
                  <span class="state">
                    {stateWords(pod)}
                    <span class="hidden">, {severityWords[severity(worst)]}</span>
                  </span>
                </a>
              </li>
            );
          })}
        </ul>
      )}
      <ul class="parts">
        {[...byKind].map(([kind, of]) =>
          of.length > 3
            ? (
              <li key={kind}>
                <a href={listLink({ kind, node })}>{of.length} × {kind}</a>
                {of.some((row) => rank(row) > 1) && (
                  <span class="chip warn">
                    <span class="mark" aria-hidden="true" />attention
                  </span>
                )}
              </li>
            )
            : of.map((row) => (
              <li key={row.id}>
                <a href={actorLink(row.id)}>{row.name ? `${kind} ${row.name}` : kind}</a> <Chip row={row} />
              </li>
            ))
        )}
      </ul>
    </section>
  );
}

function rank(row: ActorRow): number {
  return { over: 0, good: 1, warn: 2, bad: 3 }[severity(row)];
}

function States() {
  const { counts } = known();
  if (counts === undefined) return null;
  return (
    <section aria-labelledby="states">
      <h2 id="states">How many, in which state</h2>
      <dl class="counts">
        {Object.entries(counts.kinds).sort().map(([kind, states]) => (
          <div key={kind}>
            <dt>
              <a href={listLink({ kind })}>{kind}</a>
            </dt>
            {Object.entries(states).sort(([, a], [, b]) => b - a).slice(0, 6).map(([state, count]) => (
              <dd key={state}>
                <b>{count}</b> <a href={listLink({ kind, state: state.split(" + ")[0]! })}>{state || "(only state)"}</a>
              </dd>
            ))}
          </div>
        ))}
      </dl>
    </section>
  );
}
