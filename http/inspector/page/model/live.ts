/** The stream over a WebSocket, opened again when it breaks; what was wished is wished again. */
import type { ClientMessage, ServerMessage } from "../../../../ports/inspection.ts";
import type { Listener, Source } from "./source.ts";

const subprotocol = "inspect.chartroom.dev.v1";
const longestWaitMs = 10_000;

export class Live implements Source {
  readonly kind = "live";
  readonly #url: string;
  readonly #listener: Listener;
  #socket: WebSocket | undefined;
  #waitMs = 250;
  #closed = false;
  #watch: ClientMessage & { type: "watch" } | undefined;
  readonly #subscribed = new Map<string, ClientMessage>();
  #unsent: ClientMessage[] = [];
  #session: string | undefined;
  #sequence = 0;
  /** Whether the list of the present wish is there: only that can be taken up again. */
  #listed = false;
  #wasOpen = false;

  constructor(url: string, listener: Listener) {
    this.#url = url;
    this.#listener = listener;
    this.#open();
  }

  send(message: ClientMessage): void {
    if (message.type === "watch") {
      this.#watch = message;
      this.#listed = false;
    }
    if (message.type === "unwatch") this.#watch = undefined;
    if (message.type === "subscribe") this.#subscribed.set(message.id, message);
    if (message.type === "unsubscribe") this.#subscribed.delete(message.id);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
    // Wishes are said again when it opens; only questions wait.
    else if ("request" in message) this.#unsent.push(message);
  }

  close(): void {
    this.#closed = true;
    if (this.#socket === undefined) return;
    // Whoever comes after it is not disturbed by what is still on its way.
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  #open(): void {
    this.#listener.status("connecting", "connecting");
    const socket = this.#socket = new WebSocket(this.#url, subprotocol);
    socket.onopen = () => {
      this.#wasOpen = true;
      this.#waitMs = 250;
      this.#listener.status("open", "live");
      const resume = this.#session === undefined || !this.#listed
        ? {}
        : { resume: { session: this.#session, sequence: this.#sequence } };
      const wishes = [
        ...(this.#watch === undefined ? [] : [{ ...this.#watch, ...resume }]),
        ...this.#subscribed.values(),
        ...this.#unsent,
      ];
      this.#unsent = [];
      for (const wish of wishes) socket.send(JSON.stringify(wish));
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data) as ServerMessage;
      if (message.type === "hello") this.#session = message.session;
      if (message.type === "actors" || message.type === "changes") this.#sequence = message.sequence;
      if (message.type === "actors") this.#listed = message.last;
      this.#listener.message(message);
    };
    socket.onclose = ({ code, reason }) => {
      if (!this.#wasOpen && this.#waitMs > 1000) {
        this.#listener.status(
          "refused",
          "Cannot connect: the server refuses. Open the page anew by `chartroom inspect`.",
        );
      } else {
        this.#listener.status("lost", `connection lost (${reason || code}), trying again`);
      }
      setTimeout(() => this.#closed || this.#open(), this.#waitMs);
      this.#waitMs = Math.min(longestWaitMs, this.#waitMs * 2);
    };
  }
}
