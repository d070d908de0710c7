import { element } from "./elements.js";

let taking = false;

/**
 * Shows what the camera sees, and waits for the photograph.
 * @returns {Promise<Blob | null>} null: it was closed without one, or is open already
 * @throws {Error} there is no camera, or the visitor does not allow it
 */
export async function photograph() {
  if (taking) return null;
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("The browser gives no camera to this page. Choose a picture instead: phones offer their camera there.");
  }
  taking = true;
  const dialog = element("dialog", "camera");
  const video = element("video", "video");
  const shoot = element("button", "shoot");
  let over = false;
  // The visitor may decide before the camera is there.
  const decided = new Promise((resolve) => {
    shoot.onclick = () => resolve(true);
    element("button", "cancel").onclick = () => resolve(false);
    dialog.onclose = () => resolve(false);
  });
  shoot.disabled = true;
  dialog.showModal();
  const stream = navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
  const started = stream.then(async (granted) => {
    if (over) return;
    video.srcObject = granted;
    await video.play();
    if (!over) shoot.disabled = false;
  });
  const failed = started.then(
    () => decided,
    (error) => {
      throw new Error(`The camera cannot be used (${error.name}). Choose a picture instead.`);
    },
  );
  try {
    return (await Promise.race([decided, failed])) ? await still(video) : null;
  } finally {
    over = true;
    stream.then(stop, () => {}); // it may come only now
    video.srcObject = null;
    dialog.onclose = null;
    dialog.close();
    taking = false;
  }
}

/** @param {MediaStream} stream */
function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * @param {HTMLVideoElement} video
 * @returns {Promise<Blob | null>} without loss: what the network sees is what the camera saw
 */
function still(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
