import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { withSocketToken } from "../../../http/server/socket_token.ts";

const of = (token: string) => `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString("base64url")}`;

const rows: { rule: string; protocols: string; authorization?: string; becomes: string; left: string | undefined }[] = [
  {
    rule: "is taken out and becomes a header",
    protocols: `${of("abc.def")}, v5`,
    becomes: "Bearer abc.def",
    left: "v5",
  },
  { rule: "may stand anywhere", protocols: `a, ${of("t")}, b`, becomes: "Bearer t", left: "a, b" },
  { rule: "needs another subprotocol beside it", protocols: of("t"), becomes: "Bearer unreadable", left: undefined },
  { rule: "is refused twice", protocols: `${of("t")}, ${of("u")}, a`, becomes: "Bearer unreadable", left: "a" },
  {
    rule: "is refused when it is no base64",
    protocols: "base64url.bearer.authorization.k8s.io.a+b=, a",
    becomes: "Bearer unreadable",
    left: "a",
  },
  { rule: "cannot end the header", protocols: `${of("t\r\nx-a: b")}, a`, becomes: "Bearer unreadable", left: "a" },
  { rule: "yields to a header", protocols: `${of("t")}, a`, authorization: "Bearer h", becomes: "Bearer h", left: "a" },
];

for (const { rule, protocols, authorization, becomes, left } of rows) {
  Deno.test(`a token among the subprotocols ${rule}`, () => {
    const headers = { "sec-websocket-protocol": protocols, ...(authorization === undefined ? {} : { authorization }) };
    const after = withSocketToken(headers);
    assertEquals([after["authorization"], after["sec-websocket-protocol"]], [becomes, left]);
  });
}

Deno.test("subprotocols without a token are left as they are", () => {
  const headers = { "sec-websocket-protocol": "v5.channel.k8s.io" };
  assertEquals(withSocketToken(headers), headers);
});
