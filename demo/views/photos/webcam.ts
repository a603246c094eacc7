import { element } from '../../dom.ts';

/** What the camera saw at a time. */
export type Frame = VideoFrame | ImageBitmap;

/** The user's camera, as one frame after the other. */
export class Webcam {
  readonly #video = element('video', { muted: true, playsinline: true });
  #stream: MediaStream | undefined;
  #copies = false;

  get running(): boolean {
    return this.#stream !== undefined;
  }

  /** Asks the user for the camera. Rejects where there is none, or where it is not allowed. */
  async start(): Promise<void> {
    this.#stream = await navigator.mediaDevices.getUserMedia({
      video: { width: 640, height: 480 },
    });
    this.#video.srcObject = this.#stream;
    await this.#video.play();
    // Before its first frame arrives there is nothing to take.
    while (this.running && this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
      await new Promise(requestAnimationFrame);
    }
  }

  /** What the camera sees now. It stays on the GPU where the browser has it there. */
  async frame(): Promise<Frame> {
    return 'VideoFrame' in globalThis && !this.#copies
      ? new VideoFrame(this.#video)
      : createImageBitmap(this.#video);
  }

  /** Waits until the camera sees something else, or until the page is drawn next where browsers do not tell. */
  next(): Promise<unknown> {
    const video = this.#video;
    return new Promise((resolve) => {
      // A camera that was stopped has no next frame.
      const ended = setTimeout(resolve, 1000);
      const go = (time: number): void => {
        clearTimeout(ended);
        resolve(time);
      };
      if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(go);
      else requestAnimationFrame(go);
    });
  }

  /** From now on frames are bitmaps: Chromium 143 takes no video frames on a device opened after one was lost. */
  useCopies(): void {
    this.#copies = true;
  }

  /** For drawing. */
  get picture(): HTMLVideoElement {
    return this.#video;
  }

  stop(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
  }
}
