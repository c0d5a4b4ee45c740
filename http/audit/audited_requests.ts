/** Requests from the network, told to the audit log: wrapped around the whole application. */
import { ApiError, type Status } from "../../machines/objects/status.ts";
import { lasts } from "../machinery/lasting.ts";
import { requestInfo } from "../machinery/request_info.ts";
import type { UserInfo } from "../machinery/types.ts";
import { answered, type ServerEnvironment } from "../server/environment.ts";
import { withHeaders } from "../server/light_response.ts";
import type { AuditTrail } from "./audit_trail.ts";
import type { Auditor } from "./auditor.ts";

type Fetch = (request: Request, environment: ServerEnvironment) => Response | Promise<Response>;

export const auditIdHeader = "audit-id";

export function auditedRequests(auditor: Auditor, fetch: Fetch): Fetch {
  return async (request, environment) => {
    const audit = new RequestAudit(auditor, request, environment);
    const response = await fetch(request, Object.assign(environment, { audit }));
    return await audit.answer(response);
  };
}

/** A request as the audit log sees it, from its first byte on. */
export class RequestAudit {
  readonly #auditor: Auditor;
  readonly #environment: ServerEnvironment;
  readonly #arrival;
  readonly id: string;
  /** Absent: nobody is authenticated yet, or the policy does not want to hear of it. */
  trail: AuditTrail | undefined;
  #isKnown = false;
  #isBug = false;

  constructor(auditor: Auditor, request: Request, environment: ServerEnvironment) {
    const { headers } = environment;
    const url = new URL(request.url);
    this.#auditor = auditor;
    this.#environment = environment;
    this.id = one(headers[auditIdHeader]) || auditor.newId();
    this.#arrival = {
      info: requestInfo(request.method, url.pathname, url.searchParams),
      requestURI: `${url.pathname}${url.search}`,
      sourceIPs: sourcesOf(environment),
      userAgent: one(headers["user-agent"]),
      receivedAt: auditor.now,
      auditID: this.id,
    };
  }

  /** It is known who asks. @throws ApiError where the log has to be written to and cannot. */
  async authenticated(user: UserInfo): Promise<void> {
    this.#isKnown = true;
    this.trail = this.#auditor.begin({ ...this.#arrival, user });
    await this.trail?.reached("RequestReceived");
  }

  /** What every answer says, also one that is begun before it is whole. */
  get headers(): { readonly [auditIdHeader]: string } {
    return { [auditIdHeader]: this.id };
  }

  /** Of what broke is told that it did, and not why, which may quote what was sent. */
  refused(status: Status, isBug: boolean): void {
    this.#isBug = isBug;
    this.trail?.refused(isBug ? { ...status, message: "Internal error occurred" } : status);
  }

  async answer(response: Response): Promise<Response> {
    if (!this.#isKnown) this.#refuseUnknown(response);
    const { raw } = this.#environment;
    const { trail } = this;
    if (response === answered || (lasts(this.#arrival.info) && response.status < 400)) {
      trail?.answeredWith(
        response === answered ? this.#environment.upgrade === undefined ? 200 : 101 : response.status,
      );
      await trail?.reached("ResponseStarted");
      raw.onClose(() => void trail?.reached("ResponseComplete")?.catch(() => {}));
      return response === answered ? response : withHeaders(response, this.headers);
    }
    trail?.answeredWith(response.status);
    await trail?.reached(this.#isBug ? "Panic" : "ResponseComplete")?.catch(() => {});
    return withHeaders(response, this.headers);
  }

  #refuseUnknown(response: Response): void {
    if (response.status !== 401) return;
    const trail = this.#auditor.begin({ ...this.#arrival, user: undefined });
    const attempted = this.#environment.credentials.authorization === undefined ? "x509" : "bearer";
    const message = `Authentication failed, attempted: ${attempted}`;
    trail?.refused(new ApiError(401, "Unauthorized", message).status);
    void trail?.reached("ResponseStarted")?.catch(() => {});
  }
}

function one(value: string | string[] | undefined): string {
  return typeof value === "string" ? value : value?.[0] ?? "";
}

/** Who sent it, as far as those say who passed it on, and who is at the other end. */
function sourcesOf({ headers, remoteAddress }: ServerEnvironment): string[] {
  const forwarded = one(headers["x-forwarded-for"]).split(",").map((each) => each.trim());
  const all = [...forwarded, one(headers["x-real-ip"]), remoteAddress].map((each) => each.replace(/^::ffff:/, ""));
  return [...new Set(all.filter((each) => /^[\d.]+$|^[\da-f:.]*:[\da-f:.]*$/i.test(each)))];
}
