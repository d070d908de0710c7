import { digestIn, fetchExactly } from "./exact_fetch.js";

const CITY = "pocketvlad-city-";
const MANIFEST = "city.json";
const AT_ONCE = 6; // files, as many as browsers ask a server for

/**
 * What came of it. older: whether another version is kept whole, where this one is not.
 * @typedef {{whole: boolean, older: boolean, reason: string}} Kept
 */

/**
 * What is kept of the city for times without a network: a cache for each version of it. One that has
 * the manifest is whole, since that is put in last; the old one is dropped only then.
 */
export class KeptCities {
  /** @param {string} scope the address of the city's folder */
  constructor(scope) {
    this.scope = scope;
    this.manifestAddress = new URL(MANIFEST, scope).href;
    /** @type {Promise<unknown>} what the version before waits for */
    this.before = Promise.resolve();
  }

  /** @param {string} name of a cache */
  has(name) {
    return name.startsWith(CITY) && name.endsWith(` ${this.scope}`);
  }

  async names() {
    return (await caches.keys()).filter((name) => this.has(name));
  }

  /** @returns {Promise<Response | undefined>} that of the newest whole version */
  async manifest() {
    for (const name of (await this.names()).reverse()) {
      const found = await (await caches.open(name)).match(this.manifestAddress);
      if (found) return found;
    }
  }

  /**
   * One version after another: one that is whole, and the one on the server, removes the others.
   * @param {string} version SHA-256 of the manifest
   * @param {string[]} files addresses in the folder of all that the city has beside the manifest
   * @returns {Promise<Kept>} whether it is kept whole; it never fails
   */
  keep(version, files) {
    const kept = this.before.then(() => this.#keepAlone(version, files)).catch((error) => this.#failed(error));
    this.before = kept;
    return kept;
  }

  /**
   * @param {unknown} error
   * @returns {Promise<Kept>}
   */
  async #failed(error) {
    const older = Boolean(await this.manifest().catch(() => undefined));
    return { whole: false, older, reason: reasonOf(error) };
  }

  /**
   * @param {string} version
   * @param {string[]} files
   * @returns {Promise<Kept>}
   */
  async #keepAlone(version, files) {
    const name = `${CITY}${version} ${this.scope}`;
    const cache = await caches.open(name);
    const wasWhole = Boolean(await cache.match(this.manifestAddress));
    if (!wasWhole) {
      // Where this fails, what is there already is not fetched again next time.
      await takeAll(cache, files.map((file) => new URL(file, this.scope).href));
      await cache.put(this.manifestAddress, await fetchExactly(this.manifestAddress, version));
    }
    const others = (await this.names()).filter((each) => each !== name);
    // One that was whole before may stand for a newer one, of which another cache has a part.
    if (others.length && (!wasWhole || (await this.#isOnServer(version)))) {
      await Promise.all(others.map((each) => caches.delete(each)));
    }
    return { whole: true, older: false, reason: "" };
  }

  /**
   * @param {string} version
   * @returns {Promise<boolean>} false also where the server says nothing
   */
  #isOnServer(version) {
    return fetchExactly(this.manifestAddress, version).then(
      () => true,
      () => false,
    );
  }
}

/**
 * @param {unknown} error
 * @returns {string} for visitors
 */
function reasonOf(error) {
  if (!(error instanceof Error || error instanceof DOMException)) return String(error);
  return error.name === "QuotaExceededError" ? "the browser has no room for it" : error.message;
}

/**
 * @param {Cache} cache
 * @param {string[]} addresses
 * @throws {Error} one of them is not what it should be; the others are taken all the same
 */
async function takeAll(cache, addresses) {
  const left = [...addresses];
  /** @type {unknown[]} */
  const failures = [];
  const takeNext = async () => {
    for (let address = left.shift(); address !== undefined; address = left.shift()) {
      await take(cache, address).catch((error) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, takeNext));
  if (failures.length) throw failures[0];
}

/**
 * @param {Cache} cache
 * @param {string} address
 */
async function take(cache, address) {
  if (await cache.match(address)) return;
  // A file that has not changed has the same address in the old version.
  await cache.put(address, (await caches.match(address)) ?? (await fetchExactly(address, digestIn(address))));
}
