/** One question to a master, by somebody who knows the authority and has a token or a certificate. */
import type { Status } from "../machines/objects/status.ts";

export interface Credentials {
  /** PEM. */
  readonly authority: string;
  readonly token?: string;
  readonly certificate?: { readonly certificate: string; readonly key: string };
}

/** The connection ended before the answer came, or the server cannot say: what was asked may have happened or not. */
export class NoAnswer extends Error {}

/** The server has said no. */
export class Refused extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** @throws Error with what the server said. */
export async function postJson<T>(url: string, body: unknown, credentials: Credentials): Promise<T> {
  return await ask(url, { method: "POST", body: JSON.stringify(body) }, credentials);
}

/** @throws Error with what the server said. */
export async function getJson<T>(url: string, credentials: Credentials): Promise<T> {
  return await ask(url, {}, credentials);
}

/** What comes as it comes. @throws Error with what the server said. */
export async function openStream(
  url: string,
  credentials: Credentials,
): Promise<{ readonly body: ReadableStream<Uint8Array> } & Disposable> {
  const client = clientOf(credentials);
  try {
    const response = await fetch(url, { client, headers: headersOf(credentials) });
    if (!response.ok || response.body === null) throw refusalOf(url, response.status, await response.text());
    return { body: response.body, [Symbol.dispose]: () => client.close() };
  } catch (error) {
    client.close();
    throw error;
  }
}

async function ask<T>(url: string, init: RequestInit, credentials: Credentials): Promise<T> {
  using client = clientOf(credentials);
  const { ok, status, text } = await answered(
    () => fetch(url, { ...init, client, headers: headersOf(credentials) }),
    url,
  );
  if (ok) return JSON.parse(text) as T;
  throw refusalOf(url, status, text);
}

function clientOf({ authority, certificate }: Credentials): Deno.HttpClient {
  return Deno.createHttpClient({
    caCerts: [authority],
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
  });
}

function headersOf({ token }: Credentials): Record<string, string> {
  return {
    "content-type": "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
}

function refusalOf(url: string, status: number, text: string): Error {
  if (status === 401) {
    return new Refused(status, `Cannot join ${new URL(url).origin}: the token is wrong or has expired`);
  }
  const said = messageOf(text) ?? `Cannot ask ${url}: it answered ${status}: ${text.slice(0, 300)}`;
  return status === 503 ? new NoAnswer(said) : new Refused(status, said);
}

async function answered(send: () => Promise<Response>, url: string) {
  try {
    const response = await send();
    return { ok: response.ok, status: response.status, text: await response.text() };
  } catch (error) {
    const { message } = error as Error;
    // One of several masters always listens: none does, so waiting for another answer is of no use.
    if (/connection refused/i.test(message)) throw new Error(`Cannot ask ${url}: nobody listens there`);
    throw new NoAnswer(`Cannot ask ${url}: ${message}`);
  }
}

function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as Status).message;
  } catch {
    return undefined;
  }
}
