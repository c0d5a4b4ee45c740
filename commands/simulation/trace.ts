/** What happened, as lines of text whose bytes two runs of a seed have in common. */
import { createHash } from "node:crypto";
import type { Call } from "../../actors/simulated/api_network.ts";
import type { Inspection } from "../../actors/system.ts";

export class Trace {
  lines = 0;
  readonly #hash = createHash("sha256");
  /** Lines that are not in the hash yet: it is called seldom. */
  #waiting = "";

  /** `write` gets every line, with its end. */
  constructor(readonly now: () => number, readonly write?: (line: string) => void) {}

  inspected(inspection: Inspection, process: string): void {
    if (inspection.type !== "transition") {
      return this.say(`${process} ${inspection.actor} ${inspection.type} ${inspection.detail}`);
    }
    const { sequence, actor, incarnation, event, cause, snapshot, orders, timers } = inspection;
    const ordered = orders.map(({ type }) => type).join(",");
    const armed = timers.map(({ id, delayMs }) => `${id}=${delayMs ?? "off"}`).join(",");
    this.say(
      `${process} #${sequence} ${actor}.${incarnation} ${event.type} by ${cause.by} -> ${
        JSON.stringify(snapshot.value)
      } [${ordered}] {${armed}}`,
    );
  }

  called(call: Call, outcome: string): void {
    const { from, server, verb, resource, namespace, name, subresource } = call;
    const place = `${resource.resource}/${namespace ?? ""}/${name}${
      subresource === undefined ? "" : `/${subresource}`
    }`;
    this.say(`${from} ${verb} ${place} at ${server}: ${outcome}`);
  }

  say(text: string): void {
    const line = `${this.now()} ${text}\n`;
    this.lines++;
    this.#waiting += line;
    if (this.#waiting.length > 65_536) this.#flush();
    this.write?.(line);
  }

  /** Of all lines so far. */
  digest(): string {
    this.#flush();
    return this.#hash.copy().digest("hex");
  }

  #flush(): void {
    this.#hash.update(this.#waiting);
    this.#waiting = "";
  }
}
