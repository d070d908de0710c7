/**
 * Gives onnxruntime its WebAssembly as it was compiled while it came in. It would fetch the file only when all
 * else is decoded, or take it whole from us: 14 MB beside the browser's own copy.
 * @param {typeof import("onnxruntime-web")} runtime that has not started yet
 * @param {Promise<ReadableStream<Uint8Array>>} file
 * @param {string} name of it, for messages
 * @returns {Promise<void>} when it is compiled; the runtime may be started before
 * @throws {Error} it cannot be fetched, is no WebAssembly, or needs what the browser has not
 */
export function compileAsItComes(runtime, file, name) {
  // Some servers do not say what it is.
  const headers = { "content-type": "application/wasm" };
  const compiled = file.then((body) =>
    WebAssembly.compileStreaming(new Response(body, { headers })).catch((error) => {
      throw new Error(`${name} cannot be compiled (${error.message}). Load the page again; if that does not help, take a newer browser, or pack the city again.`);
    }),
  );
  const { instantiate } = WebAssembly;
  // An empty file stands for the true one, until the runtime asks to instantiate it.
  runtime.env.wasm.wasmBinary = new ArrayBuffer(0);
  WebAssembly.instantiate = /** @type {any} */ (
    async (/** @type {any} */ source, /** @type {WebAssembly.Imports} */ imports) => {
      if (source.byteLength !== 0) return instantiate(source, imports);
      const module = await compiled;
      return { module, instance: await instantiate(module, imports) };
    }
  );
  return compiled.then(() => {});
}
