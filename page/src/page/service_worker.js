// Keeps the page and the city, so that both work without a network. It computes nothing: the runtime
// does not start in here.
import { digestIn, fetchExactly } from "./exact_fetch.js";
import { KeptCities } from "./kept_cities.js";

const worker = /** @type {any} */ (self);
const { scope } = worker.registration;

/** The page's own files with their SHA-256, and a digest of all: build.js puts both in. */
const SHELL = /** @type {Record<string, string>} */ (JSON.parse(__SHELL__));
// Caches of one folder are kept apart from those of another on the same host.
const PAGE = `pocketvlad-page-${__DIGEST__} ${scope}`;
const PATIENCE = 3000; // milliseconds

const cities = new KeptCities(scope);

worker.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(keepPage().then(() => worker.skipWaiting()));
});

/** Fails while not all files of this version are on the server; the browser will try again. */
async function keepPage() {
  const cache = await caches.open(PAGE);
  const keep = async (/** @type {[string, string]} */ [name, digest]) => {
    const address = new URL(name, scope).href;
    await cache.put(address, await fetchExactly(address, digest));
  };
  await Promise.all(Object.entries(SHELL).map(keep));
}

worker.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(removeOld().then(() => worker.clients.claim()));
});

/** Caches of the page that was here before. */
async function removeOld() {
  const mine = (await caches.keys()).filter((name) => name.endsWith(` ${scope}`));
  await Promise.all(mine.filter((name) => name !== PAGE && !cities.has(name)).map((name) => caches.delete(name)));
}

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(scope)) return;
  const { origin, pathname, search } = new URL(request.url);
  if (!pathname.endsWith("/city.json")) event.respondWith(kept(request));
  // Any other is that of a city in a folder of this one.
  else if (origin + pathname === cities.manifestAddress) event.respondWith(search === "?kept" ? keptManifest() : manifest(request));
});

/** What is asked for where the city on the server cannot be loaded. */
async function keptManifest() {
  return (await cities.manifest()) ?? new Response(null, { status: 404 });
}

/**
 * The manifest comes from the network if there is one. A server that refuses it is heard: the page then asks
 * for the one that is kept, and says so.
 * @param {Request} request
 */
async function manifest(request) {
  const old = await cities.manifest().catch(() => undefined);
  // Where none is kept, as on a device that is full, a slow answer is better than none.
  const patience = old ? { signal: AbortSignal.timeout(PATIENCE) } : {};
  try {
    const fresh = await fetch(request, { cache: "no-cache", ...patience });
    return new Response(await fresh.blob(), fresh); // all of it has come
  } catch (error) {
    if (old) return old;
    throw error;
  }
}

/** @param {Request} request */
async function kept(request) {
  const found = (await (await caches.open(PAGE)).match(request, { ignoreSearch: true })) ?? (await caches.match(request));
  if (found) return found;
  // Other files are checked by the page, where they are used.
  return request.destination === "image" ? fetchExactly(request.url, digestIn(request.url)) : fetch(request);
}

// The page says which files of the city to keep, once all is well.
worker.addEventListener("message", (/** @type {any} */ event) => {
  const { version, files } = event.data;
  event.waitUntil(cities.keep(version, files).then((kept) => event.source?.postMessage({ kind: "kept", ...kept })));
});
