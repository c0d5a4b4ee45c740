/**
 * Keeps repeated Events from flooding the API (client-go's event correlator; Kubernetes docs, "Events"): the same event
 * again counts up, many alike are told as one, and one object may not be the subject of too many.
 */

/** What of an event decides what becomes of it. */
export interface Occurrence {
  readonly about: {
    readonly kind: string;
    readonly metadata: {
      readonly name: string;
      readonly namespace?: string;
      readonly uid: string;
      readonly resourceVersion?: string;
    };
  };
  readonly fieldPath?: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  /** Set for events of the newer form (events.k8s.io), which are alike when they are about the same version. */
  readonly action?: string;
}

export interface Correlated {
  /** The same for occurrences that are one Event object. */
  readonly key: string;
  readonly message: string;
  /** Several that differ in their message are told as one. */
  readonly combined: boolean;
}

/** Subjects and groups that are remembered; those not heard of for longest are forgotten. */
const remembered = 4096;
/** This many different messages of one reason within ten minutes are told as one. */
const differentAtMost = 10;
const forgottenAfterMs = 600_000;
/** An object may be the subject of 25 events, and of one more every five minutes. */
const burst = 25;
const refillMs = 300_000;

interface Group {
  readonly messages: Set<string>;
  last: number;
}

interface Allowance {
  left: number;
  at: number;
}

export class EventCorrelator {
  #groups = new Map<string, Group>();
  #allowances = new Map<string, Allowance>();

  /** `now`: wall time in ms. Undefined: there were too many of that object, this one is not told. */
  correlate(event: Occurrence, now: number): Correlated | undefined {
    const { about: { kind, metadata }, fieldPath = "", type, reason, message, action } = event;
    const subject = [kind, metadata.namespace, metadata.name, metadata.uid].join("\n");
    if (action !== undefined) {
      const key = [subject, metadata.resourceVersion, fieldPath, type, reason, action].join("\n");
      return { key, message, combined: false };
    }
    const result = this.#group([subject, fieldPath, type, reason].join("\n"), message, now);
    return this.#allow(subject, now) ? result : undefined;
  }

  #group(groupKey: string, message: string, now: number): Correlated {
    let group = this.#groups.get(groupKey);
    if (group === undefined || now - group.last > forgottenAfterMs) group = { messages: new Set(), last: now };
    group.messages.add(message);
    group.last = now;
    keep(this.#groups, groupKey, group);
    if (group.messages.size < differentAtMost) return { key: `${groupKey}\n${message}`, message, combined: false };
    group.messages.delete(group.messages.values().next().value!);
    return { key: groupKey, message: `(combined from similar events): ${message}`, combined: true };
  }

  #allow(subject: string, now: number): boolean {
    const allowance = this.#allowances.get(subject) ?? { left: burst, at: now };
    const left = Math.min(burst, allowance.left + Math.max(0, now - allowance.at) / refillMs);
    keep(this.#allowances, subject, { left: left >= 1 ? left - 1 : left, at: now });
    return left >= 1;
  }
}

/** Sets as the youngest; the oldest goes when there are too many. */
export function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > remembered) map.delete(map.keys().next().value!);
}
