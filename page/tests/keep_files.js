// The service worker with a browser of its own making, for Python to look at:
//   node page/tests/keep_files.js two_tabs|newer_in_part|nothing_kept|refused|no_room|folder_within
// Prints what came of it as JSON. A cache that was deleted can still be written to, as in browsers.
import { createHash } from "node:crypto";

const scope = "https://host/city/";
const sha256 = (/** @type {string} */ text) => createHash("sha256").update(text).digest("hex");
/** @type {Map<string, Map<string, Response>>} */
const held = new Map();
const addressOf = (/** @type {any} */ request) => request.url ?? request;
const cacheOf = (/** @type {Map<string, Response>} */ files) => ({
  match: async (/** @type {any} */ request) => files.get(addressOf(request))?.clone(),
  put: async (/** @type {any} */ request, /** @type {Response} */ response) => {
    if (full) throw new DOMException("Quota exceeded.", "QuotaExceededError");
    files.set(addressOf(request), response);
  },
});
let full = false; // the device
let noCaches = false; // as in some private windows
const browser = /** @type {any} */ (globalThis);
browser.caches = {
  keys: async () => [...held.keys()],
  open: async (/** @type {string} */ name) => {
    if (noCaches) throw new DOMException("The operation is insecure.", "SecurityError");
    return cacheOf(held.get(name) ?? held.set(name, new Map()).get(name) ?? new Map());
  },
  delete: async (/** @type {string} */ name) => held.delete(name),
  async match(/** @type {any} */ request) {
    for (const files of held.values()) if (files.has(addressOf(request))) return files.get(addressOf(request))?.clone();
  },
};
/** @type {Record<string, (event: any) => void>} */
const listeners = {};
Object.assign(browser, { self: browser, registration: { scope }, __SHELL__: "{}", __DIGEST__: "0" });
browser.addEventListener = (/** @type {string} */ kind, /** @type {any} */ listener) => void (listeners[kind] = listener);
await import("../src/page/service_worker.js");

/** What the server gives; it may take its time, and give up when the browser does. */
let server = async (/** @type {string} */ _address, /** @type {AbortSignal | undefined} */ _signal) => new Response("", { status: 404 });
browser.fetch = (/** @type {any} */ request, /** @type {any} */ { signal } = {}) => server(addressOf(request), signal);

/** @param {string} name */
async function asked(name) {
  /** @type {Promise<Response> | undefined} */
  let given;
  const request = { method: "GET", url: new URL(name, scope).href, destination: "" };
  listeners.fetch({ request, respondWith: (/** @type {any} */ promise) => (given = promise) });
  if (!given) return "left to the browser";
  return given.then(async (response) => `${response.status} ${await response.text()}`, (error) => `failed: ${error.name}`);
}

/**
 * @param {string} manifest
 * @param {string[]} files
 * @returns {Promise<boolean>} whether the worker says that this city is kept
 */
async function keep(manifest, ...files) {
  return (await told(manifest, ...files)).whole;
}

/**
 * @param {string} manifest
 * @param {string[]} files
 * @returns {Promise<any>} what the worker says of this city
 */
async function told(manifest, ...files) {
  let found = null;
  /** @type {Promise<void> | undefined} */
  let done;
  const data = { version: sha256(manifest), files: files.map((file) => `${file}?sha256=${sha256(file)}`) };
  const source = { postMessage: (/** @type {any} */ said) => (found = said) };
  listeners.message({ data, source, waitUntil: (/** @type {any} */ promise) => (done = promise) });
  await done;
  return found;
}

const after = (/** @type {number} */ milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** @type {Record<string, () => Promise<any>>} */
const CASES = {
  /** One tab has the old city and says so while the new one of another is on its way. */
  async two_tabs() {
    let manifest = "old";
    server = async (address) => {
      const name = new URL(address).pathname.split("/").pop() ?? "";
      if (name === "new.pvmap") await after(50);
      return new Response(name === "city.json" ? manifest : name);
    };
    const first = await keep("old", "old.pvmap");
    manifest = "new";
    const both = [keep("new", "new.pvmap"), after(10).then(() => keep("old", "old.pvmap"))];
    const said = await Promise.all(both);
    await keep("new", "new.pvmap"); // at the next visit
    server = async () => Promise.reject(new TypeError("no network"));
    return { first, said, versions: held.size, offline: await asked("city.json") };
  },
  /** A part of the new city is kept, and the old one is shown again before the rest is on the server. */
  async newer_in_part() {
    let manifest = "old";
    let missing = "late.json";
    /** @type {string[]} */
    let fetched = [];
    server = async (address) => {
      const name = new URL(address).pathname.split("/").pop() ?? "";
      fetched.push(name);
      return name === missing ? new Response("", { status: 404 }) : new Response(name === "city.json" ? manifest : name);
    };
    await keep("old", "old.pvmap");
    manifest = "new";
    const said = [await keep("new", "new.pvmap", "late.json"), await keep("old", "old.pvmap")];
    [missing, fetched] = ["", []];
    said.push(await keep("new", "new.pvmap", "late.json"));
    return { said, fetched, versions: held.size };
  },
  /** The server takes longer than the worker waits for where it has something else. */
  async nothing_kept() {
    const timeout = AbortSignal.timeout;
    AbortSignal.timeout = () => timeout(20);
    server = async (address, signal) => {
      await after(100);
      signal?.throwIfAborted();
      return new Response("slow");
    };
    const slow = await asked("city.json");
    server = async () => new Response("busy", { status: 503 });
    return { slow, busy: await asked("city.json") };
  },
  /** A city is kept, and the server refuses what is there now. */
  async refused() {
    server = async (address) => new Response(address.includes("json") ? "old" : "old.pvmap");
    await keep("old", "old.pvmap");
    server = async () => new Response("gone", { status: 410 });
    return { newest: await asked("city.json"), kept: await asked("city.json?kept") };
  },
  /** Nothing can be kept, first without an older version, then with one. */
  async no_room() {
    let manifest = "old";
    server = async (address) => new Response(address.includes("json") ? manifest : new URL(address).pathname.split("/").pop());
    full = true;
    const nothing = await told("old", "old.pvmap");
    full = false;
    const old = await told("old", "old.pvmap");
    manifest = "new";
    full = true;
    const older = await told("new", "new.pvmap");
    server = async () => new Response("", { status: 404 });
    full = false;
    const gone = await told("newer", "newer.pvmap");
    noCaches = true;
    return { nothing, old, older, gone, insecure: await told("new", "new.pvmap") };
  },
  /** Another city lies in a folder of this one. */
  async folder_within() {
    server = async (address) => new Response(new URL(address).pathname.endsWith("json") ? "outer" : "map.pvmap");
    await keep("outer", "map.pvmap");
    server = async () => Promise.reject(new TypeError("no network"));
    return { own: await asked("city.json"), within: await asked("within/city.json") };
  },
};
console.log(JSON.stringify(await CASES[process.argv[2]]()));
