/** Draws by the example's MaskOverlay what tests ask for; the tests copy this file beside it. */
import {
  conv2d,
  createSession,
  Device,
  deviceDescriptor,
  type Graph,
  GraphBuilder,
  type Preprocessing,
  Preprocessor,
  relu,
  resize2d,
  type Session,
  syntheticWeights,
} from 'tilewise';
import { MaskOverlay } from '../../../examples/video-overlay/mask_overlay.ts';

/** [height, width] of the pictures and of what the network sees. */
const SIZE = [48, 64] as const;
const CLASSES = 21;

const preprocessing: Preprocessing = {
  channels: 'rgb',
  size: SIZE,
  fit: { mode: 'stretch' },
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
};

/** A network that looks at pixels and their neighbours, at half the size, and votes for a class of each. */
function segmentation(): Graph {
  const g = GraphBuilder.create();
  const x = g.input('input', [1, 3, ...SIZE]);
  const halves = relu(
    g.at('relu'),
    conv2d(g.at('conv1'), x, { channels: 16, kernel: 3, stride: 2, padding: 1 }),
  );
  const votes = conv2d(g.at('conv2'), halves, { channels: CLASSES, kernel: 3, padding: 1 });
  g.output('logits', resize2d(g.at('resize'), votes, { like: x }));
  return g.build('small segmentation');
}

export interface Drawn {
  /** RGBA of the picture before, and of the canvas with the mask over it. */
  readonly picture: readonly number[];
  readonly canvas: readonly number[];
  /** What the session reads back before it renders, and after. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Whether the device computes what it did, and is the one that was made here. */
  readonly intact: boolean;
}

const pages = {
  /** Begins to draw the webcam; `drawn()` says how many frames it has. */
  async startWebcam(): Promise<void> {
    const device = await Device.open(navigator.gpu);
    const session = await createSession(device, segmentation(), { weights: syntheticWeights([]) });
    const video = document.createElement('video');
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      video: { width: 160, height: 120 },
    });
    video.muted = true;
    await video.play();
    const overlay = await overlayOf(device, session, document.createElement('canvas'));
    let frames = 0;
    const next = async () => {
      await overlay.draw(video);
      document.title = `${++frames}`;
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  },

  async onOwnDevice(): Promise<Drawn> {
    const adapter = await navigator.gpu.requestAdapter();
    if (!adapter) throw new Error('there is no adapter');
    const gpu = await adapter.requestDevice(deviceDescriptor(adapter));
    const device = Device.from(gpu);
    const session = await createSession(device, segmentation(), { weights: syntheticWeights([]) });
    const picture = paintedPicture();
    const canvas = document.createElement('canvas');
    const overlay = await overlayOf(device, session, canvas);

    const before = await logitsOf(device, session, picture);
    for (let i = 0; i < 3; i++) {
      const frame = new VideoFrame(picture, { timestamp: i });
      await overlay.draw(frame);
      frame.close();
    }
    // What WebGPU drew is on the canvas until this task ends.
    const shown = pixelsOf(canvas);
    const after = await logitsOf(device, session, picture);
    overlay.dispose();
    session.dispose();
    device.dispose();
    const again = await logitsOfNewSession(gpu, picture);
    return {
      picture: pixelsOf(picture),
      ...{ canvas: shown, before, after },
      intact: device.gpu === gpu && again.every((value, i) => value === before[i]),
    };
  },
};

async function overlayOf(
  device: Device,
  session: Session,
  canvas: HTMLCanvasElement,
): Promise<MaskOverlay> {
  [canvas.height, canvas.width] = SIZE;
  document.body.append(canvas);
  return MaskOverlay.create(device, session, preprocessing, canvas);
}

async function logitsOf(
  device: Device,
  session: Session,
  picture: OffscreenCanvas,
): Promise<readonly number[]> {
  using preprocessor = await Preprocessor.create(device, preprocessing);
  const { logits = new Float32Array() } = await session.run(await preprocessor.prepare([picture]));
  return [...logits];
}

async function logitsOfNewSession(gpu: GPUDevice, picture: OffscreenCanvas) {
  const device = Device.from(gpu);
  using session = await createSession(device, segmentation(), { weights: syntheticWeights([]) });
  return await logitsOf(device, session, picture);
}

/** Colours that change from left to right and from top to bottom, and rectangles over them. */
function paintedPicture(): OffscreenCanvas {
  const [height, width] = SIZE;
  const canvas = new OffscreenCanvas(width, height);
  const context = contextOf(canvas);
  for (let x = 0; x < width; x += 4) {
    for (let y = 0; y < height; y += 4) {
      context.fillStyle = `rgb(${4 * x} ${5 * y} ${(37 * x + 11 * y) % 256})`;
      context.fillRect(x, y, 4, 4);
    }
  }
  context.fillStyle = 'white';
  context.fillRect(20, 10, 13, 22);
  context.fillStyle = 'black';
  context.fillRect(40, 25, 17, 9);
  return canvas;
}

function pixelsOf(source: HTMLCanvasElement | OffscreenCanvas): readonly number[] {
  const { width, height } = source;
  const context = contextOf(new OffscreenCanvas(width, height));
  context.drawImage(source, 0, 0);
  return [...context.getImageData(0, 0, width, height).data];
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('the browser draws no canvas');
  return context;
}

export type Pages = typeof pages;
Object.assign(globalThis, { pages });
