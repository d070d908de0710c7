// How long a model takes to decode: node page/tests/measure.js FILE...
import { readFileSync } from "node:fs";
import { numbersOf, openModel } from "../src/format/model_file.js";

for (const path of process.argv.slice(2)) {
  const bytes = readFileSync(path);
  for (let run = 0; run < 3; run++) {
    const begin = performance.now();
    const busy = process.cpuUsage();
    const { layers } = openModel(bytes);
    const weights = layers.reduce((sum, layer) => sum + numbersOf(layer).length, 0);
    const seconds = (performance.now() - begin) / 1000;
    const { user, system } = process.cpuUsage(busy);
    const core = ((user + system) / 1e6).toFixed(3);
    console.log(`${path}: ${bytes.length} bytes, ${weights} weights, ${seconds.toFixed(3)} s (${core} s of a core)`);
  }
}
