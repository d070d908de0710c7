// Builds the page: node page/build.js FOLDER. The same sources give the same bytes.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src", "page");
const runtime = join(here, "node_modules", "onnxruntime-web");
const WASM = "ort-wasm-simd-threaded.wasm";
const STATIC = ["index.html", "style.css", "icon.svg", "page.webmanifest"];
const [, , folder = join(here, "build")] = process.argv;

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const options = /** @type {const} */ ({
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  absWorkingDir: here,
});
await build({ ...options, entryPoints: [join(source, "page.js"), join(source, "worker.js")], outdir: folder });
for (const name of STATIC) copyFileSync(join(source, name), join(folder, name));
copyFileSync(join(runtime, "dist", WASM), join(folder, WASM));

const sha256 = (/** @type {string | Buffer} */ data) => createHash("sha256").update(data).digest("hex");
const files = readdirSync(folder).sort();
const digests = Object.fromEntries(files.map((name) => [name, sha256(readFileSync(join(folder, name)))]));
const shell = JSON.stringify({ "./": digests["index.html"], ...digests });
// The service worker has no modules in some browsers.
await build({
  ...options,
  format: "iife",
  entryPoints: [join(source, "service_worker.js")],
  outdir: folder,
  define: {
    __SHELL__: JSON.stringify(shell),
    __DIGEST__: JSON.stringify(sha256(shell).slice(0, 16)),
  },
});
const { version, license } = JSON.parse(readFileSync(join(runtime, "package.json"), "utf8"));
writeFileSync(join(folder, "NOTICE.txt"), `${WASM} and parts of worker.js are of onnxruntime-web ${version} (${license} License), Copyright (c) Microsoft Corporation.\n`);
