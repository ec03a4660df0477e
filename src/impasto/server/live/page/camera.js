// The browser's camera: its newest frame, sent to the server whenever the one before has arrived.

const RATE = 30; // frames a second that are asked for
const QUALITY = 0.92; // of the JPEG
const WAIT = 100; // ms: where the browser does not say when there is a new frame

/** Why a camera cannot be had, as the beginning of a phrase's key. */
export const reasonOf = (error) =>
  ({ NotAllowedError: "liveDenied", SecurityError: "liveDenied", NotFoundError: "liveNone", OverconstrainedError: "liveNone", TypeError: "liveInsecure" })[error.name] ?? "liveTaken";

/** The cameras that there are, as [id, name]; they have names once one was allowed. */
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind }) => kind === "videoinput").map(({ deviceId, label }, at) => [deviceId, label || String(at + 1)]);
}

/** Send what a camera sees with `send(blob)` until `stop()`, or until `gone()` is called because it went away. */
export async function openCamera({ id, side, send, gone }) {
  const video = { width: { ideal: side }, height: { ideal: Math.round(0.75 * side) }, frameRate: { ideal: RATE }, ...(id ? { deviceId: { exact: id } } : {}) };
  const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
  const [track] = stream.getVideoTracks();
  let open = true;
  const stop = () => ((open = false), track.stop());
  const lost = () => open && (stop(), gone());
  track.addEventListener("ended", lost);
  const next = await framesOf(stream, track);
  const canvas = new OffscreenCanvas(1, 1), context = canvas.getContext("2d", { alpha: false });
  (async () => {
    while (open) {
      const frame = await next();
      if (!frame) return lost();
      const share = Math.min(1, side / Math.max(frame.width, frame.height));
      Object.assign(canvas, { width: Math.round(share * frame.width), height: Math.round(share * frame.height) });
      context.drawImage(frame.picture, 0, 0, canvas.width, canvas.height);
      frame.close();
      await send(await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY }));
    }
  })();
  return { stop, id: track.getSettings().deviceId };
}

/** A function that gives the newest frame when it comes, null behind the last one. Where the browser can, in hidden tabs, too. */
async function framesOf(stream, track) {
  if ("MediaStreamTrackProcessor" in window) {
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable.getReader();
    return async () => {
      const { value, done } = await reader.read();
      return done ? null : { picture: value, width: value.displayWidth, height: value.displayHeight, close: () => value.close() };
    };
  }
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  return async () => {
    await new Promise((done) => (setTimeout(done, WAIT), video.requestVideoFrameCallback?.(done)));
    return { picture: video, width: video.videoWidth, height: video.videoHeight, close: () => {} };
  };
}
