/**
 * The listener: one TLS port for HTTP/1.1, HTTP/2, client certificates and upgrades (WebSocket, SPDY/3.1). TLS and
 * HTTP/1.1 are node's, HTTP/2 is our own (`server/http2/`). It listens on the addresses it is given and on no other.
 * What the application sees of it is in `server/environment.ts`.
 */
export {
  answered,
  maxRequestBytes,
  type RawResponse,
  type ServerEnvironment,
  type UpgradeOffer,
} from "./server/environment.ts";
export { type ListenAddress, serve, type ServeOptions, type Server } from "./server/listener.ts";
