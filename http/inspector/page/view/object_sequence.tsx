/** An object's way as swim lanes of components: the client, API server, log, scheduler, kubelet, container engine. */
import type { StepRecord } from "../../../../ports/inspection.ts";
import { cut } from "../chart/text_size.ts";
import { objectLanesOf } from "../model/lanes.ts";
import { clock, duration } from "../model/words.ts";

const across = 170;
const down = 26;
const head = 30;
const left = 76;
const most = 200;

export function ObjectSequence({ records }: { records: readonly StepRecord[] }) {
  const { lanes, steps } = objectLanesOf(records.slice(0, most));
  const width = left + lanes.length * across;
  const height = head + steps.length * down + 10;
  const x = (column: number) => left + column * across + across / 2;
  const began = steps[0]?.record.wallTime ?? 0;
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Sequence of components">
        <svg class="lanes" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          {lanes.map((lane, column) => (
            <g key={lane}>
              <text class="who" x={x(column)} y={16} text-anchor="middle">{lane}</text>
              <path class="lane" d={`M${x(column)} ${head - 6}V${height}`} />
            </g>
          ))}
          {steps.map(({ record, from, to }, index) => {
            const y = head + index * down + 16;
            const back = from < to ? -8 : 8;
            return (
              <g key={`${record.process}:${record.sequence}`}>
                <text class="dim" x={4} y={y + 4}>+{duration(record.wallTime - began)}</text>
                <path class="message" d={`M${x(from)} ${y}H${x(to) + back / 2}`} />
                <path class="tip" d={`M${x(to)} ${y}l${back} -4v8z`} />
                <text x={(x(from) + x(to)) / 2} y={y - 5} text-anchor="middle">{cut(record.what, 30)}</text>
              </g>
            );
          })}
        </svg>
      </div>
      <details>
        <summary>As a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Sequence of components as a table">
          <table>
            <thead>
              <tr>{["Time", "From", "To", "What", "Process"].map((name) => <th key={name} scope="col">{name}</th>)}</tr>
            </thead>
            <tbody>
              {steps.map(({ record }) => (
                <tr key={`${record.process}:${record.sequence}`}>
                  <td class="number">{clock(record.wallTime, true)}</td>
                  <td>{record.from}</td>
                  <th scope="row">{record.to}</th>
                  <td>{record.what}</td>
                  <td>{record.process}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}
