/** What the server knows of types, custom ones included: they come and go while it runs. */
import type { FieldType } from "../../machines/objects/field_type.ts";
import type { JsonObject } from "../../machines/objects/json.ts";
import type { Decoded, FieldValidation, GroupVersionKind, SchemaAccess } from "../machinery/schema_access.ts";
import { customFieldType, type StructuralSchema } from "../schema/custom_field_types.ts";
import { customOpenapiV3 } from "../schema/custom_openapi.ts";
import type { Definition, DefinitionVersion } from "./definition.ts";
import type { JsonSchema } from "./json_schema.ts";
import { prune } from "./structure.ts";

interface Kind {
  readonly definition: Definition;
  readonly version: DefinitionVersion;
  readonly schema: JsonSchema;
  readonly type: FieldType;
}

const keyOf = ({ group, version, kind }: GroupVersionKind): string => `${group}/${version}/${kind}`;

export class CustomSchema implements SchemaAccess {
  readonly #kinds = new Map<string, Kind>();
  readonly openapiV2Protobuf: NonNullable<SchemaAccess["openapiV2Protobuf"]>;
  readonly protobuf: SchemaAccess["protobuf"];

  /** Counts what came and went. */
  revision = 0;

  constructor(readonly builtIn: SchemaAccess) {
    this.openapiV2Protobuf = () => builtIn.openapiV2Protobuf!();
    this.protobuf = builtIn.protobuf;
  }

  add(definition: Definition, version: DefinitionVersion): void {
    this.revision++;
    const { group, names } = definition.spec;
    const schema = version.schema?.openAPIV3Schema ?? {};
    const type = customFieldType(schema as StructuralSchema);
    this.#kinds.set(keyOf({ group, version: version.name, kind: names.kind }), { definition, version, schema, type });
  }

  remove(definition: Definition, version: DefinitionVersion): void {
    this.revision++;
    const { group, names } = definition.spec;
    this.#kinds.delete(keyOf({ group, version: version.name, kind: names.kind }));
  }

  decode(
    bytes: Uint8Array,
    contentType: string,
    expected: GroupVersionKind | undefined,
    validation: FieldValidation,
  ): Decoded {
    return this.#pruned(this.builtIn.decode(bytes, contentType, expected, validation), expected, validation);
  }

  decodeValue(value: unknown, expected: GroupVersionKind, validation: FieldValidation): Decoded {
    return this.#pruned(this.builtIn.decodeValue(value, expected, validation), expected, validation);
  }

  #pruned(decoded: Decoded, expected: GroupVersionKind | undefined, validation: FieldValidation): Decoded {
    const kind = expected === undefined ? undefined : this.#kinds.get(keyOf(expected));
    if (kind === undefined || kind.definition.spec.preserveUnknownFields === true) return decoded;
    const unknown = prune(decoded.object as unknown as JsonObject, kind.schema);
    if (validation === "Ignore" || unknown.length === 0) return decoded;
    const errors = [...decoded.errors, ...unknown.map((field) => `unknown field ${JSON.stringify(field)}`)];
    return { object: decoded.object, errors };
  }

  typeOf(gvk: GroupVersionKind): FieldType | undefined {
    return this.#kinds.get(keyOf(gvk))?.type ?? this.builtIn.typeOf(gvk);
  }

  openapiV2(): unknown | Promise<unknown> {
    return this.builtIn.openapiV2();
  }

  async openapiV3Index(): Promise<unknown> {
    const index = await this.builtIn.openapiV3Index() as { paths: Record<string, unknown> };
    const custom = [...this.#groupVersions()].map(([path, kinds]) => {
      const url = `/openapi/v3/${path}?hash=${hashOf(kinds)}`;
      return [path, { serverRelativeURL: url }] as const;
    });
    return { ...index, paths: { ...index.paths, ...Object.fromEntries(custom) } };
  }

  openapiV3(path: string): unknown | Promise<unknown> {
    const kinds = this.#groupVersions().get(path);
    if (kinds === undefined) return this.builtIn.openapiV3(path);
    const { definition, version } = kinds[0]!;
    return customOpenapiV3(
      definition.spec.group,
      version.name,
      kinds.map(({ definition: { spec: { names, scope } }, schema, version }) => ({
        kind: names.kind,
        listKind: names.listKind ?? `${names.kind}List`,
        plural: names.plural,
        namespaced: scope === "Namespaced",
        schema: schema as StructuralSchema,
        subresources: (["status", "scale"] as const).filter((name) => version.subresources?.[name] !== undefined),
      })),
    );
  }

  #groupVersions(): Map<string, Kind[]> {
    return Map.groupBy(
      this.#kinds.values(),
      ({ definition, version }) => `apis/${definition.spec.group}/${version.name}`,
    );
  }
}

/** Different when a document could be: clients keep what they read under its address. */
function hashOf(kinds: readonly Kind[]): string {
  return kinds.map(({ definition: { metadata: { uid, generation } } }) => `${uid.slice(0, 8)}.${generation}`).join("-");
}
