/**
 * The names and signatures of `jsr:@std/assert@1` that the tests use, over `node:assert`, for places where JSR is out
 * of reach. Where it is reachable, map `@std/assert` to `jsr:@std/assert@1` in deno.json: it is a drop-in.
 */
import nodeAssert from "node:assert";

export class AssertionError extends Error {
  override name = "AssertionError";
}

function fail_(standard: string, message: string | undefined): never {
  throw new AssertionError(message === undefined ? standard : `${standard}: ${message}`);
}

export function assert(condition: unknown, message?: string): asserts condition {
  if (!condition) throw new AssertionError(message ?? "Expected a truthy value");
}

export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch (error) {
    fail_((error as Error).message, message);
  }
}

export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  try {
    nodeAssert.notDeepStrictEqual(actual, expected);
  } catch (error) {
    fail_((error as Error).message, message);
  }
}

export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  if (!Object.is(actual, expected)) {
    fail_(`Expected ${Deno.inspect(expected)}, got ${Deno.inspect(actual)}`, message);
  }
}

export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) fail_(`Expected a value, got ${actual}`, message);
}

export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    fail_(`Expected ${JSON.stringify(actual)} to include ${JSON.stringify(expected)}`, message);
  }
}

export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (!expected.test(actual)) fail_(`Expected ${JSON.stringify(actual)} to match ${expected}`, message);
}

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

function checkError<E extends Error>(
  thrown: unknown,
  expected: ErrorClass<E> | undefined,
  includes: string | undefined,
  message: string | undefined,
): E {
  if (!(thrown instanceof Error)) fail_(`Expected an Error to be thrown, got ${Deno.inspect(thrown)}`, message);
  if (expected !== undefined && !(thrown instanceof expected)) {
    fail_(`Expected ${expected.name} to be thrown, got ${thrown.name}: ${thrown.message}`, message);
  }
  if (includes !== undefined && !thrown.message.includes(includes)) {
    fail_(`Expected the error to include ${JSON.stringify(includes)}, got ${JSON.stringify(thrown.message)}`, message);
  }
  return thrown as E;
}

export function assertThrows<E extends Error = Error>(
  body: () => unknown,
  expected?: ErrorClass<E>,
  includes?: string,
  message?: string,
): E {
  try {
    body();
  } catch (thrown) {
    return checkError(thrown, expected, includes, message);
  }
  fail_("Expected a throw", message);
}

export async function assertRejects<E extends Error = Error>(
  body: () => PromiseLike<unknown>,
  expected?: ErrorClass<E>,
  includes?: string,
  message?: string,
): Promise<E> {
  try {
    await body();
  } catch (thrown) {
    return checkError(thrown, expected, includes, message);
  }
  fail_("Expected a rejection", message);
}

export function fail(message?: string): never {
  throw new AssertionError(message ?? "Failed");
}
