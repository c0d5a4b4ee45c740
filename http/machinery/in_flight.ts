/**
 * How many requests are carried out at a time, and how long one may take. Up to a limit they run, up to ten times that
 * they wait in the order they came, others are refused with 429. What lasts by its nature (watches, streams) is not
 * counted.
 */
import { ApiError } from "../../machines/objects/status.ts";
import type { Clock, Wake } from "../../ports/clock.ts";

/** kube-apiserver's `--max-requests-inflight` and `--max-mutating-requests-inflight`. */
const limits = { read: 400, write: 200 } as const;
const waitingPerRunning = 10;
/** kube-apiserver's `--request-timeout`. */
const timeoutMs = 60_000;
const lookEveryMs = 1_000;

class Lane {
  running = 0;
  readonly waiting: (() => void)[] = [];

  constructor(readonly limit: number) {}
}

interface UnderWay {
  readonly deadline: number;
  expire(): void;
}

export class InFlight {
  readonly #lanes = { read: new Lane(limits.read), write: new Lane(limits.write) };
  readonly #clock: Clock;
  /** In the order of their deadlines: all have the same time. */
  readonly #underWay = new Set<UnderWay>();
  #wake: Wake | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws ApiError 429 when too many wait, 504 when `work` takes too long; its outcome is then nobody's. */
  async run<T>(kind: "read" | "write", work: () => Promise<T>): Promise<T> {
    const lane = this.#lanes[kind];
    if (lane.running < lane.limit) lane.running++;
    else {
      if (lane.waiting.length >= lane.limit * waitingPerRunning) throw tooMany();
      await new Promise<void>((resolve) => lane.waiting.push(resolve));
    }
    try {
      return await this.withinTime(work);
    } finally {
      // Who waits takes over the place.
      const next = lane.waiting.shift();
      if (next === undefined) lane.running--;
      else next();
    }
  }

  /** Without a limit of their number. @throws ApiError 504 when `work` takes too long; its outcome is then nobody's. */
  withinTime<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const underWay: UnderWay = { deadline: this.#clock.now() + timeoutMs, expire: () => reject(timedOut()) };
      this.#underWay.add(underWay);
      this.#wake ??= this.#clock.wakeAt(this.#clock.now() + lookEveryMs, () => this.#look());
      const over = () => this.#ended(underWay);
      work().then((value) => (over(), resolve(value)), (error) => (over(), reject(error)));
    });
  }

  #ended(underWay: UnderWay): void {
    this.#underWay.delete(underWay);
    if (this.#underWay.size > 0) return;
    this.#wake?.cancel();
    this.#wake = undefined;
  }

  /** One timer looks after all requests; one for each would cost more than most requests. */
  #look(): void {
    this.#wake = undefined;
    for (const underWay of this.#underWay) {
      if (underWay.deadline > this.#clock.now()) break;
      this.#underWay.delete(underWay);
      underWay.expire();
    }
    if (this.#underWay.size > 0) this.#wake = this.#clock.wakeAt(this.#clock.now() + lookEveryMs, () => this.#look());
  }
}

function tooMany(): ApiError {
  const text = "Too many requests, please try again later.";
  return new ApiError(429, "TooManyRequests", text, { retryAfterSeconds: 1 });
}

function timedOut(): ApiError {
  const text = "Timeout: request did not complete within the allotted timeout";
  return new ApiError(504, "Timeout", text, {});
}
