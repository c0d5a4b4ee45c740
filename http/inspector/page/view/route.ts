/** The address: what is looked at stands in the fragment, so that a view can be linked to and gone back to. */
import { signal } from "@preact/signals";

export interface Route {
  readonly view: string;
  /** What follows the view, decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
}

export const route = signal<Route>(parse(location.hash));

addEventListener("hashchange", () => route.value = parse(location.hash));

export function parse(hash: string): Route {
  const text = hash.replace(/^#\/?/, "");
  const at = text.indexOf("?");
  const path = at < 0 ? text : text.slice(0, at);
  const [view = "", ...rest] = path.split("/");
  return {
    view: view === "" ? "cluster" : view,
    path: rest.map(decodeURIComponent).join("/"),
    query: new URLSearchParams(at < 0 ? "" : text.slice(at + 1)),
  };
}

export function actorLink(id: string, tab = ""): string {
  return `#/actor/${id.split("/").map(encodeURIComponent).join("/")}${tab === "" ? "" : `?tab=${tab}`}`;
}

export function objectLink(namespace: string, name: string): string {
  return `#/object/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

export function listLink(query: Readonly<Record<string, string>>): string {
  return `#/actors?${new URLSearchParams(query)}`;
}

/** Changes parts of the query without a new entry in the history. */
export function changeQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const query = new URLSearchParams(route.value.query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(key);
    else query.set(key, value);
  }
  const path = location.hash.split("?")[0] || "#/cluster";
  history.replaceState(null, "", query.size === 0 ? path : `${path}?${query}`);
  route.value = parse(location.hash);
}
