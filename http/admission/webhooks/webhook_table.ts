/** The webhooks of all configurations of one kind, in the order in which they are called. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { ApiClient, ResourceRef } from "../../../ports/api_client.ts";
import type { Clock } from "../../../ports/clock.ts";
import { type Following, followResource } from "../../auth/follow_resource.ts";
import type { ClientConfig } from "../../outgoing/webhook_caller.ts";
import { fields, int, list, text, texts } from "../../resources/fields.ts";
import type { MatchCondition } from "../match_conditions.ts";
import type { Criteria, Rule } from "../matching.ts";
import { compileExpression } from "../policies/expression.ts";

export interface Webhook {
  readonly configuration: string;
  readonly name: string;
  /** Its place among all: names may be there twice. */
  readonly key: string;
  readonly client: ClientConfig;
  readonly criteria: Criteria;
  readonly conditions: readonly MatchCondition[];
  readonly ignoresFailure: boolean;
  readonly timeoutSeconds: number;
  readonly sideEffects: string;
  readonly reviewVersions: readonly string[];
  readonly runsAgain: boolean;
}

export class WebhookTable {
  readonly #configurations = new Map<string, KubeObject>();
  #webhooks: readonly Webhook[] | undefined = [];

  get webhooks(): readonly Webhook[] {
    return this.#webhooks ??= [...this.#configurations.keys()].sort().flatMap((name) =>
      list(this.#configurations.get(name)!["webhooks"]).map((given, index) => webhookOf(name, given, index))
    );
  }

  follow(client: ApiClient, clock: Clock, resource: ResourceRef): Following {
    const changed = () => {
      this.#webhooks = undefined;
    };
    return followResource<KubeObject>(client, clock, resource, {
      replaced: (all) => {
        this.#configurations.clear();
        for (const each of all) this.#configurations.set(each.metadata.name, each);
        changed();
      },
      changed: (type, object) => {
        if (type === "DELETED") this.#configurations.delete(object.metadata.name);
        else this.#configurations.set(object.metadata.name, object);
        changed();
      },
    });
  }
}

function webhookOf(configuration: string, given: Record<string, unknown>, index: number): Webhook {
  const name = text(given["name"]);
  return {
    configuration,
    name,
    key: `${configuration}/${name}/${index}`,
    client: fields(given["clientConfig"]) as ClientConfig,
    criteria: {
      rules: list(given["rules"]) as Rule[],
      matchPolicy: text(given["matchPolicy"]) || "Equivalent",
      namespaceSelector: given["namespaceSelector"],
      objectSelector: given["objectSelector"],
    },
    conditions: list(given["matchConditions"]).map((condition) => ({
      name: text(condition["name"]),
      expression: compileExpression(text(condition["expression"]), { wanted: ["bool"], authorizer: true }),
    })),
    ignoresFailure: given["failurePolicy"] === "Ignore",
    timeoutSeconds: int(given["timeoutSeconds"]) || 10,
    sideEffects: text(given["sideEffects"]),
    reviewVersions: texts(given["admissionReviewVersions"]),
    runsAgain: given["reinvocationPolicy"] === "IfNeeded",
  };
}
