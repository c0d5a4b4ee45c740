/** Requests of components in this process, which come by no connection, told to the audit log as well. */
import { ApiError } from "../../machines/objects/status.ts";
import type { Api } from "../machinery/api.ts";
import type { ApiReply, ApiRequest } from "../machinery/api_request.ts";
import type { WatchItemSink } from "../machinery/watcher.ts";
import type { AuditTrail } from "./audit_trail.ts";
import type { Auditor } from "./auditor.ts";

type Executes = Pick<Api, "execute">;

/** The API as a client in this process is to use it. Where nothing is audited: itself. */
export function auditedApi(api: Executes, auditor: Auditor | undefined): Executes {
  if (auditor === undefined) return api;
  return {
    async execute(request) {
      const path = pathOf(request);
      const query = request.query.toString();
      const trail = auditor.begin({
        info: { ...request, path, resourceRequest: true },
        user: request.user,
        requestURI: query === "" ? path : `${path}?${query}`,
        sourceIPs: [],
        userAgent: request.userAgent,
        receivedAt: auditor.now,
      });
      if (trail === undefined) return await api.execute(request);
      await trail.reached("RequestReceived");
      let reply: ApiReply;
      try {
        reply = await api.execute({ ...request, audit: trail });
      } catch (error) {
        trail.failed(error);
        await over(trail, error instanceof ApiError ? "ResponseComplete" : "Panic");
        throw error;
      }
      if (reply.type === "watch") return watched(reply, trail);
      await over(trail, "ResponseComplete");
      return reply;
    },
  };
}

/** What was done is done: that the log cannot be told is no reason to say otherwise. */
async function over(trail: AuditTrail, stage: "ResponseStarted" | "ResponseComplete" | "Panic"): Promise<void> {
  await trail.reached(stage)?.catch(() => {});
}

function watched(reply: Extract<ApiReply, { type: "watch" }>, trail: AuditTrail): ApiReply {
  return {
    ...reply,
    open(sink) {
      trail.answeredWith(200);
      void over(trail, "ResponseStarted");
      let isOver = false;
      const end = () => {
        if (!isOver) void over(trail, "ResponseComplete");
        isOver = true;
      };
      const told: WatchItemSink = {
        items: (batch) => sink.items(batch),
        bookmark: (revision, ...rest) => sink.bookmark(revision, ...rest),
        closed: (status) => (end(), sink.closed(status)),
      };
      const handle = reply.open(told);
      return { cancel: () => (end(), handle.cancel()) };
    },
  };
}

/** Where the same would be asked over the network. */
function pathOf({ group, version, resource, namespace, name, subresource }: ApiRequest): string {
  const base = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = namespace === "" || resource === "namespaces" ? "" : `/namespaces/${namespace}`;
  return [`${base}${place}/${resource}`, name, subresource].filter((part) => part !== "").join("/");
}
