/** A watch over WebSocket: the client listens, and whatever it says is passed over. */
import { badRequest } from "../machinery/errors.ts";
import type { WatchSocket } from "../machinery/watch_stream.ts";
import type { UpgradeOffer } from "../server/environment.ts";
import { acceptWebSocket, askedProtocols } from "./upgrades.ts";

/** Any one subprotocol will do, as for kube-apiserver: it changes nothing. @throws ApiError 400 for several */
export async function acceptWatchSocket(offer: UpgradeOffer): Promise<WatchSocket> {
  const [protocol = "", ...others] = askedProtocols(offer);
  if (others.length > 0) throw badRequest("missing or bad WebSocket-Protocol");
  const socket = await acceptWebSocket(offer, protocol);
  socket.on("error", () => socket.terminate());
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (message, sent) => socket.send(message, () => sent()),
    on: (event, listener) => socket.on(event, listener),
    close: (code) => socket.close(code),
    terminate: () => socket.terminate(),
  };
}
