import { FormatError } from "../format/error.js";
import { numbersOf } from "../format/model_file.js";

/**
 * The tensors of a model's file that a graph wants.
 * @param {import("../format/model_file.js").ModelFile} model
 * @param {import("./city.js").Graph["weights"]} wanted
 * @returns {Generator<{path: string, data: Uint8Array}>} one after another, as they are decoded: float32, little-endian
 * @throws {FormatError} one is not in the file, or has another shape
 */
export function* graphWeights(model, wanted) {
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
  const found = wanted.map(({ path, tensor, shape }) => {
    const layer = layers.get(tensor);
    if (!layer || layer.shape.join() !== shape.join()) {
      throw new FormatError(`the model has no ${tensor} of shape [${shape}], which the graph wants: files of two models; pack the city again`);
    }
    return { path, layer };
  });
  for (const { path, layer } of found) {
    const values = numbersOf(layer);
    yield { path, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
  }
}
