import { element } from "./elements.js";

/**
 * Shows what the camera sees, and waits for the photograph.
 * @returns {Promise<Blob | null>} null: it was closed without one
 * @throws {Error} there is no camera, or the visitor does not allow it
 */
export async function photograph() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("The browser gives no camera to this page. Choose a picture instead: phones offer their camera there.");
  }
  const stream = await navigator.mediaDevices
    .getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } })
    .catch((error) => {
      throw new Error(`The camera cannot be used (${error.name}). Choose a picture instead.`);
    });
  const dialog = element("dialog", "camera");
  const video = element("video", "video");
  try {
    video.srcObject = stream;
    dialog.showModal();
    await video.play();
    const taken = await new Promise((resolve) => {
      element("button", "shoot").onclick = () => resolve(true);
      element("button", "cancel").onclick = () => resolve(false);
      dialog.onclose = () => resolve(false);
    });
    return taken ? await still(video) : null;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    dialog.onclose = null;
    dialog.close();
  }
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
