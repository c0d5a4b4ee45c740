/** Everything that looks after one Kubernetes object: causes and next steps of each part, and what they told each other. */
import { useEffect, useState } from "preact/hooks";
import type { StepRecord, TransitionRecord } from "../../../../ports/inspection.ts";
import { actorName, duration, severity } from "../model/words.ts";
import { Chip } from "./cluster_view.tsx";
import { actorLink } from "./route.ts";
import { ObjectSequence } from "./object_sequence.tsx";
import { Sequence } from "./sequence_view.tsx";
import { ask, known, lookedAt, now, rows, tell, watch } from "./session.ts";

const rank = { bad: 0, warn: 1, good: 2, over: 3 } as const;

export function ObjectView({ path }: { path: string }) {
  const [namespace = "", name = ""] = path.split("/");
  const [records, setRecords] = useState<readonly TransitionRecord[]>([]);
  const [steps, setSteps] = useState<readonly StepRecord[]>([]);
  const [refusal, setRefusal] = useState("");
  useEffect(() => {
    watch({ filter: { ...(namespace === "" ? {} : { namespace: [namespace] }), name: [name] }, sort: "problems" });
  }, [path]);
  const parts = rows.value.filter((row) => row.name === name || row.name?.startsWith(`${name}:`))
    .toSorted((a, b) => rank[severity(a)] - rank[severity(b)]).slice(0, 20);
  // Other processes are heard of a little later, and what looks after the object goes on: asked again as that is seen.
  const situation = parts.map(({ id, states }) => `${id} ${states}`).join();
  useEffect(() => {
    let isLatest = true;
    ask<"answer">({ type: "object", kind: "pod", ...(namespace === "" ? {} : { namespace }), name })
      .then((answer) => {
        if (!isLatest) return;
        setRecords(answer.records);
        setSteps(answer.steps ?? []);
        setRefusal("");
      }).catch((error: Error) => isLatest && setRefusal(error.message));
    return () => {
      isLatest = false;
    };
  }, [path, situation]);
  const ids = parts.map(({ id }) => id).join(" ");
  useEffect(() => {
    const wanted = ids === "" ? [] : ids.split(" ");
    for (const id of wanted) tell({ type: "subscribe", id });
    return () => wanted.forEach((id) => tell({ type: "unsubscribe", id }));
  }, [ids]);
  const { details } = known();
  return (
    <>
      <h1>
        {name} <span class="dim">{namespace}</span>
      </h1>
      {parts.length === 0 && <Nobody path={path} />}
      {refusal !== "" && <p role="alert">{refusal}</p>}
      <div class="objects">
        {parts.map((row) => {
          const detail = details.get(row.id);
          return (
            <section key={row.id} class={`card ${severity(row)}`} aria-label={actorName(row.id)}>
              <h2>
                <a href={actorLink(row.id)}>{actorName(row.id)}</a>
              </h2>
              <p>
                <Chip row={row} /> <span class="dim">for {duration(now.value - row.since)} on {row.node}</span>
              </p>
              {row.says !== undefined && <p class="cause">{row.says}</p>}
              {detail?.explanation.where.map(({ state, description }) => <p key={state}>{description}</p>)}
              {detail && detail.timers.length + detail.orders.length > 0 && (
                <>
                  <h3>Waits for</h3>
                  <ul>
                    {detail.timers.map(({ id, delay, due }) => (
                      <li key={id}>
                        <b>{delay}</b> in {duration(Math.max(0, due - now.value))}
                      </li>
                    ))}
                    {detail.orders.map(({ id, type, since }) => (
                      <li key={id}>
                        <b>{type}</b>, ordered {duration(Math.max(0, now.value - since))} ago
                      </li>
                    ))}
                  </ul>
                </>
              )}
              {detail && detail.explanation.movesOn.length > 0 && (
                <>
                  <h3>Next step</h3>
                  <ul>{detail.explanation.movesOn.slice(0, 5).map((line) => <li key={line}>{line}</li>)}</ul>
                </>
              )}
            </section>
          );
        })}
      </div>
      {steps.length > 0 && (
        <>
          <h2>From the request to here</h2>
          <ObjectSequence records={upTo(steps)} />
        </>
      )}
      <h2>Who did what</h2>
      <Sequence records={upTo(records)} />
    </>
  );
}

/** Those until the moment that is looked at. */
function upTo<T extends { readonly wallTime: number }>(records: readonly T[]): readonly T[] {
  const until = lookedAt.value;
  return until === undefined ? records : records.filter(({ wallTime }) => wallTime <= until);
}

function Nobody({ path }: { path: string }) {
  const silent = known().processes.some(({ problem }) => problem !== undefined);
  return (
    <p role="status">
      No actor looks after {path} now: {silent ? "either it is on a node that does not answer, or " : ""}
      its node has done its part. If the object is still there, it waits for its finalizers: whoever set them must take
      them away.
    </p>
  );
}
