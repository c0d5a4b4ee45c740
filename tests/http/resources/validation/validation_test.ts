import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { fromStored, toStored } from "../../../../http/resources/autoscaling_versions.ts";
import { cronError, isTimeZone } from "../../../../http/resources/validation/cron.ts";
import {
  duplicate,
  invalid,
  notSupported,
  path,
  quoted,
  required,
  tooLong,
} from "../../../../http/resources/validation/field.ts";
import { formatAddress, parseAddress, parseRange } from "../../../../http/resources/validation/ip.ts";
import { formatSelector, selectorMatches } from "../../../../http/resources/validation/labels.ts";
import type { KubeObject } from "../../../../machines/objects/object.ts";

Deno.test("a path is written as Kubernetes writes it", () => {
  assertEquals(path("spec").child("containers").index(0).child("image").toString(), "spec.containers[0].image");
  assertEquals(path("spec", "hard").key("requests.cpu").toString(), "spec.hard[requests.cpu]");
});

const at = path("f");
const messages: [string, { message: string }, string][] = [
  ["a missing value", required(at, "say more"), "Required value: say more"],
  ["a text", invalid(at, 'a"b\n', "bad"), 'Invalid value: "a\\"b\\n": bad'],
  ["a number", invalid(at, -1, "bad"), "Invalid value: -1: bad"],
  ["nothing", invalid(at, null, "bad"), "Invalid value: null: bad"],
  ["an object", invalid(at, { a: 1 }, "bad"), 'Invalid value: {"a":1}: bad'],
  ["choices", notSupported(at, "x", ["A", "B"]), 'Unsupported value: "x": supported values: "A", "B"'],
  ["a repetition", duplicate(at, "x"), 'Duplicate value: "x"'],
  ["a length", tooLong(at, 63), "Too long: may not be more than 63 bytes"],
];
for (const [name, { message }, text] of messages) {
  Deno.test(`an error tells ${name} in Kubernetes' form`, () => assertEquals(message, text));
}

Deno.test("quoted escapes what Go's %q escapes", () => assertEquals(quoted("\t\x01é"), '"\\t\\x01é"'));

const schedules: [schedule: string, error: string | undefined][] = [
  ["*/5 * * * *", undefined],
  ["0 0 1,15 jan-mar MON-fri", undefined],
  ["@daily", undefined],
  ["@every 1h30m", undefined],
  ["@sometimes", "unrecognized descriptor: @sometimes"],
  ["* * *", "expected exactly 5 fields, found 3: [* * *]"],
  ["60 * * * *", "end of range (60) above maximum (59): 60"],
  ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
  ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
  ["*/0 * * * *", "step of range should be a positive number: */0"],
  ["x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
];
for (const [schedule, error] of schedules) {
  Deno.test(`cronError reads ${schedule}`, () => assertEquals(cronError(schedule), error));
}

Deno.test("isTimeZone knows zones by name only", () => {
  assertEquals(["Etc/UTC", "Europe/Berlin", "Mars/Base", "+01:00"].map(isTimeZone), [true, true, false, false]);
});

Deno.test("formatAddress and parseAddress are each other's inverse", () => {
  const v6 = fc.bigInt(0n, (1n << 128n) - 1n).map((value) => ({ family: "IPv6" as const, value }));
  const v4 = fc.bigInt(0n, (1n << 32n) - 1n).map((value) => ({ family: "IPv4" as const, value }));
  fc.assert(fc.property(fc.oneof(v4, v6), (address) => {
    assertEquals(parseAddress(formatAddress(address)), address);
  }));
});

const addresses: [text: string, canonical: string | undefined][] = [
  ["10.0.0.1", "10.0.0.1"],
  ["010.0.0.1", undefined],
  ["1.2.3", undefined],
  ["::", "::"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["::ffff:1.2.3.4", "::ffff:102:304"],
  ["1::2::3", undefined],
  ["1:2:3:4:5:6:7:8:9", undefined],
];
for (const [text, canonical] of addresses) {
  Deno.test(`parseAddress reads ${text}`, () => {
    const address = parseAddress(text);
    assertEquals(address === undefined ? undefined : formatAddress(address), canonical);
  });
}

Deno.test("parseRange wants a length that fits its family", () => {
  assertEquals(
    ["10.0.0.0/8", "10.0.0.0/33", "::/64", "10.0.0.0", "10.0.0.0/08"].map((text) => parseRange(text)?.bits),
    [8, undefined, 64, undefined, undefined],
  );
});

Deno.test("a selector is shown sorted by name and matches what it says", () => {
  const selector = {
    matchLabels: { b: "1" },
    matchExpressions: [{ key: "a", operator: "In", values: ["y", "x"] }, { key: "c", operator: "DoesNotExist" }],
  };
  assertEquals(formatSelector(selector), "a in (x,y),b=1,!c");
  assertEquals(selectorMatches(selector, { a: "x", b: "1" }), true);
  assertEquals(selectorMatches(selector, { a: "x", b: "1", c: "" }), false);
});

Deno.test("an autoscaler survives the way from v1 to v2 and back", () => {
  const v2 = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "x", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      maxReplicas: 4,
      scaleTargetRef: { kind: "Deployment", name: "d", apiVersion: "apps/v1" },
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
        { type: "Pods", pods: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "1" } } },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
    },
    status: { currentReplicas: 1, desiredReplicas: 2, currentMetrics: null },
  } as KubeObject;
  const v1 = fromStored(v2);
  assertEquals((v1["spec"] as Record<string, unknown>)["targetCPUUtilizationPercentage"], 50);
  assertEquals(toStored(v1), v2);
});
