/**
 * Kubernetes quantities (`100m`, `64Mi`, `1.5e3`) as exact numbers: an integer of nano units. What is finer than a
 * nano is rounded up, as Kubernetes does.
 */

export interface Quantity {
  /** The value times 10^9. */
  readonly nano: bigint;
  readonly format: "DecimalSI" | "BinarySI" | "DecimalExponent";
}

const nanoPerUnit = 1_000_000_000n;
const pattern = /^([+-]?)(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/;
const decimalPowers: Readonly<Record<string, number>> = {
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
const binaryPowers: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };
const decimalSuffixes = Object.entries(decimalPowers).sort((a, b) => b[1] - a[1]);
const binarySuffixes = Object.entries(binaryPowers).sort((a, b) => Number(b[1] - a[1]));
/** Larger magnitudes are cut off there, as Kubernetes does (2^63 - 1 units). */
const largest = ((1n << 63n) - 1n) * nanoPerUnit;

/** The texts Kubernetes answers with, for what cannot be read. */
export const quantityPatternText =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** @returns undefined when `text` is no quantity. */
export function parseQuantity(text: string | number): Quantity | undefined {
  const match = pattern.exec(String(text));
  if (match === null) return undefined;
  const [, sign, digits = "", suffix = ""] = match;
  const [wholePart = "", fraction = ""] = digits.split(".");
  let numerator = BigInt(`${wholePart}${fraction}` || "0");
  let denominator = 10n ** BigInt(fraction.length);
  let format: Quantity["format"] = "DecimalSI";
  const shift = binaryPowers[suffix];
  if (shift !== undefined) {
    numerator <<= shift;
    format = "BinarySI";
  } else {
    const exponential = suffix.length > 1 || suffix === "e";
    const power = exponential ? Number(suffix.slice(1)) : decimalPowers[suffix];
    if (power === undefined || Number.isNaN(power) || Math.abs(power) > 400) return undefined;
    if (exponential) format = "DecimalExponent";
    if (power >= 0) numerator *= 10n ** BigInt(power);
    else denominator *= 10n ** BigInt(-power);
  }
  numerator *= nanoPerUnit;
  let nano = numerator / denominator;
  if (numerator % denominator !== 0n) nano += 1n;
  if (nano > largest) nano = largest;
  return { nano: sign === "-" ? -nano : nano, format };
}

/**
 * The value of a quantity that was checked before; what is no quantity counts as zero.
 */
export function quantityOf(text: unknown): Quantity {
  const parsed = typeof text === "string" || typeof text === "number" ? parseQuantity(text) : undefined;
  return parsed ?? { nano: 0n, format: "DecimalSI" };
}

export function compareQuantities(a: Quantity, b: Quantity): -1 | 0 | 1 {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** The sum, in the first one's format; a zero takes the other's. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano - b.nano, format: a.nano === 0n ? b.format : a.format };
}

/** Whole units, rounded up (Go's `Value()`). */
export function quantityValue(quantity: Quantity): bigint {
  return roundUp(quantity.nano, nanoPerUnit);
}

/** Thousandths, rounded up (Go's `MilliValue()`). */
export function quantityMilliValue(quantity: Quantity): bigint {
  return roundUp(quantity.nano, 1_000_000n);
}

export function isIntegerQuantity(quantity: Quantity): boolean {
  return quantity.nano % nanoPerUnit === 0n;
}

function roundUp(value: bigint, unit: bigint): bigint {
  const quotient = value / unit;
  if (value % unit === 0n) return quotient;
  return value > 0n ? quotient + 1n : quotient - 1n;
}

/** Canonical form: no fraction, the largest suffix that leaves none. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return "0";
  const negative = nano < 0n;
  const size = negative ? -nano : nano;
  const text = format === "BinarySI" && size >= 1024n * nanoPerUnit && size % nanoPerUnit === 0n
    ? formatBinary(size / nanoPerUnit)
    : formatDecimal(size, format === "DecimalExponent");
  return negative ? `-${text}` : text;
}

function formatBinary(units: bigint): string {
  for (const [suffix, shift] of binarySuffixes) {
    if (units % (1n << shift) === 0n) return `${units >> shift}${suffix}`;
  }
  return String(units);
}

function formatDecimal(nano: bigint, exponential: boolean): string {
  for (const [suffix, power] of decimalSuffixes) {
    const unit = 10n ** BigInt(power + 9);
    if (nano % unit !== 0n) continue;
    if (!exponential) return `${nano / unit}${suffix}`;
    return power === 0 ? `${nano / unit}` : `${nano / unit}e${power}`;
  }
  throw new Error(`Cannot format quantity: ${nano} nano units have no suffix`);
}

/** The canonical form of a text, or the text itself when it is no quantity. */
export function canonicalQuantity(text: string | number): string {
  const parsed = parseQuantity(text);
  return parsed === undefined ? String(text) : formatQuantity(parsed);
}
