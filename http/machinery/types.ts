/**
 * What the parts of the API server agree on: a request after its URL was read, who asks, who may, what is let in, and
 * what a resource is. `machinery/` runs requests, `resources/` says what each resource is, `auth/` and `admission/`
 * decide who and what gets in, `schema/` knows the types.
 */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { ApiClient } from "../../ports/api_client.ts";

/** Who asks (authentication.k8s.io UserInfo). */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export type Verb =
  | "get"
  | "list"
  | "watch"
  | "create"
  | "update"
  | "patch"
  | "delete"
  | "deletecollection"
  | "connect";

/** What is asked, as authorization sees it. For a path that is no resource only `verb` and `path` are set. */
export interface RequestAttributes {
  readonly user: UserInfo;
  /** An API verb, or the lower-case HTTP method for a path that is no resource. */
  readonly verb: string;
  readonly path: string;
  readonly resourceRequest: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of a list or watch, as it was sent: who may see some objects only has to select them. */
  readonly fieldSelector?: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** Why; Kubernetes' wording where it has one. */
  readonly reason: string;
}

export interface Authorizer {
  authorize(attributes: RequestAttributes): Decision | Promise<Decision>;
}

/** What a listener knows of a connection and a request before anybody is authenticated. */
export interface Credentials {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The subject of the client certificate, when one was sent and it was signed by the cluster's client CA. */
  readonly clientCertificate:
    | { readonly commonName: string; readonly organizations: readonly string[]; readonly sha256?: string }
    | undefined;
  /** Why a client certificate that was sent is not believed. */
  readonly clientCertificateError?: string;
  readonly headers: Headers;
}

export interface Authenticator {
  /**
   * The user, or undefined when no credentials were sent (then the request is anonymous).
   *
   * @throws ApiError 401 when credentials were sent and are wrong.
   */
  authenticate(credentials: Credentials): Promise<UserInfo | undefined>;
}

/** Somebody who knows whose a bearer token is. */
export interface TokenAuthenticator {
  /**
   * The user, or undefined when it is none of this one's tokens.
   *
   * @throws Error when it is, and is not to be believed; or when that cannot be found out.
   */
  authenticate(token: string): Promise<UserInfo | undefined>;
}

/** One write on its way in. `object` may be changed by mutating plugins; `old` never. */
export interface AdmissionRequest {
  readonly attributes: RequestAttributes;
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly resource: Resource;
  readonly dryRun: boolean;
  object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
  /** The options of the operation, as far as its client gave them. */
  readonly options?: OperationOptions;
  warn(text: string): void;
  /** Adds to what the audit log says of the request; absent: there is no such log. */
  readonly annotate?: ((key: string, value: string) => void) | undefined;
}

export interface OperationOptions {
  readonly fieldManager?: string;
  readonly fieldValidation?: string;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: string | undefined;
}

/** An in-tree admission plugin. A refusal is a thrown ApiError (usually 403 Forbidden). */
export interface AdmissionPlugin {
  readonly name: string;
  admit?(request: AdmissionRequest): void | Promise<void>;
  validate?(request: AdmissionRequest): void | Promise<void>;
}

/** The error types of field validation, in Kubernetes' own terms (apimachinery `field.ErrorType`). */
export type FieldErrorType =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "InternalError"
  | "FieldValueTypeInvalid";

/** One cause of a refusal: `field: message`, for example `spec.containers[0].name: Required value`. */
export interface FieldError {
  readonly reason: FieldErrorType;
  /** Path as Kubernetes writes it: `spec.containers[0].image`, `metadata.labels`, `spec.ports[0]`. */
  readonly field: string;
  /** Without the field: `Required value`, `Invalid value: "x": must be ...`. */
  readonly message: string;
}

/** What a strategy may need beside the object. */
export interface StrategyContext {
  /** Wall time, RFC 3339, whole seconds. */
  readonly now: string;
  readonly user: UserInfo;
  readonly subresource: string;
}

/**
 * The rules of one resource (Kubernetes registry strategies). All functions are plain and synchronous; `object` and
 * `next` may be changed in place, `old` never. What is not given: keep everything, accept everything.
 */
