export function openapiV3Index(): unknown {
  throw new Error("Cannot serve OpenAPI: it is not made yet");
}
export function openapiV3(_path: string): unknown {
  throw new Error("Cannot serve OpenAPI: it is not made yet");
}
