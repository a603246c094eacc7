/** A WebGPU device that computes nothing and keeps the compute pipelines that it is asked for. */

/** What a program dispatches, again and again. */
export interface RecordedPipeline {
  readonly label: string;
  readonly code: string;
  dispatches: number;
}

interface Module {
  readonly label: string;
  readonly code: string;
}

export class RecordingDevice {
  readonly pipelines: RecordedPipeline[] = [];
  /** What the device was asked to have. */
  features: GPUFeatureName[] = [];
  /** Shows features and limits of the real one. */
  readonly adapter: object;

  /** @param real - Whose features, limits and name the program sees. */
  constructor({ features, limits, info }: GPUAdapter) {
    const requestDevice = async ({ requiredFeatures = [] }: GPUDeviceDescriptor = {}) => {
      this.features = [...requiredFeatures] as GPUFeatureName[];
      return this.#device(limits);
    };
    this.adapter = { features, limits, info, requestDevice, isFallbackAdapter: false };
  }

  #device(limits: GPUSupportedLimits): object {
    const nothing = () => ({});
    const later = async () => null;
    return {
      features: new Set(this.features),
      limits,
      lost: new Promise(() => {}),
      queue: { submit() {}, writeBuffer() {}, onSubmittedWorkDone: later },
      addEventListener() {},
      removeEventListener() {},
      destroy() {},
      pushErrorScope() {},
      popErrorScope: later,
      createBuffer: bufferOf,
      createShaderModule: ({ label = '', code }: Module): Module => ({ label, code }),
      createComputePipeline: (descriptor: { compute: { module: Module } }) =>
        this.#pipeline(descriptor),
      createComputePipelineAsync: async (descriptor: { compute: { module: Module } }) =>
        this.#pipeline(descriptor),
      createBindGroup: nothing,
      createBindGroupLayout: nothing,
      createPipelineLayout: nothing,
      createQuerySet: () => ({ destroy() {} }),
      createCommandEncoder: encoder,
    };
  }

  #pipeline({ compute }: { compute: { module: Module } }): object {
    const { label, code } = compute.module;
    const pipeline = { label, code, dispatches: 0 };
    this.pipelines.push(pipeline);
    return { getBindGroupLayout: () => ({}), pipeline };
  }
}

function encoder(): object {
  let current: { pipeline: RecordedPipeline } | undefined;
  const dispatch = () => {
    if (current) current.pipeline.dispatches++;
  };
  const pass = {
    setPipeline(pipeline: { pipeline: RecordedPipeline }) {
      current = pipeline;
    },
    setBindGroup() {},
    dispatchWorkgroups: dispatch,
    dispatchWorkgroupsIndirect: dispatch,
    end() {},
  };
  return {
    beginComputePass: () => pass,
    copyBufferToBuffer() {},
    clearBuffer() {},
    resolveQuerySet() {},
    finish: () => ({}),
  };
}

function bufferOf({ size, usage }: GPUBufferDescriptor): object {
  return {
    size,
    usage,
    mapState: 'unmapped',
    mapAsync: async () => {},
    getMappedRange: (offset = 0, length = size - offset) => new ArrayBuffer(length),
    unmap() {},
    destroy() {},
  };
}
