/** Why an actor is where it is, what it waits for and what would move it on. */
import type { Explanation, TransitionRecord } from "../../../../ports/inspection.ts";
import { refusedGuards } from "../model/story.ts";
import { duration } from "../model/words.ts";

export interface Standing {
  readonly explanation: Explanation;
  readonly timers: readonly { readonly id: string; readonly delay: string; readonly due: number }[];
  readonly orders: readonly { readonly id: number; readonly type: string; readonly since: number }[];
  readonly at: number;
}

export function Explained({ standing, last }: { standing: Standing; last: TransitionRecord | undefined }) {
  const { explanation, timers, orders, at } = standing;
  const refused = last === undefined ? [] : refusedGuards(last);
  const passed = last?.guards.filter(({ passed }) => passed).map(({ guard }) => guard) ?? [];
  const nothing = timers.length + orders.length === 0;
  return (
    <aside class="explained" aria-label="Explanation">
      {explanation.says.length > 0 && (
        <div class="cause">
          <h2>Cause</h2>
          {explanation.says.map((line) => <p key={line}>{line}</p>)}
        </div>
      )}
      <h2>Where it is</h2>
      <dl>
        {explanation.where.map(({ state, description }) => (
          <div key={state}>
            <dt>{state}</dt>
            <dd>{description}</dd>
          </div>
        ))}
      </dl>
      <h2>What it waits for</h2>
      {nothing && <p class="dim">Nothing of its own doing.</p>}
      <ul>
        {timers.map(({ id, delay, due }) => (
          <li key={id} class="timer">
            <b>{delay}</b> in <span class="number">{duration(Math.max(0, due - at))}</span>
          </li>
        ))}
        {orders.map(({ id, type, since }) => (
          <li key={id} class="order">
            <b>{type}</b>, ordered <span class="number">{duration(Math.max(0, at - since))}</span> ago
          </li>
        ))}
      </ul>
      <h2>What would move it on</h2>
      {explanation.movesOn.length === 0
        ? <p class="dim">Nothing: this is the end.</p>
        : <ul>{explanation.movesOn.map((line) => <li key={line}>{line}</li>)}</ul>}
      <h2>How it came here</h2>
      {explanation.why.length === 0 && <p class="dim">Nothing is known of it.</p>}
      <ul>{explanation.why.map((line) => <li key={line}>{line}</li>)}</ul>
      {refused.length + passed.length > 0 && (
        <>
          <h2>Guards asked last</h2>
          <ul>
            {refused.map((guard) => (
              <li key={guard}>
                <span class="refused">refused</span> {guard}
              </li>
            ))}
            {passed.map((guard) => (
              <li key={guard}>
                <span class="passed">passed</span> {guard}
              </li>
            ))}
          </ul>
        </>
      )}
    </aside>
  );
}
