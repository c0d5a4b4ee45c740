/** One question to a master, by somebody who has a token and knows the authority. */
import type { Status } from "../machines/objects/status.ts";

/** @throws Error with what the server said. */
export async function postJson<T>(
  url: string,
  body: unknown,
  { authority, token, certificate }: {
    authority: string;
    token?: string;
    certificate?: { certificate: string; key: string };
  },
): Promise<T> {
  const client = Deno.createHttpClient({
    caCerts: [authority],
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
  });
  try {
    const response = await fetch(url, {
      method: "POST",
      client,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as T;
    if (response.status === 401) {
      throw new Error(`Cannot join ${new URL(url).origin}: the token is wrong or has expired`);
    }
    throw new Error(messageOf(text) ?? `Cannot ask ${url}: it answered ${response.status}: ${text.slice(0, 300)}`);
  } finally {
    client.close();
  }
}

function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as Status).message;
  } catch {
    return undefined;
  }
}
