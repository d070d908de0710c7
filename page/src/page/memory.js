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
