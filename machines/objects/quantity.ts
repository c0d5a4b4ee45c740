/**
 * Resource quantities ("100m", "1.5Gi", "2e3"), exactly. Values are whole nano-units in a bigint, since Kubernetes
 * rounds anything finer up (resource management docs, "Quantity").
 */
const nano = 1_000_000_000n;
const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

export type QuantityFormat = "decimal" | "binary" | "exponent";

export interface Quantity {
  /** In units of 10^-9. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

/** What Kubernetes says of text that is no quantity. */
export const quantityError =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/;

/** The quantity, or undefined when the text is none. Numbers are taken as they print. */
export function parseQuantity(input: string | number): Quantity | undefined {
  const match = pattern.exec(String(input));
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", suffix = "", exponent] = match;
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(whole + fraction || "0");
  let numerator = digits * nano;
  let denominator = 10n ** BigInt(fraction.length);
  let format: QuantityFormat = "decimal";
  const binary = binaryExponents[suffix];
  if (binary !== undefined) {
    numerator <<= BigInt(binary);
    format = "binary";
  } else {
    const power = exponent === undefined ? decimalExponents[suffix] ?? 0 : Number(exponent);
    if (exponent !== undefined) format = "exponent";
    if (!Number.isSafeInteger(power) || Math.abs(power) > 1000) return undefined;
    if (power >= 0) numerator *= 10n ** BigInt(power);
    else denominator *= 10n ** BigInt(-power);
  }
  const magnitude = ceilDivide(numerator, denominator);
  return { nanos: sign === "-" ? -magnitude : magnitude, format };
}

function ceilDivide(a: bigint, b: bigint): bigint {
  return a >= 0n ? (a + b - 1n) / b : -(-a / b);
}

/** The value in nano-units; 0 for an absent quantity. @throws Error on text that is no quantity. */
export function nanosOf(input: string | number | undefined): bigint {
  if (input === undefined) return 0n;
  const quantity = parseQuantity(input);
  if (quantity === undefined) throw new Error(`Cannot read quantity "${input}": ${quantityError}`);
  return quantity.nanos;
}

/** Whole units, rounded up, as a number: bytes, counts. */
export function wholeOf(input: string | number | undefined): number {
  return Number(ceilDivide(nanosOf(input), nano));
}

/** Thousandths, rounded up, as a number: millicores. */
export function milliOf(input: string | number | undefined): number {
  return Number(ceilDivide(nanosOf(input), 1_000_000n));
}

/** Negative, zero or positive as `a` is less than, equal to or more than `b`. */
export function compareQuantities(a: string | number, b: string | number): number {
  const left = nanosOf(a), right = nanosOf(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The sum, in the format of the first that is not zero. */
export function addQuantities(a: string | number, b: string | number): string {
  const left = parseQuantity(a), right = parseQuantity(b);
  if (left === undefined || right === undefined) throw new Error(`Cannot add quantities "${a}" and "${b}"`);
  return formatQuantity({ nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format });
}

/** The canonical text: no fraction, the largest suffix without loss. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return "0";
  const sign = nanos < 0n ? "-" : "";
  const magnitude = nanos < 0n ? -nanos : nanos;
  if (format === "binary" && magnitude > 1024n * nano - 1n) {
    let value = ceilDivide(magnitude, nano);
    let step = 0;
    while (value % 1024n === 0n && step < binarySuffixes.length - 1) {
      value /= 1024n;
      step += 1;
    }
    return `${sign}${value}${binarySuffixes[step]}`;
  }
  let value = magnitude;
  let step = 0;
  while (value % 1000n === 0n && step < decimalSuffixes.length - 1) {
    value /= 1000n;
    step += 1;
  }
  if (format === "exponent") return step === 3 ? `${sign}${value}` : `${sign}${value}e${step * 3 - 9}`;
  return `${sign}${value}${decimalSuffixes[step]}`;
}

/** The canonical text of a quantity; undefined when the input is none. */
export function canonicalQuantity(input: string | number): string | undefined {
  const quantity = parseQuantity(input);
  return quantity === undefined ? undefined : formatQuantity(quantity);
}
