/** Swim lanes: who told whom what. The same as a table for those who do not see it. */
import type { TransitionRecord } from "../../../../ports/inspection.ts";
import { lanesOf } from "../model/lanes.ts";
import { causeWords } from "../model/story.ts";
import { actorName, clock, duration } from "../model/words.ts";
import { cut } from "../chart/text_size.ts";

const across = 190;
const down = 30;
const head = 44;
const left = 76;
const most = 400;

export function Sequence({ records }: { records: readonly TransitionRecord[] }) {
  const { lanes, steps } = lanesOf(records.slice(-most));
  const width = left + lanes.length * across;
  const height = head + steps.length * down + 20;
  const x = (column: number) => left + column * across + across / 2;
  const began = steps[0]?.record.wallTime ?? 0;
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Sequence">
        <svg class="lanes" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          {lanes.map(({ id, column }) => (
            <g key={id}>
              <text class="who" x={x(column)} y={16} text-anchor="middle">{cut(actorName(id), 26)}</text>
              <text class="dim" x={x(column)} y={31} text-anchor="middle">{id.split("/")[0]}</text>
              <path class="lane" d={`M${x(column)} ${head - 6}V${height}`} />
            </g>
          ))}
          {steps.map(({ record, from, to, label, entered }, index) => {
            const y = head + index * down + 14;
            const isMessage = from !== undefined && from !== to;
            const tip = isMessage ? x(to) + (from < to ? -5 : 5) : x(to);
            return (
              <g key={`${record.process}:${record.sequence}`}>
                <text class="dim" x={4} y={y + 4}>+{duration(record.wallTime - began)}</text>
                {isMessage && <path class="message" d={`M${x(from)} ${y}H${tip}`} />}
                {isMessage && <path class="tip" d={`M${x(to)} ${y}l${from < to ? -8 : 8} -4v8z`} />}
                <circle class={entered.length > 0 ? "moved" : ""} cx={x(to)} cy={y} r={4} />
                <text
                  x={isMessage ? (x(from) + x(to)) / 2 : x(to) + 9}
                  y={isMessage ? y - 5 : y - 3}
                  text-anchor={isMessage ? "middle" : "start"}
                >
                  {cut(label, 25)}
                </text>
                {entered.length > 0 && (
                  <text class="entered" x={x(to) + 9} y={y + 11}>{cut(entered.join(" + "), 27)}</text>
                )}
              </g>
            );
          })}
        </svg>
      </div>
      <details>
        <summary>As a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Sequence as a table">
          <table>
            <thead>
              <tr>
                {["Time", "Actor", "Event", "Cause", "States"].map((name) => <th key={name} scope="col">{name}</th>)}
              </tr>
            </thead>
            <tbody>
              {steps.map(({ record, label }) => (
                <tr key={`${record.process}:${record.sequence}`}>
                  <td class="number">{clock(record.wallTime, true)}</td>
                  <th scope="row">{actorName(record.id)}</th>
                  <td>{label}</td>
                  <td>{causeWords(record.cause)}</td>
                  <td>{record.states.join(" + ")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}
