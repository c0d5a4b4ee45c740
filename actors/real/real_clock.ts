import type { Clock, Wake } from "../../ports/clock.ts";

/** The longest delay of a JavaScript timer, 24.8 days; longer ones wake in between and sleep again. */
const longest = 2 ** 31 - 1;

/** The process' own monotonic and wall clocks. */
export const realClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  wakeAt(at, callback): Wake {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const sleep = () => {
      const delay = Math.max(0, Math.ceil(at - performance.now()));
      timer = setTimeout(() => delay > longest ? sleep() : callback(), Math.min(delay, longest));
    };
    sleep();
    return { cancel: () => clearTimeout(timer) };
  },
  soon(callback) {
    setImmediate(callback);
  },
};
