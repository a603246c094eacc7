/** Draws pictures, and over them a colour for the class that a network finds in each pixel. */
import {
  type Device,
  encodeRun,
  GpuTensor,
  type Preprocessing,
  Preprocessor,
  type Session,
} from 'tilewise';

/** One triangle that covers the canvas. For each of its pixels: the video, and the class with the largest logit. */
const SHADER = /* wgsl */ `
  override CLASSES: u32;
  override HEIGHT: u32;
  override WIDTH: u32;

  @group(0) @binding(0) var picture: texture_external;
  @group(0) @binding(1) var smooth_sampler: sampler;
  // As the network writes it: [1, CLASSES, HEIGHT, WIDTH].
  @group(0) @binding(2) var<storage, read> logits: array<f32>;

  struct Corner {
    @builtin(position) position: vec4f,
    @location(0) uv: vec2f,
  }

  @vertex fn corner(@builtin(vertex_index) i: u32) -> Corner {
    let uv = vec2f(f32((i << 1u) & 2u), f32(i & 2u));
    return Corner(vec4f(2.0 * uv.x - 1.0, 1.0 - 2.0 * uv.y, 0.0, 1.0), uv);
  }

  fn class_at(uv: vec2f) -> u32 {
    let x = min(u32(uv.x * f32(WIDTH)), WIDTH - 1u);
    let y = min(u32(uv.y * f32(HEIGHT)), HEIGHT - 1u);
    var best = 0u;
    var most = logits[y * WIDTH + x];
    for (var c = 1u; c < CLASSES; c++) {
      let value = logits[(c * HEIGHT + y) * WIDTH + x];
      if (value > most) {
        most = value;
        best = c;
      }
    }
    return best;
  }

  // Pascal VOC's colours: the bits of the class, dealt to red, green and blue from the top.
  fn colour_of(class_index: u32) -> vec3f {
    var colour = vec3u(0u);
    for (var i = 0u; i < 3u; i++) {
      let bits = (vec3u(class_index) >> (3u * i + vec3u(0u, 1u, 2u))) & vec3u(1u);
      colour |= bits << vec3u(7u - i);
    }
    return vec3f(colour) / 255.0;
  }

  @fragment fn pixel(@location(0) uv: vec2f) -> @location(0) vec4f {
    let seen = textureSampleBaseClampToEdge(picture, smooth_sampler, uv).rgb;
    let class_index = class_at(uv);
    // Class 0 is the background.
    return vec4f(mix(seen, colour_of(class_index), select(0.6, 0.0, class_index == 0u)), 1.0);
  }
`;

/** It owns the GPU memory of the logits and the preprocessing; device and session are the caller's. */
export class MaskOverlay {
  readonly #gpu: GPUDevice;
  readonly #session: Session;
  readonly #preprocessor: Preprocessor;
  readonly #logits: GpuTensor;
  readonly #context: GPUCanvasContext;
  readonly #pipeline: GPURenderPipeline;
  readonly #sampler: GPUSampler;
  #before: Promise<unknown> = Promise.resolve();

  private constructor(
    { gpu }: Device,
    session: Session,
    preprocessor: Preprocessor,
    logits: GpuTensor,
    context: GPUCanvasContext,
    pipeline: GPURenderPipeline,
  ) {
    this.#gpu = gpu;
    this.#session = session;
    this.#preprocessor = preprocessor;
    this.#logits = logits;
    this.#context = context;
    this.#pipeline = pipeline;
    this.#sampler = gpu.createSampler({ magFilter: 'linear', minFilter: 'linear' });
  }

  /** For a session with one output, logits [1, classes, height, width], of one picture. */
  static async create(
    device: Device,
    session: Session,
    preprocessing: Preprocessing,
    canvas: HTMLCanvasElement | OffscreenCanvas,
  ): Promise<MaskOverlay> {
    const context = canvas.getContext('webgpu') as GPUCanvasContext | null;
    if (!context) throw new Error('the canvas has a context of another kind');
    const format = navigator.gpu.getPreferredCanvasFormat();
    context.configure({ device: device.gpu, format });
    const [output] = session.outputs;
    const shape = output?.shape ?? [];
    const pipeline = await compile(device.gpu, shape, format);
    const preprocessor = await Preprocessor.create(device, preprocessing);
    const logits = await GpuTensor.allocate(device, shape);
    return new MaskOverlay(device, session, preprocessor, logits, context, pipeline);
  }

  /** Draws a picture with its mask. Resolved when that has been submitted, at most one frame ahead of the GPU. */
  async draw(picture: HTMLVideoElement | VideoFrame): Promise<void> {
    await this.#before;
    const prepared = await this.#preprocessor.prepare([picture]);
    // From here on nothing is awaited: what is imported of the video is gone after this task.
    const encoder = this.#gpu.createCommandEncoder();
    encodeRun(this.#session, encoder, prepared, this.#logits);
    this.#render(encoder, this.#gpu.importExternalTexture({ source: picture }));
    this.#gpu.queue.submit([encoder.finish()]);
    this.#before = this.#gpu.queue.onSubmittedWorkDone();
  }

  dispose(): void {
    this.#context.unconfigure();
    this.#logits.dispose();
    this.#preprocessor.dispose();
  }

  #render(encoder: GPUCommandEncoder, picture: GPUExternalTexture): void {
    const view = this.#context.getCurrentTexture().createView();
    const pass = encoder.beginRenderPass({
      colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }],
    });
    const entries = [picture, this.#sampler, { buffer: this.#logits.buffer }].map(
      (resource, binding) => ({ binding, resource }),
    );
    const layout = this.#pipeline.getBindGroupLayout(0);
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#gpu.createBindGroup({ layout, entries }));
    pass.draw(3);
    pass.end();
  }
}

function compile(
  gpu: GPUDevice,
  [, classes = 1, height = 1, width = 1]: readonly number[],
  format: GPUTextureFormat,
): Promise<GPURenderPipeline> {
  const module = gpu.createShaderModule({ code: SHADER });
  const constants = { CLASSES: classes, HEIGHT: height, WIDTH: width };
  return gpu.createRenderPipelineAsync({
    layout: 'auto',
    vertex: { module },
    fragment: { module, targets: [{ format }], constants },
  });
}
