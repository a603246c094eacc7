/**
 * One network, on the GPU where there is WebGPU, and on the CPU by onnxruntime-web where there is none: the same graph
 * and weights, inputs and outputs by the same names. What onnxruntime reads is written here, by `exportOnnx`.
 */
import {
  createSession,
  Device,
  type Graph,
  isSupported,
  type Supported,
  type Unsupported,
  type WeightSource,
} from 'tilewise';

type Tensors = Readonly<Record<string, Float32Array>>;

export interface Network {
  /** For people: the adapter's name, or why it is the CPU. */
  readonly on: string;
  /** Every input of the graph in, every output out. */
  run(inputs: Tensors): Promise<Tensors>;
  dispose(): Promise<void>;
}

/** The part of onnxruntime's interface that is used. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array): Promise<{
      run(feeds: Readonly<Record<string, object>>): Promise<Readonly<Record<string, unknown>>>;
      release(): Promise<void>;
    }>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
}

/** `loadOnnxRuntime` is `() => import('onnxruntime-web/wasm')`: pages with WebGPU do not download it. */
export async function openNetwork(
  graph: Graph,
  weights: WeightSource,
  loadOnnxRuntime: () => Promise<OnnxRuntime>,
  support?: Supported | Unsupported,
): Promise<Network> {
  const here = support ?? (await isSupported());
  return here.supported
    ? openOnGpu(graph, weights, here)
    : openOnCpu(graph, weights, await loadOnnxRuntime(), here.reason);
}

async function openOnGpu(
  graph: Graph,
  weights: WeightSource,
  support: Supported,
): Promise<Network> {
  const device = await Device.open(support.gpu, support);
  const session = await createSession(device, graph, { weights });
  return {
    on: device.adapter.name,
    run: (inputs) => session.run(inputs),
    async dispose() {
      session.dispose();
      device.dispose();
    },
  };
}

async function openOnCpu(
  graph: Graph,
  weights: WeightSource,
  { InferenceSession, Tensor }: OnnxRuntime,
  on: string,
): Promise<Network> {
  const { exportOnnx } = await import('tilewise/onnx');
  const session = await InferenceSession.create(exportOnnx(graph, weights));
  return {
    on,
    async run(inputs) {
      const feeds = graph.inputs.map(({ name, desc }) => {
        const data = inputs[name];
        if (!data) throw new Error(`input "${name}" of "${graph.name}" is missing`);
        return [name, new Tensor('float32', data, desc.shape)] as const;
      });
      const outputs = await session.run(Object.fromEntries(feeds));
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [name, dataOf(tensor)]),
      );
    },
    dispose: () => session.release(),
  };
}

function dataOf(tensor: unknown): Float32Array {
  const { data } = tensor as { readonly data?: unknown };
  if (data instanceof Float32Array) return data;
  throw new Error('onnxruntime gave no tensor of f32');
}
