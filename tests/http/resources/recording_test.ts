import { assertEquals } from "@std/assert";
import type { FieldError, Resource } from "../../../http/machinery/types.ts";
import { checkExpression } from "../../../http/admission/policies/expression_check.ts";
import { createResources } from "../../../http/resources/built_in.ts";
import { deviations, differentCells, differentDumps, filledElsewhere } from "./deviations.ts";
import { mutate } from "./mutate.ts";
import { create, update } from "./pipeline.ts";
import { type Mutant, type RecordedCause, type Recording, recordings } from "./recordings.ts";

const builtInResources = createResources({ cel: checkExpression });

function rowOf({ apiVersion, kind }: Recording): Resource {
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  const row = builtInResources.find((each) => each.group === group && each.version === version && each.kind === kind);
  if (row === undefined) throw new Error(`Cannot compare ${apiVersion} ${kind}: the table has no such row`);
  return row;
}

const drawnBy = (recording: Recording) => ({
  uid: recording.create.response?.body?.metadata?.uid ?? "",
  namespace: recording.create.response?.body?.metadata?.namespace ?? "recorded",
});

const told = ({ reason, field, message }: FieldError | RecordedCause): string => `${reason} ${field}: ${message}`;

/** Without dumps of Go's inner types and without differences of two of them. */
function withoutDump(text: string): string {
  const value = text.replace(/( (?:Invalid|Unsupported|Duplicate) value: )(?:[[{].*[\]}]|null)(?=: |$)/s, "$1{…}");
  return value.split("\n")[0] ?? "";
}

interface Comparison {
  readonly compared: number;
  readonly exact: number;
  readonly dumps: number;
  readonly different: readonly string[];
}

/** Every mutant that was decoded, against what the row says. */
function compare(recording: Recording): Comparison {
  const row = rowOf(recording);
  const drawn = drawnBy(recording);
  const outcome = { compared: 0, exact: 0, dumps: 0, different: [] as string[] };
  const judge = (operation: "create" | "update", mutant: Mutant): void => {
    // 400 and the like are said by the decoder or by admission.
    if (mutant.code >= 400 && mutant.code !== 422) return;
    const base = operation === "create" ? recording.manifest : recording.get?.body;
    const changed = base === undefined ? undefined : mutate(base, mutant);
    if (base === undefined || changed === undefined) {
      throw new Error(`Cannot make mutant "${mutant.how}" of ${recording.name}`);
    }
    const { errors } = operation === "create" ? create(row, changed, drawn) : update(row, changed, base);
    const wanted = (mutant.code === 422 ? mutant.details?.causes ?? [] : []).map(told);
    const got = errors.map(told);
    outcome.compared++;
    if (same(wanted, got)) outcome.exact++;
    else if (same(wanted.map(withoutDump), got.map(withoutDump))) outcome.dumps++;
    else outcome.different.push(`${operation} ${mutant.path.join(".")} ${mutant.how}`);
  };
  for (const mutant of recording.create.mutants) judge("create", mutant);
  for (const mutant of recording.update.mutants ?? []) judge("update", mutant);
  return outcome;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}

for (const recording of recordings()) {
  Deno.test(`${recording.name} refuses what the recorded server refused, with the same causes`, () => {
    const { compared, exact, dumps, different } = compare(recording);
    const share = compared === 0 ? 100 : 100 * (exact + dumps) / compared;
    console.log(`${recording.name}: ${exact} of ${compared} exact, ${dumps} but for a dump, ${share.toFixed(1)} %`);
    const known = deviations.filter((each) => each.recording === recording.name).map((each) => each.request);
    assertEquals([...different].sort(), [...known].sort());
    assertEquals(dumps, differentDumps[recording.name] ?? 0);
  });
}

/** Warnings of the server as a whole, not of the row. */
const isGeneral = (warning: string): boolean => / is deprecated in v1\./.test(warning);

for (const recording of recordings()) {
  Deno.test(`${recording.name} warns as the recorded server does`, () => {
    const row = rowOf(recording);
    const old = recording.get?.body;
    const judge = (operation: "create" | "update", mutant: Mutant): void => {
      if (mutant.code !== 200 && mutant.code !== 201) return;
      const base = operation === "create" ? recording.manifest : old;
      const changed = base === undefined ? undefined : mutate(base, mutant);
      if (base === undefined || changed === undefined) return;
      const { object } = operation === "create" ? create(row, changed, drawnBy(recording)) : update(row, changed, base);
      const warnings = row.strategy.warnings?.(object, operation === "create" ? undefined : base) ?? [];
      const wanted = [mutant.warnings ?? []].flat().filter((warning) => !isGeneral(warning)).join(", ");
      const got = warnings.map((warning) => `299 - ${JSON.stringify(warning)}`).join(", ");
      assertEquals(got, wanted, `${operation} ${mutant.path.join(".")} ${mutant.how}`);
    };
    for (const mutant of recording.create.mutants) judge("create", mutant);
    for (const mutant of recording.update.mutants ?? []) judge("update", mutant);
  });
}

/** Paths at which two decoded objects differ. */
function differences(a: unknown, b: unknown, at = ""): string[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  if (!isObject(a) || !isObject(b)) return [at];
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].flatMap((name) => differences(a[name], b[name], `${at}.${name}`));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

for (const recording of recordings()) {
  const response = recording.create.response;
  const row = rowOf(recording);
  if (response?.code !== 201 || row.answer !== undefined) continue;
  Deno.test(`${recording.name} gets the recorded server's defaults`, () => {
    const { object } = create(row, recording.manifest, drawnBy(recording));
    const different = differences(object, response.body).filter((path) =>
      !filledElsewhere.some((each) => each.test(path))
    );
    assertEquals(different, []);
  });
  Deno.test(`${recording.name} counts generations as the recorded server does`, () => {
    const counts = row.strategy.hasGeneration ?? response.body["spec"] !== undefined;
    assertEquals(counts, response.body.metadata.generation !== undefined);
  });
}

for (const recording of recordings()) {
  const { table, get } = recording;
  if (table === undefined || get === undefined) continue;
  Deno.test(`${recording.name} shows the recorded server's columns`, () => {
    const { columns } = rowOf(recording);
    const shown = columns.map(({ name, type, format, description, priority }) => ({
      name,
      type,
      format,
      description,
      priority,
    }));
    assertEquals(shown, [...table.body.columnDefinitions]);
    if (differentCells.includes(recording.name)) return;
    // The table was read a moment after the object was made.
    const now = Date.parse(get.body.metadata.creationTimestamp);
    const cells = columns.map((column) => column.cell(get.body, now));
    const recorded = (table.body.rows[0]?.cells ?? []).map((cell) => cell === "1s" ? "0s" : cell);
    assertEquals(cells, recorded);
  });
}

function deepFreeze(value: unknown): void {
  if (!isObject(value) || Object.isFrozen(value)) return;
  Object.freeze(value);
  Object.values(value).forEach(deepFreeze);
}

for (const recording of recordings()) {
  const { get } = recording;
  if (get === undefined) continue;
  Deno.test(`${recording.name} is defaulted once and for all, and an update leaves the old object alone`, () => {
    const row = rowOf(recording);
    const { object } = create(row, recording.manifest, drawnBy(recording));
    const again = structuredClone(object);
    row.strategy.setDefaults?.(again);
    assertEquals(again, object);
    const old = structuredClone(get.body);
    deepFreeze(old);
    assertEquals(update(row, get.body, old).errors, []);
  });
}
