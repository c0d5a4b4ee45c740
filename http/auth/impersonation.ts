/**
 * `Impersonate-User`, `-Group`, `-Uid` and `-Extra-KEY`: acting as somebody else, for whom that is allowed (Kubernetes
 * docs, "User impersonation"). Each name asked for is authorized on its own with the verb `impersonate`.
 */
import { badRequest } from "../machinery/errors.ts";
import type { Authorizer, RequestAttributes, UserInfo } from "../machinery/types.ts";
import { forbiddenRequest } from "./forbidden.ts";
import { serviceAccountOf } from "./rbac/rules.ts";
import { serviceAccountGroups } from "./tokens/service_account_tokens.ts";
import { anonymous } from "./users.ts";

interface Asked {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

const extraPrefix = "impersonate-extra-";

/** @throws ApiError 403 when `user` may not, 400 when no user is named. */
export async function impersonate(user: UserInfo, headers: Headers, authorizer: Authorizer): Promise<UserInfo> {
  const asked = whoIsAsked(headers);
  if (asked === undefined) return user;
  if (asked.name === "") {
    throw badRequest(`requested ${describe(asked)} without impersonating a user name`);
  }
  for (const attributes of needed(user, asked)) {
    const decision = await authorizer.authorize(attributes);
    if (!decision.allowed) throw forbiddenRequest(attributes, decision.reason);
  }
  return {
    name: asked.name,
    ...(asked.uid === "" ? {} : { uid: asked.uid }),
    groups: groupsOf(asked),
    ...(Object.keys(asked.extra).length === 0 ? {} : { extra: asked.extra }),
  };
}

function whoIsAsked(headers: Headers): Asked | undefined {
  const name = headers.get("impersonate-user") ?? "";
  const uid = headers.get("impersonate-uid") ?? "";
  // A header sent several times arrives joined; a group's name has no comma.
  const groups = (headers.get("impersonate-group") ?? "").split(",").map((one) => one.trim()).filter((one) =>
    one !== ""
  );
  const extra: Record<string, string[]> = {};
  for (const [header, value] of headers) {
    if (!header.startsWith(extraPrefix)) continue;
    extra[decoded(header.slice(extraPrefix.length))] = value.split(",").map((one) => one.trim());
  }
  if (name === "" && uid === "" && groups.length === 0 && Object.keys(extra).length === 0) return undefined;
  return { name, uid, groups, extra };
}

/** Extra keys travel in header names, so slashes and capitals come percent-encoded. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function* needed(user: UserInfo, asked: Asked): Generator<RequestAttributes> {
  const base = {
    user,
    verb: "impersonate",
    path: "",
    resourceRequest: true,
    group: "",
    version: "v1",
    subresource: "",
    namespace: "",
  };
  const account = serviceAccountOf(asked.name);
  if (account !== undefined) yield { ...base, resource: "serviceaccounts", ...account };
  else yield { ...base, resource: "users", name: asked.name };
  for (const name of asked.groups) yield { ...base, resource: "groups", name };
  const authentication = { ...base, group: "authentication.k8s.io" };
  for (const [key, values] of Object.entries(asked.extra)) {
    for (const name of values) yield { ...authentication, resource: "userextras", subresource: key, name };
  }
  if (asked.uid !== "") yield { ...authentication, resource: "uids", name: asked.uid };
}

function groupsOf({ name, groups }: Asked): readonly string[] {
  const account = serviceAccountOf(name);
  const own = account !== undefined && groups.length === 0 ? serviceAccountGroups(account.namespace) : groups;
  if (own.includes("system:authenticated") || own.includes("system:unauthenticated")) return own;
  return [...own, name === anonymous.name ? "system:unauthenticated" : "system:authenticated"];
}

/** As Go prints the value, which is what the server's message holds. */
function describe({ uid, groups, extra }: Asked): string {
  const strings = (values: readonly string[]) => `[]string{${values.map((one) => JSON.stringify(one)).join(", ")}}`;
  const printedGroups = groups.length === 0 ? "[]string(nil)" : strings(groups);
  const keys = Object.keys(extra).sort();
  const printedExtra = keys.length === 0
    ? "map[string][]string(nil)"
    : `map[string][]string{${keys.map((key) => `${JSON.stringify(key)}:${strings(extra[key] ?? [])}`).join(", ")}}`;
  return `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${printedGroups}, Extra:${printedExtra}}`;
}
