/** Draws pictures, blurred where a network finds nobody. */
import {
  type Device,
  encodeRun,
  GpuTensor,
  type Preprocessing,
  Preprocessor,
  type Session,
} from 'tilewise';

/** One triangle that covers the canvas. For each of its pixels: the video as it is, or the mean around it. */
const SHADER = /* wgsl */ `
  override HEIGHT: u32;
  override WIDTH: u32;
  /** Of the blur, as a share of the picture's height, and the rings and samples that it takes. */
  const RADIUS = 0.04;
  const RINGS = 4;
  const SAMPLES = 12;

  @group(0) @binding(0) var picture: texture_external;
  @group(0) @binding(1) var smooth_sampler: sampler;
  // How probable it is that somebody is there: [1, HEIGHT, WIDTH, 1].
  @group(0) @binding(2) var<storage, read> person: array<f32>;

  struct Corner {
    @builtin(position) position: vec4f,
    @location(0) uv: vec2f,
  }

  @vertex fn corner(@builtin(vertex_index) i: u32) -> Corner {
    let uv = vec2f(f32((i << 1u) & 2u), f32(i & 2u));
    return Corner(vec4f(2.0 * uv.x - 1.0, 1.0 - 2.0 * uv.y, 0.0, 1.0), uv);
  }

  fn person_at(pixel: vec2i) -> f32 {
    let inside = clamp(pixel, vec2i(0), vec2i(i32(WIDTH), i32(HEIGHT)) - 1);
    return person[u32(inside.y) * WIDTH + u32(inside.x)];
  }

  // Between the four pixels around.
  fn person_between(uv: vec2f) -> f32 {
    let at = uv * vec2f(f32(WIDTH), f32(HEIGHT)) - 0.5;
    let first = vec2i(floor(at));
    let part = fract(at);
    let above = mix(person_at(first), person_at(first + vec2i(1, 0)), part.x);
    let below = mix(person_at(first + vec2i(0, 1)), person_at(first + vec2i(1, 1)), part.x);
    return mix(above, below, part.y);
  }

  fn seen(uv: vec2f) -> vec3f {
    return textureSampleBaseClampToEdge(picture, smooth_sampler, uv).rgb;
  }

  fn blurred(uv: vec2f, aspect: f32) -> vec3f {
    var sum = seen(uv);
    for (var ring = 1; ring <= RINGS; ring++) {
      for (var i = 0; i < SAMPLES; i++) {
        let angle = 6.2831853 * (f32(i) + 0.5 * f32(ring % 2)) / f32(SAMPLES);
        let away = RADIUS * f32(ring) / f32(RINGS) * vec2f(cos(angle) / aspect, sin(angle));
        sum += seen(uv + away);
      }
    }
    return sum / f32(1 + RINGS * SAMPLES);
  }

  @fragment fn pixel(@location(0) uv: vec2f) -> @location(0) vec4f {
    let size = vec2f(textureDimensions(picture));
    let clear = smoothstep(0.3, 0.7, person_between(uv));
    return vec4f(mix(blurred(uv, size.x / size.y), seen(uv), clear), 1.0);
  }
`;

/** It owns the GPU memory of the mask and the preprocessing; device and session are the caller's. */
export class BlurredBackground {
  readonly #gpu: GPUDevice;
  readonly #session: Session;
  readonly #preprocessor: Preprocessor;
  readonly #person: GpuTensor;
  readonly #context: GPUCanvasContext;
  readonly #pipeline: GPURenderPipeline;
  readonly #sampler: GPUSampler;
  #before: Promise<unknown> = Promise.resolve();

  private constructor(
    { gpu }: Device,
    session: Session,
    preprocessor: Preprocessor,
    person: GpuTensor,
    context: GPUCanvasContext,
    pipeline: GPURenderPipeline,
  ) {
    this.#gpu = gpu;
    this.#session = session;
    this.#preprocessor = preprocessor;
    this.#person = person;
    this.#context = context;
    this.#pipeline = pipeline;
    this.#sampler = gpu.createSampler({ magFilter: 'linear', minFilter: 'linear' });
  }

  /** For a session with one output, probabilities [1, height, width, 1], of one picture. */
  static async create(
    device: Device,
    session: Session,
    preprocessing: Preprocessing,
    canvas: HTMLCanvasElement | OffscreenCanvas,
  ): Promise<BlurredBackground> {
    const context = canvas.getContext('webgpu') as GPUCanvasContext | null;
    if (!context) throw new Error('the canvas has a context of another kind');
    const format = navigator.gpu.getPreferredCanvasFormat();
    context.configure({ device: device.gpu, format });
    const [output] = session.outputs;
    const shape = output?.shape ?? [];
    const pipeline = await compile(device.gpu, shape, format);
    const preprocessor = await Preprocessor.create(device, preprocessing);
    const person = await GpuTensor.allocate(device, shape);
    return new BlurredBackground(device, session, preprocessor, person, context, pipeline);
  }

  /** Draws a picture. Resolved when that has been submitted, at most one frame ahead of the GPU. */
  async draw(picture: HTMLVideoElement | VideoFrame): Promise<void> {
    await this.#before;
    const prepared = await this.#preprocessor.prepare([picture]);
    // From here on nothing is awaited: what is imported of the video is gone after this task.
    const encoder = this.#gpu.createCommandEncoder();
    encodeRun(this.#session, encoder, prepared, this.#person);
    this.#render(encoder, this.#gpu.importExternalTexture({ source: picture }));
    this.#gpu.queue.submit([encoder.finish()]);
    this.#before = this.#gpu.queue.onSubmittedWorkDone();
  }

  dispose(): void {
    this.#context.unconfigure();
    this.#person.dispose();
    this.#preprocessor.dispose();
  }

  #render(encoder: GPUCommandEncoder, picture: GPUExternalTexture): void {
    const view = this.#context.getCurrentTexture().createView();
    const pass = encoder.beginRenderPass({
      colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }],
    });
    const entries = [picture, this.#sampler, { buffer: this.#person.buffer }].map(
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
  [, height = 1, width = 1]: readonly number[],
  format: GPUTextureFormat,
): Promise<GPURenderPipeline> {
  const module = gpu.createShaderModule({ code: SHADER });
  return gpu.createRenderPipelineAsync({
    layout: 'auto',
    vertex: { module },
    fragment: { module, targets: [{ format }], constants: { HEIGHT: height, WIDTH: width } },
  });
}
