// Keeps the page and the city, so that both work without a network. It computes nothing: the runtime
// does not start in here.

/** The page's own files, and a digest of them: build.js puts both in. */
const SHELL = /** @type {string[]} */ (JSON.parse(__SHELL__));
const PAGE = `pocketvlad-page-${__DIGEST__}`;
const CITY = "pocketvlad-city";
const PATIENCE = 3000; // milliseconds
const AT_ONCE = 6; // files, as many as browsers ask a server for

const worker = /** @type {any} */ (self);

/**
 * Where caches of one folder are kept apart from those of another on the same host.
 * @param {string} name
 */
function cacheName(name) {
  return `${name} ${worker.registration.scope}`;
}

/** @param {string} name */
function open(name) {
  return caches.open(cacheName(name));
}

worker.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(open(PAGE).then((cache) => cache.addAll(SHELL)).then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(removeOld().then(() => worker.clients.claim()));
});

async function removeOld() {
  const kept = [cacheName(PAGE), cacheName(CITY)];
  const mine = (await caches.keys()).filter((name) => name.endsWith(` ${worker.registration.scope}`));
  await Promise.all(mine.filter((name) => !kept.includes(name)).map((name) => caches.delete(name)));
}

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const inside = request.url.startsWith(worker.registration.scope);
  if (request.method !== "GET" || !inside) return;
  event.respondWith(new URL(request.url).pathname.endsWith("/city.json") ? manifest(request) : kept(request));
});

/**
 * The manifest comes from the network if there is one. A new one means other files.
 * @param {Request} request
 */
async function manifest(request) {
  const cache = await open(CITY);
  const old = await cache.match(request);
  try {
    const fresh = await fetch(request, { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE) });
    if (!fresh.ok) throw new Error(String(fresh.status));
    if (old && (await old.clone().text()) !== (await fresh.clone().text())) {
      await caches.delete(cacheName(CITY));
    }
    await (await open(CITY)).put(request, fresh.clone());
    return fresh;
  } catch (error) {
    if (old) return old;
    throw error;
  }
}

/** @param {Request} request */
async function kept(request) {
  const found = (await (await open(PAGE)).match(request, { ignoreSearch: true })) ?? (await (await open(CITY)).match(request));
  return found ?? fetch(request);
}

// The page says which files of the city to keep, once all is well.
worker.addEventListener("message", (/** @type {any} */ event) => {
  const { files } = event.data;
  event.waitUntil(keep(files).then((count) => event.source?.postMessage({ kind: "kept", count, of: files.length })));
});

/**
 * @param {string[]} files
 * @returns {Promise<number>} how many are kept
 */
async function keep(files) {
  const cache = await open(CITY);
  const left = [...files];
  let count = 0;
  const takeNext = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const address = new URL(file, worker.registration.scope);
      const kept = (await cache.match(address)) || (await cache.add(address).then(() => true, () => false));
      if (kept) count++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, takeNext));
  return count;
}