export interface Strategy {
  /** Fills in defaults of a decoded object, at any write and at any read of an older form. Idempotent. */
  setDefaults?(object: KubeObject): void;
  /** Resets what a client may not set on create (status, generation is done by the machinery). */
  prepareForCreate?(object: KubeObject, context: StrategyContext): void;
  /** All causes, in Kubernetes' order; metadata is validated by the machinery with `validateName`. */
  validate?(object: KubeObject, context: StrategyContext): FieldError[];
  /** Carries over what an update may not touch (status on the main resource, spec on /status). */
  prepareForUpdate?(next: KubeObject, old: KubeObject, context: StrategyContext): void;
  /** Includes everything `validate` says where Kubernetes does so. */
  validateUpdate?(next: KubeObject, old: KubeObject, context: StrategyContext): FieldError[];
  /** The `/status` subresource's own rules; the machinery keeps everything but status and metadata. */
  validateStatusUpdate?(next: KubeObject, old: KubeObject, context: StrategyContext): FieldError[];
  /** Texts for `Warning` headers. */
  warnings?(object: KubeObject, old: KubeObject | undefined): string[];
  /** Error texts for a bad `metadata.name` or `generateName`; default: DNS-1123 subdomain. */
  validateName?(name: string, prefix: boolean): string[];
  /** Seconds that a deletion without `gracePeriodSeconds` gets; 0 (the default) deletes at once. */
  defaultGracePeriodSeconds?(object: KubeObject): number;
  /** Changes the object at the moment it is first marked for deletion (a namespace becomes Terminating). */
  prepareForDelete?(object: KubeObject, context: StrategyContext): void;
  /** Whether something besides `metadata.finalizers` keeps a deleted object in the store (`spec.finalizers`). */
  holdsDeletion?(object: KubeObject): boolean;
  /** A deletion answers with the object it removed instead of a Status. */
  readonly returnsDeletedObject?: boolean;
  /** What an absent propagationPolicy means; default "Background". */
  readonly defaultPropagation?: "Orphan" | "Background" | "Foreground";
  /** Whether `metadata.generation` counts changes of everything but metadata and status. Default true when `spec` exists. */
  readonly hasGeneration?: boolean;
  /** An update may create the object (Kubernetes' AllowCreateOnUpdate). */
  readonly allowCreateOnUpdate?: boolean;
  /** An update may leave resourceVersion out (Kubernetes' AllowUnconditionalUpdate). Default true. */
  readonly allowUnconditionalUpdate?: boolean;
  /** Values for field selectors besides metadata.name and metadata.namespace. */
  readonly selectableFields?: Readonly<Record<string, (object: KubeObject) => string>>;
}

/** A column of `kubectl get` (meta.k8s.io Table). */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format: "" | "name" | "date" | "int64";
  readonly description: string;
  /** 0: shown always; above: with `-o wide`. */
  readonly priority: number;
  /** The cell. `now` is wall time in ms, for ages. */
  cell(object: KubeObject, now: number): unknown;
}

/** What a subresource handler gets. Objects come back through `client`-like calls of the machinery. */
export interface SubresourceRequest {
  readonly attributes: RequestAttributes;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly body: KubeObject | undefined;
  readonly query: URLSearchParams;
  readonly dryRun: boolean;
  /** Wall time, RFC 3339, whole seconds. */
  readonly now: string;
  /** The API with the machinery's own rights, for reading and guarded writing. */
  readonly client: ApiClient;
  /** Reads, lets `change` alter a copy, and writes with optimistic concurrency, retrying; strategy rules of `validate` apply. */
  update(change: (object: KubeObject) => void): Promise<KubeObject>;
}

/** A subresource: `status` and `scale` are run by the machinery, others by a handler, `connect` ones by a stream proxy. */
export interface Subresource {
  readonly verbs: readonly Verb[];
  /** Its kind where it differs from the resource's (Scale, Binding, Eviction, TokenRequest, PodExecOptions). */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  /** Answers with the object to send; 201 for create, else 200. */
  handle?(request: SubresourceRequest): Promise<KubeObject>;
}

/** A resource of the API: a row. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  /** Lower-case plural. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly Verb[];
  readonly strategy: Strategy;
  readonly subresources: Readonly<Record<string, Subresource>>;
  readonly columns: readonly Column[];
  /** Set where the resource is not stored: a review is answered, not kept. */
  answer?(request: SubresourceRequest): Promise<KubeObject>;
  /**
   * Set where another version of the same objects is what is stored (events.k8s.io/v1 Events are stored as v1 Events).
   * `fromStored` gives this version's form of a stored object, `toStored` the reverse; both make new objects.
   */
  readonly storedAs?: {
    readonly group: string;
    readonly version: string;
    readonly resource: string;
    fromStored(object: KubeObject): KubeObject;
    toStored(object: KubeObject): KubeObject;
    /** Set where only somebody else can convert: then the two above are never called. @throws ApiError */
    readonly convert?: {
      fromStored(objects: readonly KubeObject[]): Promise<KubeObject[]>;
      toStored(object: KubeObject): Promise<KubeObject>;
    };
  };
  /** A custom resource: no type is built in, so there is no strategic merge, and items of lists say what they are. */
  readonly custom?: true;
  /** The kind of its lists; default: the kind and "List". */
  readonly listKind?: string;
  /** Where its Scale is, as names of members; default: `spec.replicas`, `status.replicas` and `spec.selector`. */
  readonly scalePaths?: {
    readonly replicas: readonly string[];
    readonly statusReplicas: readonly string[];
    /** To a selector as text. */
    readonly selector?: readonly string[];
  };
  /** The key's group part in the store; default: `group` or, for core, nothing. `/registry/[group/]resource/[ns/]name`. */
  readonly storagePrefix?: string;
}
