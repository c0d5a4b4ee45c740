/** Where the parts of a chart stand. Computed once per chart, when it is built or, for a foreign one, in the browser. */

export interface ChartLayout {
  /** The chart's hash, and of how it was laid out: a layout for another is not used. */
  readonly hash: string;
  readonly width: number;
  readonly height: number;
  /** By path: x, y, width, height from the chart's corner. */
  readonly boxes: Readonly<Record<string, readonly [x: number, y: number, width: number, height: number]>>;
  /** By the arrow's id. */
  readonly arrows: Readonly<Record<string, ArrowPlace>>;
  /** Path of a state to the line of the arrow that marks it as the first to be entered; it begins at the dot. */
  readonly initial: Readonly<Record<string, readonly number[]>>;
}

export interface ArrowPlace {
  /** x, y, x, y ... of a line of horizontal and vertical pieces. */
  readonly line: readonly number[];
  readonly label?: readonly [x: number, y: number];
}

/** Changes when the way of laying out does; part of a layout's hash. */
export const layoutVersion = 1;

export function layoutHash(chartHash: string): string {
  return `${layoutVersion}-${chartHash}`;
}
