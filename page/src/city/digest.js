/**
 * @param {Uint8Array | ArrayBuffer} bytes
 * @returns {Promise<string | null>} their SHA-256 in hexadecimal; null where the browser has it not, as in
 *   pages that were not fetched safely
 */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (bytes)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
