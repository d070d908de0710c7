import { clearAnswer, megabytes, showAnswer } from "./answer_view.js";
import { photograph } from "./camera.js";
import { element } from "./elements.js";
import { MarkedBox } from "./marked_box.js";

const MOMENT = "One moment";

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const begin = performance.now();
const error = element("p", "error");
const answer = element("section", "answer");

/** @type {import("./answer_view.js").Ready | null} */
let city = null;
/** @type {Blob | null} the picture that is asked about; null while the next one is decoded */
let file = null;
let asked = 0;
let shown = 0;

const box = new MarkedBox(ask);

/** @param {string} text */
function fail(text) {
  error.textContent = text;
  error.hidden = false;
  element("section", "loading").hidden = true;
}

/**
 * What was asked has no answer, and an older one does not stand for it.
 * @param {string} text
 */
function failToAnswer(text) {
  fail(text);
  answer.hidden = true;
  clearAnswer("");
  answer.setAttribute("aria-busy", "false");
}

/** Asks about the picture as it is marked; older questions are not answered any more. */
function ask() {
  if (!city || !file) return;
  error.hidden = true;
  if (answer.hidden) clearAnswer(MOMENT);
  answer.hidden = false;
  answer.setAttribute("aria-busy", "true");
  worker.postMessage({ kind: "ask", id: ++asked, file, shares: box.shares });
}

/** @param {Blob} chosen */
async function show(chosen) {
  if (!city) return;
  error.hidden = true;
  // The answer to the picture before is none to this one, and must not come while this is decoded: neither
  // may a part of it be marked, and asked about.
  asked++;
  file = null;
  answer.hidden = true;
  const turn = ++shown;
  const picture = element("img", "picture");
  const old = picture.src;
  picture.src = URL.createObjectURL(chosen);
  if (old) URL.revokeObjectURL(old);
  try {
    await picture.decode();
  } catch {
    if (turn !== shown) return; // another picture has taken its place meanwhile
    failToAnswer("This is no picture that the browser can read. JPEG, PNG and WebP are.");
    element("div", "both").hidden = true;
    return;
  }
  if (turn !== shown) return;
  file = chosen;
  box.clear();
  element("div", "both").hidden = false;
  ask();
}

/** @param {FileList | DataTransferItemList | undefined | null} list */
function firstImage(list) {
  for (const each of list ?? []) {
    const found = each instanceof File ? each : each.kind === "file" ? each.getAsFile() : null;
    if (found) return found;
  }
  return null;
}

/** @param {import("./answer_view.js").Ready & {kind: string}} message */
function ready(message) {
  city = message;
  document.title = message.title || document.title;
  if (message.title) element("h1", "title").textContent = `${message.title}: which place is this?`;
  element("p", "about").textContent =
    `${message.places === 1 ? "1 picture of a place is" : `${message.places.toLocaleString("en")} pictures of places are`} known. Ready after ` +
    `${((performance.now() - begin) / 1000).toFixed(1)} s, with ${megabytes(message.memory)} of memory for the network.`;
  element("section", "loading").hidden = true;
  element("section", "ask").hidden = false;
  if (message.instead === null) keepForLater(message);
  else element("p", "offline").textContent = `The city on the server cannot be loaded now. You see the version that this browser has kept. ${message.instead}`;
}

/** @param {import("./answer_view.js").Ready} city */
async function keepForLater({ version, files, thumbnails }) {
  const offline = element("p", "offline");
  const needsNetwork = (/** @type {string} */ reason) => (offline.textContent = `The page will need a network next time (${reason}).`);
  if (!navigator.serviceWorker) {
    return needsNetwork(isSecureContext ? "this browser keeps no pages, as in some private windows" : "browsers keep only pages of https addresses");
  }
  try {
    const registration = await navigator.serviceWorker.register("service_worker.js");
    const { installing } = registration;
    installing?.addEventListener("statechange", () => {
      // A page that was kept before works on, and keeps the city.
      if (installing.state === "redundant" && !registration.active) {
        needsNetwork("the browser has not kept the files of the page: there is no room, or they are not all of one version");
      }
    });
    await navigator.serviceWorker.ready; // never, where nothing is kept
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data.kind !== "kept") return;
      if (data.whole) offline.textContent = "The page now works without a network, too.";
      else if (data.older) offline.textContent = `This version of the city cannot be kept (${data.reason}). When there is no network you will see the one before.`;
      else needsNetwork(data.reason);
    });
    registration.active?.postMessage({ version, files: [...files, ...(thumbnails ?? [])] });
  } catch (reason) {
    needsNetwork(reason instanceof Error ? reason.message : String(reason));
  }
}

worker.addEventListener("message", ({ data }) => {
  if (data.kind === "progress") element("progress", "progress").value = data.total ? data.loaded / data.total : 0;
  else if (data.kind === "step") element("label", "step").textContent = `Loading the city: ${data.what}`;
  else if (data.kind === "ready") ready(data);
  else if (data.kind === "error" && (data.id === null || data.id === asked)) failToAnswer(data.message);
  else if (data.kind === "answer" && data.id === asked && city) {
    showAnswer(city, data);
    answer.setAttribute("aria-busy", "false");
    answer.scrollIntoView({ block: "nearest" });
    dispatchEvent(new CustomEvent("answered", { detail: data }));
  }
});
worker.addEventListener("error", ({ message }) => {
  // Without a message the file has not come, or the browser knows no modules in workers.
  if (message) failToAnswer(`The page cannot work here (${message}). A newer browser is needed.`);
  else failToAnswer("worker.js cannot be loaded. Load the page again; if that does not help, take a newer browser, or put the whole folder onto the server.");
});

element("button", "choose").addEventListener("click", () => element("input", "file").click());
element("input", "file").addEventListener("change", ({ target }) => {
  const input = /** @type {HTMLInputElement} */ (target);
  const chosen = firstImage(input.files);
  input.value = "";
  if (chosen) show(chosen);
});
element("button", "take").addEventListener("click", async () => {
  try {
    const taken = await photograph();
    if (taken) show(taken);
  } catch (reason) {
    fail(reason instanceof Error ? reason.message : String(reason));
  }
});
document.addEventListener("paste", ({ clipboardData }) => {
  const pasted = firstImage(clipboardData?.items);
  if (pasted) show(pasted);
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", kind === "dragenter" || kind === "dragover");
  });
}
document.addEventListener("drop", ({ dataTransfer }) => {
  const dropped = firstImage(dataTransfer?.files);
  if (dropped) show(dropped);
});

worker.postMessage({ kind: "load", base: new URL(".", location.href).href });
