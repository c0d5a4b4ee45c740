import { assertEquals } from "@std/assert";
import { expired, isFull, putAsideName } from "../../../machines/audit/log_rotation.ts";

const day = 86_400_000;
const now = Date.UTC(2026, 0, 10, 12);
const limits = { maxBytes: 100, maxFiles: 2, maxAgeDays: 3 };

Deno.test("isFull asks for a new log when the old one would grow too large, and never for an empty one", () => {
  const asked = [[0, 500], [60, 40], [60, 41]].map(([size, added]) => isFull(size!, added!, limits));
  assertEquals([...asked, isFull(1e9, 1, { ...limits, maxBytes: 0 })], [false, false, true, false]);
});

Deno.test("expired names the logs put aside that are too old or too many, and nobody else's files", () => {
  const aside = [1, 2, 3, 4, 5].map((days) => putAsideName("audit.log", now - days * day + 1));
  const others = ["audit.log", "audit-notes.log", "audit.master-1-2020-01-02T03-04-05.678.log", "audit.log.gz"];
  assertEquals(aside[0], "audit-2026-01-09T12-00-00.001.log");
  const present = [...others, ...aside].sort();
  assertEquals(expired("audit.log", present, now, { ...limits, maxAgeDays: 0 }), aside.slice(2));
  assertEquals(expired("audit.log", present, now, { ...limits, maxFiles: 0 }), aside.slice(3));
  assertEquals(expired("audit.log", present, now, { maxBytes: 0, maxFiles: 0, maxAgeDays: 0 }), []);
});
