/** What clients of a store asked, what they were answered and what their watches told, in the order it happened. */

export interface Record {
  readonly key: string;
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly lease: number;
}

export type Call =
  /** `expected`: only if the key was last written at this revision, 0: if there is none; absent: in any case. */
  | { readonly do: "put"; readonly key: string; readonly value: string; readonly expected?: number; lease?: number }
  /** Two keys in one transaction, in any case. */
  | { readonly do: "putBoth"; readonly keys: readonly [string, string]; readonly value: string }
  | { readonly do: "delete"; readonly key: string; readonly expected: number }
  /** `stale`: from what the member has, however old. */
  | { readonly do: "get"; readonly key: string; readonly stale: boolean }
  | { readonly do: "list"; readonly prefix: string; readonly stale: boolean; readonly revision?: number }
  | { readonly do: "grant"; readonly id: number; readonly seconds: number }
  | { readonly do: "keep"; readonly id: number }
  | { readonly do: "compact"; readonly revision: number };

export type Answer =
  | { readonly came: "done"; readonly revision: number }
  /** The guard did not hold; what was found instead. */
  | { readonly came: "conflict"; readonly revision: number; readonly found: Record | undefined }
  | { readonly came: "read"; readonly revision: number; readonly records: readonly Record[] }
  /** Nothing was done. */
  | { readonly came: "refused"; readonly why: string }
  /** It may have been done. */
  | { readonly came: "unknown"; readonly why: string };

/** When something was seen: `place` orders everything in a history, `ms` is the clock of the test. */
export interface Moment {
  readonly place: number;
  readonly ms: number;
}

export interface Operation {
  readonly id: number;
  readonly client: string;
  readonly member: string;
  /** Which process of the member: the first, the second after a restart... */
  readonly life: number;
  readonly call: Call;
  readonly called: Moment;
  answered?: Moment;
  answer?: Answer;
}

export interface Event {
  readonly type: "put" | "delete";
  /** Of a delete: its revision as `mod`, and nothing else. */
  readonly record: Record;
  readonly previous: Record | undefined;
}

export type Said =
  | { readonly type: "events"; readonly at: Moment; readonly revision: number; readonly events: readonly Event[] }
  | { readonly type: "progress"; readonly at: Moment; readonly revision: number }
  | { readonly type: "closed"; readonly at: Moment; readonly code: string };

export interface Watch {
  readonly id: number;
  readonly client: string;
  readonly member: string;
  readonly life: number;
  readonly key: string;
  /** Exclusive; absent: the key alone. */
  readonly end: string | undefined;
  readonly start: number;
  readonly previous: boolean;
  readonly opened: Moment;
  readonly said: Said[];
  cancelled?: Moment;
}

/** Everything that a workload writes is below it. */
export const root = "/registry/";
export const rootEnd = "/registry0";

export class History {
  readonly operations: Operation[] = [];
  readonly watches: Watch[] = [];
  /** What happened to the members, for the story. */
  readonly accidents: { readonly at: Moment; readonly what: string }[] = [];
  #places = 0;

  constructor(readonly now: () => number) {}

  moment(): Moment {
    return { place: ++this.#places, ms: this.now() };
  }

  note(what: string): void {
    this.accidents.push({ at: this.moment(), what });
  }

  /** Everything but some operations. */
  without(left: (operation: Operation) => boolean): History {
    const copy = new History(this.now);
    copy.operations.push(...this.operations.filter((each) => !left(each)));
    copy.watches.push(...this.watches);
    return copy;
  }
}

export const isWrite = ({ do: what }: Call): boolean => what === "put" || what === "putBoth" || what === "delete";

/** Keys of the workload that a call is about; of a list those that anybody has ever written. */
export function keysOf(call: Call): readonly string[] {
  switch (call.do) {
    case "put":
    case "delete":
    case "get":
      return [call.key];
    case "putBoth":
      return call.keys;
    default:
      return [];
  }
}

export const isInRange = (key: string, from: string, end: string | undefined): boolean =>
  end === undefined ? key === from : key >= from && key < end;

/** The last letter of a key's prefix counted up. */
export const endOf = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
