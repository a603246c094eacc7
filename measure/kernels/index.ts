/** Microbenchmarks of kernels, for the command and for pages: nothing here needs Node. */
export { type BenchmarkOptions, type BenchProgress, benchmarkKernels } from './benchmark.ts';
export { layerChart, layerChartHeight, rooflineChart } from './charts.ts';
export { type LayerCase, layerCases } from './layer_case.ts';
export { parseLayer } from './layer_text.ts';
export { operatorText } from './operator_text.ts';
export type { KernelReport, KernelResult, LayerReport, TimedKernel } from './report.ts';
