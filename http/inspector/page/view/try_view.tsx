/** Sends an event to an actor, where the server allows it: the events possible now are offered. */
import { useState } from "preact/hooks";
import type { ActorDetail, Json } from "../../../../ports/inspection.ts";
import { ask } from "./session.ts";

export function Try({ detail }: { detail: ActorDetail }) {
  const [type, setType] = useState(detail.possible[0]?.type ?? "");
  const [params, setParams] = useState("{}");
  const [answer, setAnswer] = useState("");
  const send = async () => {
    try {
      const event = { ...JSON.parse(params) as Record<string, Json>, type };
      await ask<"sent">({ type: "send", id: detail.row.id, event });
      setAnswer(`${type} was sent.`);
    } catch (error) {
      setAnswer(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <form
      class="try"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <p class="warning">An event sent here is believed: the actor acts on it as if it had happened.</p>
      <label>
        Event
        <select value={type} onChange={(event) => setType(event.currentTarget.value)}>
          {detail.possible.map(({ type, guard, targets, expected }) => (
            <option key={`${type} ${guard} ${targets}`} value={type}>
              {type}
              {guard === undefined ? "" : ` if ${guard}`}
              {targets.length === 0 ? "" : `: to ${targets.join(", ")}`}
              {expected ? " (comes by itself)" : ""}
            </option>
          ))}
        </select>
      </label>
      <label>
        What it says, as JSON<textarea
          rows={5}
          value={params}
          onInput={(event) => setParams(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={type === ""}>Send</button>
      <p role="status">{answer}</p>
    </form>
  );
}
