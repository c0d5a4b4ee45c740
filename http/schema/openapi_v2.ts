export function openapiV2(): unknown {
  throw new Error("Cannot serve OpenAPI: it is not made yet");
}
