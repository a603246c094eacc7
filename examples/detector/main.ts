/**
 * What is in a picture, or in front of the webcam, and where: boxes over it. The detector is a file that you choose, such
 * as a YOLO, which Ultralytics exports with the names of its classes: `YOLO("yolov8n.pt").export(format="onnx")`.
 *
 * `npm install && npm start`, and open the address that Vite prints. What files say by themselves can be said for them:
 *
 * - `?family=yolox`: how outputs are to be read, where their shapes do not tell;
 * - `&score=0.4`: the least score.
 */
import { type Detection, Detector, type DetectorFamilyName, Device, FrameQueue } from 'tilewise';
import { onnxModel } from 'tilewise/onnx';

const asked = new URLSearchParams(location.search);
const score = Number(asked.get('score') ?? 0.25);
const family = asked.get('family') as DetectorFamilyName | null;

const [output] = document.getElementsByTagName('output');
const [canvas] = document.getElementsByTagName('canvas');
const [modelInput, pictureInput] = document.getElementsByTagName('input');
const [webcam] = document.getElementsByTagName('button');
const context = canvas?.getContext('2d');
if (!output || !canvas || !modelInput || !pictureInput || !webcam || !context) {
  throw new Error('index.html has all of them');
}

const device = await Device.open(navigator.gpu);
let detector: Detector | undefined;

modelInput.onchange = async () => {
  const file = modelInput.files?.[0];
  if (!file) return;
  output.value = 'compiling…';
  const before = detector;
  try {
    const model = onnxModel(new Uint8Array(await file.arrayBuffer()), { name: file.name });
    const { weights } = model;
    detector = await Detector.create(device, model, { weights, ...(family && { family }) });
    before?.dispose();
    output.value = `ready on ${device.adapter.name}`;
    pictureInput.disabled = webcam.disabled = false;
  } catch (error) {
    output.value = String(error);
  }
};

pictureInput.onchange = async () => {
  const file = pictureInput.files?.[0];
  if (!file || !detector) return;
  const picture = await createImageBitmap(file);
  show(picture, picture.width, picture.height, await detector.detect(picture, { score }));
  picture.close();
};

webcam.onclick = async () => {
  webcam.disabled = true;
  const video = document.createElement('video');
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
  await video.play();
  const queue = new FrameQueue(async (frame: VideoFrame) => {
    const found = (await detector?.detect(frame, { score })) ?? [];
    show(frame, frame.displayWidth, frame.displayHeight, found);
  });
  video.requestVideoFrameCallback(function next() {
    video.requestVideoFrameCallback(next);
    queue.push(new VideoFrame(video)).catch((error) => {
      output.value = String(error);
    });
  });
};

/** Draws a picture with a frame around each thing, and lists them. */
function show(
  picture: ImageBitmap | VideoFrame,
  width: number,
  height: number,
  found: readonly Detection[],
): void {
  if (!canvas || !context || !output) return;
  [canvas.width, canvas.height] = [width, height];
  context.drawImage(picture, 0, 0, width, height);
  context.font = '16px sans-serif';
  context.lineWidth = 2;
  for (const { class: index, label, box } of found) {
    context.strokeStyle = context.fillStyle = `hsl(${(index * 137.5) % 360} 90% 50%)`;
    context.strokeRect(box.left, box.top, box.width, box.height);
    context.fillText(label, box.left + 4, box.top + 18);
  }
  output.value = found.map((one) => `${one.label} ${one.score.toFixed(2)}`).join(', ') || 'nothing';
}
