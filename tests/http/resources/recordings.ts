/** Recorded answers of a Kubernetes 1.36 server, read where they are present (`CHARTROOM_ORACLE`). */
import type { KubeObject } from "../../../machines/objects/object.ts";

export interface RecordedCause {
  readonly reason: string;
  readonly field?: string;
  readonly message: string;
}

export interface Mutant {
  readonly path: readonly (string | number)[];
  readonly how: string;
  readonly code: number;
  readonly reason?: string;
  readonly message?: string;
  /** `Warning` headers. */
  readonly warnings?: readonly string[];
  readonly details?: { readonly causes?: readonly RecordedCause[] };
}

interface Answer<T> {
  readonly code: number;
  readonly body: T;
}

export interface Table {
  readonly columnDefinitions: readonly {
    name: string;
    type: string;
    format: string;
    description: string;
    priority: number;
  }[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

export interface Recording {
  /** `00_v1_Pod`. */
  readonly name: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly manifest: KubeObject;
  readonly create: { readonly mutants: readonly Mutant[]; readonly response?: Answer<KubeObject> };
  readonly update: { readonly mutants?: readonly Mutant[] };
  readonly get?: Answer<KubeObject>;
  readonly table?: Answer<Table>;
}

export function oracle(): string {
  const set = Deno.env.get("CHARTROOM_ORACLE");
  return set ?? new URL("../../../../shared/oracle", import.meta.url).pathname;
}

/** Every recorded kind; empty, with a note, where there is no recording. */
export function recordings(): Recording[] {
  const folder = `${oracle()}/kinds`;
  let names: string[];
  try {
    names = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`Recorded answers are not compared: there is no ${folder}`);
    return [];
  }
  return names.map((name) => ({
    ...JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)),
    name: name.replace(/\.json$/, ""),
  }));
}

export function readOracle<T>(file: string): T | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(`${oracle()}/${file}`)) as T;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`Recorded answers are not compared: there is no ${oracle()}/${file}`);
    return undefined;
  }
}
