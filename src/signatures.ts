/** Types that signatures of the public API name, beside those that programs name themselves. */
export type { ArgReduceProblem } from '../shaders/arg_reduce.wgsl.ts';
export type { ElementTypes, UnaryTypes } from '../shaders/lib/element_types.ts';
export type { Epilogue, EpilogueOperand } from '../shaders/lib/epilogue.ts';
export type {
  Arguments as ExpressionArguments,
  Arithmetic,
  BoundExpression,
  CallStep,
  ConstantStep,
  Fragment,
  Helper,
  OperandStep,
  Step,
} from '../shaders/lib/expression.ts';
export type { Clamp } from '../shaders/lib/expression_clamp.ts';
export type { Binary, Ternary, Unary } from '../shaders/lib/expression_functions.ts';
export type { PrintedExpression, PrintOptions } from '../shaders/lib/expression_wgsl.ts';
export type { MapProblem } from '../shaders/lib/map_kernel.ts';
export type { MapStrides } from '../shaders/lib/map_strides.ts';
export type { RowProblem, Rows } from '../shaders/lib/rows.ts';
export type { Window2d } from '../shaders/lib/window.ts';
export type { MaxPool2dIndicesProblem } from '../shaders/max_pool2d_indices.wgsl.ts';
export type { Pool2dProblem } from '../shaders/pool2d.wgsl.ts';
export type { ReduceKind } from '../shaders/reduce.wgsl.ts';
export type { TopKProblem } from '../shaders/top_k.wgsl.ts';
export type { GridSampleAttributes } from './layers/grid_sample.ts';
export type { LocalResponseNormAttributes } from './layers/local_response_norm.ts';
export type { NormalizeAttributes } from './layers/normalize.ts';
export type { Pad2dAttributes } from './layers/pad2d.ts';
export type { RoiAlignAttributes } from './layers/roi_align.ts';
export type { Padding3d, Triple } from './layers/volume.ts';
export type { Padding, Pair } from './layers/window.ts';
export type { ImageDomain } from './models/model.ts';
export type { Rates } from './profiling/profile.ts';
export type { WarningListener } from './profiling/tuning_store.ts';
export type {
  ConcatAttributes,
  MatmulAttributes,
  PointwiseAttributes,
  RearrangeAttributes,
} from './runtime/builtins.ts';
export type {
  DeviceFamily,
  DeviceKind,
  DeviceLimits,
  SubgroupMatrices,
} from './runtime/device_profile.ts';
export type { Experiment } from './runtime/experiment.ts';
export type { Opening } from './runtime/gpu/device.ts';
export type { Executor, RunControl, RunTimes, Submitted } from './runtime/gpu/executor.ts';
export type { BindingSlot, Pipeline, PipelineCache } from './runtime/gpu/pipeline_cache.ts';
export type { RunClock } from './runtime/gpu/run_clock.ts';
export type { Work } from './runtime/gpu/stopwatch.ts';
export type {
  Access,
  Activation,
  Constant as GraphConstant,
  DataByRole,
  DerivedWeight,
  OpCall,
} from './runtime/graph.ts';
export type {
  Binding,
  Kernel,
  KernelDispatch,
  Lowering,
  NoConfig,
  Repack,
  Workgroups,
} from './runtime/kernel.ts';
export type { Atom, StridedElements } from './runtime/movement/strided_elements.ts';
export type { Named } from './runtime/operator.ts';
export type { MemoryLayout } from './runtime/passes/memory_layout.ts';
export type { Passes } from './runtime/passes/passes.ts';
export type {
  BufferRef,
  PlannedDispatch,
  PlannedTensor,
  PlannedWeight,
} from './runtime/plan/compile.ts';
export type { KernelPreference } from './runtime/plan/select_kernels.ts';
export type { Storage } from './runtime/plan/storage.ts';
export type { TunedKernel } from './runtime/plan/tuning.ts';
export type {
  Reference,
  References as RuntimeReferences,
} from './runtime/reference/run_reference.ts';
export type { Port, Running, SessionOptions } from './runtime/session.ts';
export type { TensorDesc, View } from './runtime/tensor.ts';
export type { DownloadProgress } from './runtime/weights/fetch_weights.ts';
export type { Extent } from './vision/preprocessing.ts';
