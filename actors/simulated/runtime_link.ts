/**
 * A container engine as one client of it sees it: the engine outlives its client, and may be slow, refuse, be gone for a
 * while, or keep an event to itself.
 */
import {
  type ContainerRuntime,
  type LabelSelector,
  RuntimeError,
  type RuntimeEventSink,
} from "../../ports/container_runtime.ts";
import type { SimulatedProcess } from "./simulated_process.ts";

export interface EngineTroubles {
  /** Chance that a call that changes something fails before it does. */
  failBefore: number;
  /** Chance that it is done and reported as failed. */
  failAfter: number;
  /** Chance that an event is never told. */
  dropEvents: number;
}

export const noTroubles: EngineTroubles = { failBefore: 0, failAfter: 0, dropEvents: 0 };

const changing = new Set(["create", "start", "stop", "kill", "remove", "pullImage", "loadImage", "exec"]);

/** The engine, for a process. `troubles` is asked at each call. */
export function runtimeLink(
  process: SimulatedProcess,
  engine: ContainerRuntime,
  random: { next(): number },
  troubles: () => EngineTroubles,
): ContainerRuntime {
  const happens = (chance: number) => chance > 0 && random.next() < chance;
  const link: ContainerRuntime = new Proxy(engine, {
    get(target, name) {
      if (name === "watch") return (labels: LabelSelector, sink: RuntimeEventSink) => watch(labels, sink);
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => process.hear(call(String(name), () => Reflect.apply(value, target, args)));
    },
  });
  const call = async (name: string, run: () => unknown): Promise<unknown> => {
    if (!process.alive) return await new Promise<never>(() => {});
    if (!changing.has(name)) return await run();
    const { failBefore, failAfter } = troubles();
    if (happens(failBefore)) throw new RuntimeError("refused", `Cannot ${name}: the engine failed`);
    const result = await run();
    if (happens(failAfter)) throw new RuntimeError("refused", `Cannot ${name}: the engine failed at the end`);
    return result;
  };
  const watch = async (labels: LabelSelector, sink: RuntimeEventSink): Promise<{ cancel(): void }> => {
    let over = false;
    const opened = await process.hear(engine.watch(labels, {
      event(event) {
        if (over || happens(troubles().dropEvents)) return;
        process.soon(() => over || sink.event(event));
      },
      closed: (message) => process.soon(() => over || sink.closed(message)),
    }));
    process.onDeath(() => opened.cancel());
    return {
      cancel() {
        over = true;
        opened.cancel();
      },
    };
  };
  return link;
}
