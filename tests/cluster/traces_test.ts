/** What a cluster tells a collector of OpenTelemetry, in OTLP as Deno exports it. */
import { assert, assertEquals } from "@std/assert";
import { TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";

const ignore = clientsMissing("kubectl");

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

interface Export {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly scope: { name: string }; readonly spans: readonly Span[] }[];
  }[];
}

/** Takes what is exported over HTTP as JSON. */
function collector() {
  const spans: Span[] = [];
  let texts = "";
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const text = await request.text();
    if (new URL(request.url).pathname === "/v1/traces") {
      texts += text;
      for (const { scopeSpans } of (JSON.parse(text) as Export).resourceSpans) {
        for (const { scope, spans: told } of scopeSpans) if (scope.name === "chartroom") spans.push(...told);
      }
    }
    return Response.json({});
  });
  return { spans, port: server.addr.port, said: () => texts, stop: () => server.shutdown() };
}

const attribute = (span: Span, key: string) => span.attributes.find((each) => each.key === key)?.value.stringValue;

Deno.test({
  name: "a cluster sends a collector one trace of a pod, from the kubelet's first look to Ready, and no secret",
  ignore,
  fn: async () => {
    const { spans, port, said, stop } = collector();
    const env = {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "100",
    };
    try {
      await using cluster = await TestCluster.start({ nodes: 1, flags: ["--runtime", "simulated"], env });
      await cluster.kubectl.ok("wait --for=create serviceaccount/default --timeout=20s");
      await cluster.kubectl.ok("create secret generic hidden --from-literal=key=s3cr3t-planted");
      await cluster.kubectl.ok("run web --image=busybox:1 --env=KEY=s3cr3t-planted");
      await cluster.kubectl.ok("wait --for=condition=Ready pod/web --timeout=30s");
      const chain = await eventually("the trace of the pod's start is there", () => {
        const ready = spans.find((span) =>
          attribute(span, "chartroom.name")?.startsWith("web") &&
          attribute(span, "chartroom.state") === "running.up.ready"
        );
        assert(ready !== undefined, spans.slice(-50).map(({ name }) => name).join());
        return spans.filter(({ traceId }) => traceId === ready.traceId);
      });
      const kinds = new Set(chain.map((span) => attribute(span, "chartroom.kind")));
      for (const kind of ["informer", "pod", "container", "podStatus"]) assert(kinds.has(kind), [...kinds].join());
      const known = new Set(chain.map(({ spanId }) => spanId));
      assertEquals(
        chain.filter(({ parentSpanId = "" }) => parentSpanId !== "" && !known.has(parentSpanId)).map(({ name }) =>
          name
        ),
        [],
      );
      assertEquals(said().includes("s3cr3t-planted"), false);
    } finally {
      await stop();
    }
  },
});
