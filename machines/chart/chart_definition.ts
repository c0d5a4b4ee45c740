/** A statechart as plain data: what can be drawn, printed and sent. */
export interface ChartDefinition {
  /** The machine's id. */
  readonly id: string;
  /** Of everything below: equal hashes, equal charts. Layouts are kept by it. */
  readonly hash: string;
  readonly root: ChartState;
  /** Every event that some state handles, without delays and completions; sorted. */
  readonly events: readonly string[];
  /** The orders the machine may give, and the events that answer them. */
  readonly orders: Readonly<Record<string, ChartOrder>>;
}

export interface ChartOrder {
  readonly answers: readonly string[];
  /** Orders that this one calls off. */
  readonly cancels?: readonly string[];
}

export interface ChartState {
  /** Names from below the root, joined by dots: `stopping.asked`. Empty for the root. */
  readonly path: string;
  /** The last of them; the machine's id for the root. */
  readonly name: string;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  /** For a history state. */
  readonly history?: "shallow" | "deep";
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Path of the child that is entered first, of a compound state. */
  readonly initial?: string;
  /** Names of actions and orders. */
  readonly entry?: readonly string[];
  readonly exit?: readonly string[];
  readonly transitions: readonly ChartTransition[];
  /** In the order of the chart's text. */
  readonly states: readonly ChartState[];
}

export interface ChartTransition {
  /** Counts the chart's transitions from 0, in the order of the text: what a record's `edges` name. */
  readonly id: number;
  /** `event`: `on` is its type (or a wildcard). `after`: `delay` is up. `done`: the state's children are at their end. */
  readonly kind: "event" | "always" | "after" | "done";
  /** The event's type as XState has it; empty for `always`; a timer's id for `after`. */
  readonly on: string;
  /** For people: `image.pulled`, `always`, `after backOff`, `done`. */
  readonly label: string;
  /** For `after`: the delay's name, or its milliseconds. */
  readonly delay?: string;
  /** Paths of states. Empty: stays where it is and only acts. */
  readonly targets: readonly string[];
  readonly guard?: string;
  readonly actions: readonly string[];
  readonly description?: string;
  /** Whether the source is left and entered anew. */
  readonly reenter?: boolean;
}
