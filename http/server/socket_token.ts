/**
 * Browsers can give a WebSocket no headers, so that they send the bearer token as a subprotocol beside the one they mean
 * (apiserver's `websocket` authenticator). It is taken out of the offer: nobody behind must see it.
 */
import { Buffer } from "node:buffer";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

const prefix = "base64url.bearer.authorization.k8s.io.";
const name = "sec-websocket-protocol";

/**
 * The headers with the token where it belongs. What is no token (unreadable, given twice, or with no other subprotocol
 * beside it) becomes credentials that nobody has, so that the request is refused and not anonymous.
 */
export function withSocketToken(headers: Headers): Headers {
  const sent = headers[name];
  const asked = (Array.isArray(sent) ? sent.join(",") : sent ?? "").split(",").map((one) => one.trim());
  const tokens = asked.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
  if (tokens.length === 0) return headers;
  const { [name]: _, ...rest } = headers;
  const others = asked.filter((one) => !one.startsWith(prefix) && one !== "");
  const kept = others.length === 0 ? rest : { ...rest, [name]: others.join(", ") };
  if (rest["authorization"] !== undefined) return kept;
  const token = tokens.length === 1 && others.length > 0 ? decoded(tokens[0]!) : undefined;
  return { ...kept, authorization: `Bearer ${token ?? "unreadable"}` };
}

function decoded(text: string): string | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  const token = bytes.toString("utf8");
  // Spaces and line ends have no place in a header.
  return Buffer.from(token).equals(bytes) && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
}
