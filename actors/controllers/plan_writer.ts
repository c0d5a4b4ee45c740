/** Carries out a controller's plan, and lets the informers learn what each write was answered with. */
import type { Absence, EventDraft, Permission, Write } from "../../machines/controllers/controller.ts";
import { keyOf, type KubeObject } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient, ResourceRef } from "../../ports/api_client.ts";
import type { CertificateAuthority } from "../../ports/certificate_authority.ts";
import type { EventRecorder } from "../events/event_recorder.ts";
import type { SharedInformers } from "../informer.ts";

const accessReviews: ResourceRef = { group: "authorization.k8s.io", version: "v1", resource: "subjectaccessreviews" };

export class PlanWriter {
  constructor(
    readonly client: ApiClient,
    readonly informers: SharedInformers,
    readonly events: EventRecorder,
    readonly certificates?: CertificateAuthority,
  ) {}

  /** Independent writes in batches of 1, 2, 4 ...: what is refused for all of them is refused once. */
  async writeGroup(group: readonly Write[]): Promise<void> {
    for (let start = 0, size = 1; start < group.length; start += size, size *= 2) {
      const batch = group.slice(start, start + size);
      const outcomes = await Promise.allSettled(batch.map((write) => this.write(write)));
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }

  async write(write: Write): Promise<void> {
    if (write.type === "event") return this.events.record(write.event);
    try {
      for (const absence of write.absent ?? []) await this.#checkAbsent(absence);
      if (write.permitted !== undefined) await this.#checkPermitted(write.permitted);
      const written = await this.#send(write);
      if (written !== undefined) this.#learn(write.resource, written);
      const name = written?.metadata.name ?? ("name" in write ? write.name : "");
      this.#announce(write.onSuccess, { name });
    } catch (error) {
      const { message } = error as Error;
      this.#announce(write.onFailure, { error: message });
      if (write.onFailureWrite !== undefined) await this.write(explained(write.onFailureWrite, message));
      throw error;
    }
  }

  async #checkAbsent({ resource, namespace, name, uid }: Absence): Promise<void> {
    if (name === undefined) {
      const { items } = await this.client.list(resource, {
        limit: 1,
        ...(namespace === undefined ? {} : { namespace }),
      });
      const [first] = items;
      if (first !== undefined) throw new StillThere(resource, first);
      return;
    }
    const found = await orUndefined(this.client.get<KubeObject>(resource, namespace, name), "NotFound");
    if (found !== undefined && (uid === undefined || found.metadata.uid === uid)) throw new StillThere(resource, found);
  }

  async #checkPermitted({ user, groups, ...resourceAttributes }: Permission): Promise<void> {
    const review = await this.client.create<{ status?: { allowed?: boolean } }>(accessReviews, undefined, {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: {},
      spec: { user, groups, resourceAttributes },
    });
    if (review.status?.allowed === true) return;
    const { verb, group, resource, subresource } = resourceAttributes;
    throw new Error(`Cannot do that for "${user}": it may not ${verb} ${resource}.${group}/${subresource}`);
  }

  async #send(write: Exclude<Write, { type: "event" }>): Promise<KubeObject | undefined> {
    const { client } = this;
    switch (write.type) {
      case "create": {
        const { namespace } = (write.object as KubeObject).metadata;
        return await orUndefined(
          client.create(write.resource, namespace, write.object),
          write.existsIsFine && "AlreadyExists",
        );
      }
      case "update": {
        const options = write.subresource === undefined ? {} : { subresource: write.subresource };
        return await client.update(write.resource, write.object, options);
      }
      case "certify": {
        if (this.certificates === undefined) throw new Error("Cannot sign a certificate: the authority is not here");
        const pem = await this.certificates.certify(write.certificate);
        const { status } = write.object as KubeObject & { status?: object };
        const object = { ...write.object, status: { ...status, certificate: btoa(pem) } };
        return await client.update(write.resource, object, { subresource: "status" });
      }
      case "patch": {
        const options = write.subresource === undefined ? {} : { subresource: write.subresource };
        const patched = client.patch(write.resource, write.namespace, write.name, write.patch, write.body, options);
        return await orUndefined(patched, write.missingIsFine && "NotFound");
      }
      case "delete": {
        const { uid, resourceVersion, propagation, gracePeriodSeconds } = write;
        const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
        const answer = await orUndefined(
          client.delete(write.resource, write.namespace, write.name, {
            ...(Object.keys(preconditions).length > 0 && { preconditions }),
            ...(propagation && { propagationPolicy: propagation }),
            ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
          }),
          "NotFound",
        );
        return this.#deleted(write.resource, write, answer as KubeObject | undefined);
      }
    }
  }

  /** A deletion is answered with the object while it lingers (grace, finalizers), else with a Status. */
  #deleted(
    resource: ResourceRef,
    { namespace, name }: { namespace?: string; name: string },
    answer: KubeObject | undefined,
  ): KubeObject | undefined {
    if (answer?.metadata?.deletionTimestamp !== undefined && answer.kind !== "Status") return answer;
    const informer = this.informers.peek(resource);
    const known = informer?.get(namespace === undefined ? name : `${namespace}/${name}`);
    if (informer !== undefined && known !== undefined) informer.learnDeleted(known);
    return undefined;
  }

  #learn(resource: ResourceRef, object: KubeObject): void {
    this.informers.peek(resource)?.learn(object);
  }

  #announce(draft: EventDraft | undefined, values: { name?: string; error?: string }): void {
    if (draft === undefined) return;
    const message = draft.message.replace(/\{(name|error)\}/g, (_, word: "name" | "error") => values[word] ?? "");
    this.events.record({ ...draft, message });
  }
}

/** The write with `{error}` in its texts replaced. */
function explained(write: Write, error: string): Write {
  const text = JSON.stringify(
    write,
    (_, value) => typeof value === "string" ? value.replaceAll("{error}", error) : value,
  );
  return JSON.parse(text);
}

/** The API knows an object that this process' caches do not know yet, or still know: look again a little later. */
class StillThere extends Error {
  override name = "StillThere";
  constructor({ resource }: ResourceRef, object: KubeObject) {
    super(`Cannot go on yet: ${resource} "${keyOf(object)}" still exists`);
  }
}

/** The answer, or undefined where a refusal with `reason` is as good. */
async function orUndefined<T>(answer: Promise<T>, reason: string | false | undefined): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.reason === reason) return undefined;
    throw error;
  }
}
