import { sha256 } from "../city/digest.js";

/**
 * Fetches a file as it is on the server now, whatever the browser has kept of an earlier one.
 * @param {string} address
 * @param {string | null} digest SHA-256 that it must have, where that is known
 * @returns {Promise<Response>}
 * @throws {Error} it cannot be fetched, or is another one
 */
export async function fetchExactly(address, digest) {
  // What the browser has kept will do where the digest says so. It may also have kept that there was none.
  /** @type {RequestCache[]} */
  const ways = digest ? ["default", "reload"] : ["reload"];
  for (const cache of ways) {
    const response = await fetch(address, { cache });
    if (!response.ok) continue;
    const body = await response.arrayBuffer();
    if (digest ? (await sha256(body)) === digest : !isPage(response)) return new Response(body, response);
  }
  throw new Error(`${address}: none, or another file`);
}

/**
 * @param {string} address
 * @returns {string | null} SHA-256 that the file must have, where its address says so
 */
export function digestIn(address) {
  return new URL(address).searchParams.get("sha256");
}

/**
 * Some servers answer with a page where a file is missing.
 * @param {Response} response
 */
export function isPage(response) {
  return /text\/html/.test(response.headers.get("content-type") ?? "");
}
