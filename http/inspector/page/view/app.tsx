/** The page around the views: where one is, whether it is live, which time is looked at, files to save and open. */
import { useEffect, useRef } from "preact/hooks";
import { clock } from "../model/words.ts";
import { ActorList } from "./actor_list.tsx";
import { ActorView } from "./actor_view.tsx";
import { ClusterView } from "./cluster_view.tsx";
import { ObjectView } from "./object_view.tsx";
import { objectLink, route } from "./route.ts";
import { known, lookAt, lookedAt, notice, now, openRecording, recorded, status } from "./session.ts";

export function App() {
  const { view, path } = route.value;
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    document.title = `${path === "" ? view : path} · Chartroom inspector`;
    main.current?.focus({ preventScroll: true });
  }, [view, path]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        To the content
      </a>
      <Top view={view} />
      <main ref={main} id="main" tabIndex={-1}>
        <Silent />
        {view === "actors"
          ? <ActorList />
          : view === "actor"
          ? <ActorView key={path} id={path} />
          : view === "object"
          ? <ObjectView key={path} path={path} />
          : <ClusterView />}
      </main>
      <Bottom />
    </>
  );
}

/** Whose actors are not seen: what is shown of them is how they were. */
function Silent() {
  const silent = known().processes.filter(({ problem }) => problem !== undefined);
  return silent.length === 0 ? null : (
    <ul class="silent" role="status" aria-label="Processes that do not answer">
      {silent.map(({ name, problem }) => (
        <li key={name} class="card bad">
          <b>{name} does not answer</b>: {problem}. What runs there is shown as it was last.{" "}
          <a href={objectLink("", name)}>What the cluster makes of it</a>
        </li>
      ))}
    </ul>
  );
}

function Top({ view }: { view: string }) {
  const { hello, counters } = known();
  const at = status.value;
  const item = (name: string, href: string, words: string) => (
    <a href={href} aria-current={view === name ? "page" : undefined}>{words}</a>
  );
  return (
    <header class="top">
      <a class="brand" href="#/cluster">
        Chartroom <span>{recorded.value?.name ?? hello?.cluster ?? ""}</span>
      </a>
      <nav aria-label="Views">{item("cluster", "#/cluster", "Cluster")}{item("actors", "#/actors", "Actors")}</nav>
      <p class={`status ${at.status}`} role="status">
        <span class="mark" aria-hidden="true" />
        {at.words}
      </p>
      {counters !== undefined && (
        <p class="dim numbers">
          {counters.actors} actors · {counters.transitions}{" "}
          events{counters.dropped > 0 ? ` · ${counters.dropped} left out` : ""}
        </p>
      )}
      <button type="button" onClick={switchTheme}>Light/dark</button>
    </header>
  );
}

function switchTheme(): void {
  const root = document.documentElement;
  const isDark = root.dataset["theme"] === undefined
    ? matchMedia("(prefers-color-scheme: dark)").matches
    : root.dataset["theme"] === "dark";
  root.dataset["theme"] = isDark ? "light" : "dark";
}

function Bottom() {
  const { hello } = known();
  const file = useRef<HTMLInputElement>(null);
  const from = recorded.value?.from ?? hello?.historyFrom;
  const to = recorded.value?.to ?? now.value;
  const at = lookedAt.value ?? to;
  const open = async (chosen: File | undefined) => {
    if (chosen === undefined) return;
    try {
      openRecording(chosen.name, await chosen.text());
      location.hash = "#/cluster";
      notice.value = "";
    } catch (error) {
      notice.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <footer class="bottom">
      {from !== undefined && (
        <div class="time" role="group" aria-label="Time of the whole cluster">
          <input
            type="range"
            min={from}
            max={to}
            step={1}
            value={at}
            aria-label="Time"
            aria-valuetext={clock(at)}
            onInput={(event) => lookAt(Number(event.currentTarget.value))}
          />
          <span class="number">{lookedAt.value === undefined ? "now" : clock(at, true)}</span>
          <button type="button" disabled={lookedAt.value === undefined} onClick={() => lookAt(undefined)}>Now</button>
        </div>
      )}
      {notice.value !== "" && <p role="alert">{notice.value}</p>}
      <span class="grow" />
      {recorded.value === undefined && (
        <a class="button" href="recording" download="chartroom-recording.jsonl">Save recording</a>
      )}
      <button type="button" onClick={() => file.current?.click()}>Open recording</button>
      <input
        ref={file}
        class="hidden"
        type="file"
        tabIndex={-1}
        aria-label="Recording file"
        onChange={(event) => open(event.currentTarget.files?.[0])}
      />
    </footer>
  );
}
