/** Definitions of OpenAPI v3 with their descriptions. */
import { definition, type OpenApiSchema } from "./definitions.ts";
import { descriptionsOf, typeMetaDescriptions } from "./descriptions.ts";

/** The package declares this type as a bare alias. */
const quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const quantityText =
  "A fixed-point number with an optional suffix, such as `100m`, `1.5` or `64Mi`; written as text or number.";

const made = new Map<string, OpenApiSchema>();

/** @throws Error for a name that is not built in. */
export function describedDefinition(name: string): OpenApiSchema {
  let schema = made.get(name);
  if (schema === undefined) made.set(name, schema = describe(name));
  return schema;
}

function describe(name: string): OpenApiSchema {
  const shape = definition(name);
  if (shape === undefined) throw new Error(`Cannot describe ${name}: no such definition`);
  if (name === quantity) return withDescription(quantityText, shape);
  const { own, fields } = descriptionsOf(name);
  if (shape.properties === undefined) return withDescription(own, shape);
  const meta = shape["x-kubernetes-group-version-kind"] === undefined ? undefined : typeMetaDescriptions().fields;
  const properties = Object.fromEntries(
    Object.entries(shape.properties).map(([field, schema]) => {
      const inherited = field === "kind" || field === "apiVersion" ? meta?.get(field) : undefined;
      return [field, withDescription(fields.get(field) ?? inherited, schema)];
    }),
  );
  return withDescription(own, { ...shape, properties });
}

function withDescription(text: string | undefined, schema: OpenApiSchema): OpenApiSchema {
  return text === undefined ? schema : { description: text, ...schema };
}
