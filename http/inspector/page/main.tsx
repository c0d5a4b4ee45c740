/** Begins: exchanges the one-time token, then opens the stream, or the recording that the address names. */
import { render } from "preact";
import { App } from "./view/app.tsx";
import { notice, openLive, openRecording } from "./view/session.ts";

async function begin(): Promise<void> {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (token !== undefined) {
    history.replaceState(null, "", "#/cluster");
    const answer = await fetch("login", { method: "POST", body: JSON.stringify({ token: decodeURIComponent(token) }) });
    if (!answer.ok) {
      notice.value = "Cannot sign in: the link was used already or is too old. Run `chartroom inspect` again.";
    }
  }
  const recording = /^#recording=(.+)$/.exec(location.hash)?.[1];
  if (recording !== undefined) {
    history.replaceState(null, "", "#/cluster");
    const answer = await fetch(new URL(decodeURIComponent(recording), location.href));
    openRecording(recording.split("/").at(-1) ?? "recording", await answer.text());
    return;
  }
  const url = new URL("stream", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  openLive(url.href);
}

await begin().catch((error: unknown) => notice.value = error instanceof Error ? error.message : String(error));
render(<App />, document.body);
