// What browsers and onnxruntime say of it; the latter also has texts on memory that is not short.
const TEXTS = /out of memory|allocation failed|failed to allocate|bad_alloc|could not (be )?allocated?/i;

/**
 * @param {unknown} error of the browser or the runtime
 * @returns {boolean} whether it says that memory was refused
 */
export function isShortOfMemory(error) {
  return TEXTS.test(String(error));
}
