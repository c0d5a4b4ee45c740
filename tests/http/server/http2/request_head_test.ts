import { assertEquals } from "@std/assert";
import { requestHead } from "../../../../http/server/http2/request_head.ts";

const good = [":method", "GET", ":scheme", "https", ":path", "/api?x=1", ":authority", "host:1"];

Deno.test("requestHead gives headers as node does: lists joined, the first of what is single", () => {
  const head = requestHead([
    ...good,
    ...["accept", "a", "accept", "b", "cookie", "x=1", "cookie", "y=2", "authorization", "first"],
    ...["authorization", "second", "content-length", "5", "te", "trailers"],
  ])!;
  assertEquals({ ...head, headers: { ...head.headers } }, {
    method: "GET",
    path: "/api?x=1",
    contentLength: 5,
    headers: {
      ":method": "GET",
      ":scheme": "https",
      ":path": "/api?x=1",
      ":authority": "host:1",
      accept: "a, b",
      cookie: "x=1; y=2",
      authorization: "first",
      "content-length": "5",
      te: "trailers",
    },
  });
});

const malformed: Record<string, string[]> = {
  "no method": good.slice(2),
  "no scheme": [...good.slice(0, 2), ...good.slice(4)],
  "no path": [...good.slice(0, 4), ...good.slice(6)],
  "a pseudo header twice": [...good, ":method", "GET"],
  "a pseudo header of responses": [...good, ":status", "200"],
  "a pseudo header behind others": [...good.slice(2), "accept", "a", ":method", "GET"],
  "upper case in a name": [...good, "Accept", "a"],
  "a name that is none": [...good, "a b", "c"],
  "an empty name": [...good, "", "c"],
  "what belongs to HTTP/1.1": [...good, "connection", "close"],
  "a transfer encoding": [...good, "transfer-encoding", "chunked"],
  "te with anything but trailers": [...good, "te", "gzip"],
  "a line feed in a value": [...good, "accept", "a\nb: c"],
  "two lengths": [...good, "content-length", "1", "content-length", "2"],
  "a length that is none": [...good, "content-length", "-1"],
  "a path that does not begin with a slash": [":method", "GET", ":scheme", "https", ":path", "api"],
  "a path with a space": [":method", "GET", ":scheme", "https", ":path", "/a b"],
  "a method that is none": [":method", "G T", ":scheme", "https", ":path", "/"],
};
for (const [name, fields] of Object.entries(malformed)) {
  Deno.test(`requestHead refuses ${name}`, () => assertEquals(requestHead(fields), undefined));
}
