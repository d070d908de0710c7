const FEWER_PAGES = [16384, 4096]; // of 64 kB: 1 GB, 256 MB

/**
 * Lets WebAssembly begin where a device does not promise the memory that it may grow to: onnxruntime asks for
 * 4 GB, which some phones refuse, and takes 50 MB.
 * @returns {() => number} bytes that WebAssembly has taken, as it is told nowhere else
 */
export function countedMemory() {
  const { Memory } = WebAssembly;
  /** @type {WebAssembly.Memory[]} */
  const memories = [];
  /** @type {(descriptor: WebAssembly.MemoryDescriptor) => WebAssembly.Memory} */
  const made = (descriptor) => {
    try {
      return new Memory(descriptor);
    } catch (error) {
      const { initial, maximum = 0 } = descriptor;
      const fewer = FEWER_PAGES.find((pages) => initial <= pages && pages < maximum);
      if (fewer === undefined) throw error;
      return made({ ...descriptor, maximum: fewer });
    }
  };
  WebAssembly.Memory = /** @type {any} */ (
    function (/** @type {WebAssembly.MemoryDescriptor} */ descriptor) {
      const memory = made(descriptor);
      memories.push(memory);
      return memory;
    }
  );
  return () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}

/**
 * Gives onnxruntime its WebAssembly as it was compiled while it came in. It would fetch the file only when all
 * else is decoded, or take it whole from us: 14 MB beside the browser's own copy.
 * @param {typeof import("onnxruntime-web")} runtime that has not started yet
 * @param {Promise<ReadableStream<Uint8Array>>} file
 * @returns {Promise<void>} when it is compiled; the runtime may be started before
 * @throws {Error} it cannot be fetched, or is no WebAssembly
 */
export function compileAsItComes(runtime, file) {
  // Some servers do not say what it is.
  const headers = { "content-type": "application/wasm" };
  const compiled = WebAssembly.compileStreaming(file.then((body) => new Response(body, { headers })));
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
