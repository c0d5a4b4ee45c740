/** authentication.k8s.io/v1 and authorization.k8s.io/v1: questions that are answered and not kept. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource } from "../machinery/types.ts";
import { spec } from "./columns/column.ts";
import { has, text, texts } from "./fields.ts";
import { notWired, type ResourceHooks, type ReviewResource, row } from "./row.ts";
import { invalid, path } from "./validation/field.ts";

function exactlyOne(review: KubeObject): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec(review);
  const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  if (has(resourceAttributes) && has(nonResourceAttributes)) {
    return [
      invalid(
        path("spec", "nonResourceAttributes"),
        nonResourceAttributes,
        `cannot be specified in combination with resourceAttributes`,
      ),
    ];
  }
  return has(resourceAttributes) || has(nonResourceAttributes)
    ? []
    : [invalid(path("spec", "resourceAttributes"), null, detail)];
}

function ofSomebody(review: KubeObject): FieldError[] {
  const { user, groups } = spec(review);
  const named = text(user) !== "" || texts(groups).length > 0;
  return named
    ? exactlyOne(review)
    : [...exactlyOne(review), invalid(path("spec", "user"), "", "at least one of user or group must be specified")];
}

interface Review {
  readonly resource: ReviewResource;
  readonly kind: string;
  readonly namespaced?: boolean;
  readonly validate?: (review: KubeObject) => FieldError[];
}

const authentication: readonly Review[] = [
  { resource: "selfsubjectreviews", kind: "SelfSubjectReview" },
  { resource: "tokenreviews", kind: "TokenReview" },
];

const authorization: readonly Review[] = [
  { resource: "localsubjectaccessreviews", kind: "LocalSubjectAccessReview", namespaced: true, validate: ofSomebody },
  { resource: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview", validate: exactlyOne },
  { resource: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview" },
  { resource: "subjectaccessreviews", kind: "SubjectAccessReview", validate: ofSomebody },
];

function rows(group: string, reviews: readonly Review[], hooks: ResourceHooks): Resource[] {
  return reviews.map(({ resource, kind, namespaced, validate }) =>
    row({
      group,
      version: "v1",
      resource,
      kind,
      namespaced: namespaced ?? false,
      verbs: ["create"],
      strategy: { ...(validate === undefined ? {} : { validate }), hasGeneration: false },
      answer: hooks.reviews?.[resource] ?? notWired(resource),
    })
  );
}

export function reviewResources(hooks: ResourceHooks): readonly Resource[] {
  return [
    ...rows("authentication.k8s.io", authentication, hooks),
    ...rows("authorization.k8s.io", authorization, hooks),
  ];
}
