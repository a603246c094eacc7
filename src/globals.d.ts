// biome-ignore-all lint/suspicious/noEmptyInterface: they merge with interfaces of the same name.
/**
 * What signatures name of browsers and WebGPU, for programs whose TypeScript knows neither by `lib` nor `types`: these
 * merge with the real interfaces where there are some, and are empty where there are none.
 */
interface AbortSignal {}
interface URL {}
interface GPU {}
interface GPUAdapter {}
interface GPUAdapterInfo {}
interface GPUBindGroupLayout {}
interface GPUBuffer {}
interface GPUCommandEncoder {}
interface GPUComputePassDescriptor {}
interface GPUComputePassEncoder {}
interface GPUComputePipeline {}
interface GPUDevice {}
interface GPUDeviceDescriptor {}
