/**
 * Spans to an OpenTelemetry collector, through Deno's own exporter. Off unless Deno was started with OTEL_DENO=true;
 * where to is said by OTEL_EXPORTER_OTLP_ENDPOINT and the other variables of OpenTelemetry.
 */
import { SpanRecorder } from "../actors/inspection/span_recorder.ts";
import type { ActorSystem } from "../actors/system.ts";

/** Where whoever provides OpenTelemetry registers, by its specification of the JavaScript API. */
const provided = Symbol.for("opentelemetry.js.api.1");

/** Nothing is loaded and nobody observes where no spans are asked for. */
export async function sendTraces(system: ActorSystem): Promise<void> {
  if (!(provided in globalThis)) return;
  const { ROOT_CONTEXT, trace } = await import("@opentelemetry/api");
  const recorder = new SpanRecorder({
    tracer: trace.getTracer("chartroom"),
    within: (parent) => trace.setSpanContext(ROOT_CONTEXT, parent),
  });
  system.inspect(recorder.hear);
}
