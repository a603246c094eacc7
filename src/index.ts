/// <reference path="./globals.d.ts" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Tilewise: convnets on WebGPU.
 *
 * ```ts
 * const device = await Device.open(navigator.gpu);
 * const session = await createSession(device, buildModel(findModel('lenet')), { weights });
 * const { logits } = await session.run(pixels);
 * ```
 *
 * @module tilewise
 */

import '../shaders/index.ts';

// Bundles keep this order, and what is alike compresses better side by side: the runtime first.

export { type CreateSessionOptions, createSession } from './create_session.ts';
export { type Prepared, type PrepareOptions, planFor, prepare } from './prepare.ts';
export { ANY_GPU, type DeviceProfile } from './runtime/device_profile.ts';
export {
  DeviceLostError,
  ShaderError,
  ShapeError,
  TilewiseError,
  UnsupportedError,
  WeightError,
} from './runtime/errors.ts';
export {
  type AdapterFacts,
  adapterFacts,
  Device,
  type OpenDeviceOptions,
} from './runtime/gpu/device.ts';
export { GpuError } from './runtime/gpu/errors.ts';
export type { InputData, InputWriter } from './runtime/gpu/executor.ts';
export { GpuTensor, type GpuTensorOptions } from './runtime/gpu/gpu_tensor.ts';
export type { Clock } from './runtime/gpu/stopwatch.ts';
export type { Graph, Input, Node, OpDef, Value, Weight } from './runtime/graph.ts';
export { GraphBuilder } from './runtime/graph_builder.ts';
export { isolate } from './runtime/isolate.ts';
export { type Candidate, describeConfig, type KernelDef } from './runtime/kernel.ts';
export type { Movement } from './runtime/movement/index.ts';
export { observe } from './runtime/observe.ts';
export { describeStages, type StageReport, type StageResult } from './runtime/passes/report.ts';
export type { ExecutionPlan, MemoryUse } from './runtime/plan/compile.ts';
export { lowerBoundOf, type MemoryPlan } from './runtime/plan/memory_plan.ts';
export { parseTuning, type Tuning, tuningText, tuningTextKey } from './runtime/plan/tuning.ts';
export type { BatchAndSize, NewShapes } from './runtime/reshape.ts';
export {
  type RunInputs,
  type RunOptions,
  type RunOutputs,
  Session,
  type SessionProgress,
  type SessionResizeOptions,
} from './runtime/session.ts';
export { type DType, formatShape, type Shape } from './runtime/tensor.ts';
export { type FetchOptions, fetchSafetensors } from './runtime/weights/fetch_weights.ts';
export { openSafetensors } from './runtime/weights/safetensors.ts';
export { syntheticInput, syntheticTensor, syntheticWeights } from './runtime/weights/synthetic.ts';
export type { TensorInfo, WeightSource } from './runtime/weights/weight_source.ts';

// What measures it.

export {
  type Ceilings,
  type MeasureCeilingsOptions,
  measureCeilings,
} from './profiling/ceilings.ts';
export { type Deviation, deviation } from './profiling/deviation.ts';
export { GPUS, type GpuFigures } from './profiling/gpus.ts';
export {
  type PredictedLayer,
  type Prediction,
  type PredictOptions,
  predict,
} from './profiling/predict.ts';
export {
  type DispatchProfile,
  type LayerProfile,
  type Profile,
  type ProfileOptions,
  profile,
} from './profiling/profile.ts';
export { timePass } from './profiling/time_pass.ts';
export { traceOf } from './profiling/trace.ts';
export { partOf } from './profiling/traffic.ts';
export { type TimedKernel, type TuneOptions, type TuneResult, tune } from './profiling/tune.ts';
export { keepTuning, keptTuning, type TuningStore, tuningKey } from './profiling/tuning_store.ts';
export { type LayerCheck, type VerifyOptions, verify } from './profiling/verify.ts';

// What is computed.

export type { SampleFilter, SamplePadding } from '../shaders/grid_sample.wgsl.ts';
export type { Expression, ExpressionFunction } from '../shaders/lib/expression.ts';
export * as functions from '../shaders/lib/expression_functions.ts';
export type { PadMode } from '../shaders/pad2d.wgsl.ts';
export type { ResizeFilter } from '../shaders/resize_axis.wgsl.ts';
export { type BrowserSupport, browserSupport, type Surroundings } from './browser_support.ts';
export {
  apply,
  byteLength,
  candidatesOf,
  checkPrecision,
  clockOf,
  describeExpression,
  describeMovement,
  deviceDescriptor,
  elementCount,
  isConstant,
  isPointwise,
  isRearrange,
  kindOf,
  multiplyAdds,
  shapeKey,
  weightsOf,
} from './checked.ts';
export { conversions } from './conversions.ts';
export { type CreateTunedSessionOptions, createTunedSession } from './create_tuned_session.ts';
export { defineOperator, kernel, type OperatorDefinition } from './define_operator.ts';
export { explainLack, isSupported, type Supported, type Unsupported } from './is_supported.ts';
export {
  clip,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  prelu,
  relu,
  selu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from './layers/activations.ts';
export {
  adaptiveAveragePool2d,
  globalAveragePool2d,
} from './layers/adaptive_average_pool2d.ts';
export { type ArgReduceAttributes, argMax, argMin } from './layers/arg_reduce.ts';
export { add, binary, div, mul, sub } from './layers/arithmetic.ts';
export { batchNorm } from './layers/batch_norm.ts';
export { channelLinear } from './layers/channel_linear.ts';
export { type Col2imAxis, col2im } from './layers/col2im.ts';
export { concat } from './layers/concat.ts';
export { type ConvTranspose2dOptions, convTranspose2d } from './layers/conv_transpose2d.ts';
export { type ConvTranspose3dOptions, convTranspose3d } from './layers/conv_transpose3d.ts';
export { type Conv2dOptions, conv2d } from './layers/conv2d.ts';
export { type Conv2dDynamicOptions, conv2dDynamic } from './layers/conv2d_dynamic.ts';
export { type Conv3dOptions, conv3d } from './layers/conv3d.ts';
export type { Coordinates, NearestRounding } from './layers/coordinates.ts';
export { type CumSumAttributes, cumSum } from './layers/cum_sum.ts';
export { type DeformConv2dOptions, deformConv2d } from './layers/deform_conv2d.ts';
export { flatten } from './layers/flatten.ts';
export { gather } from './layers/gather.ts';
export { gridSample } from './layers/grid_sample.ts';
export { type LinearOptions, linear } from './layers/linear.ts';
export { localResponseNorm } from './layers/local_response_norm.ts';
export { matmul } from './layers/matmul.ts';
export { type MaxPool2dIndicesOptions, maxPool2dIndices } from './layers/max_pool2d_indices.ts';
export { maxUnpool } from './layers/max_unpool.ts';
export {
  groupNorm,
  instanceNorm,
  type LayerNormOptions,
  layerNorm,
  normalize,
  rmsNorm,
} from './layers/normalize.ts';
export { type PadOptions, pad } from './layers/pad.ts';
export { pad2d } from './layers/pad2d.ts';
export { type OperandLike, pointwise } from './layers/pointwise.ts';
export {
  type AveragePool2dOptions,
  averagePool2d,
  maxPool2d,
  type Pool2dOptions,
} from './layers/pool2d.ts';
export {
  type AveragePool3dOptions,
  averagePool3d,
  maxPool3d,
  type Pool3dOptions,
} from './layers/pool3d.ts';
export {
  depthToSpace,
  rearrange,
  reshapeTo,
  shuffleChannels,
  slice,
  split,
  transpose,
} from './layers/rearrange.ts';
export { type ReduceOptions, type Reduction, reduce } from './layers/reduce.ts';
export { type ResizedAxis, type ResizeOptions, resize } from './layers/resize.ts';
export type { AxisCrop } from './layers/resize_axis.ts';
export { type Resize2dOptions, resize2d } from './layers/resize2d.ts';
export { type RoiAlignOptions, roiAlign } from './layers/roi_align.ts';
export { scatter } from './layers/scatter.ts';
export { logSoftmax, softmax } from './layers/softmax.ts';
export { topElements } from './layers/top_k.ts';
export type { Padding3dLike, TripleLike } from './layers/volume.ts';
export type { PaddingLike, PairLike } from './layers/window.ts';
export { alexnetModel as alexnet } from './models/alexnet.ts';
export { buildClassifier } from './models/classifier.ts';
export { buildEmbedder, type EmbedderBuildOptions } from './models/embedder.ts';
export { fcnResnet50 } from './models/fcn.ts';
export { graphModel } from './models/graph_model.ts';
export { findModel, type ModelFamily, modelFamilies, models } from './models/index.ts';
export { lenetModel as lenet } from './models/lenet.ts';
export { type BuildOptions, buildModel, type ModelDef } from './models/model.ts';
export {
  type BlockKind,
  type BlockOptions,
  downscalingResidualBlock,
  type ResnetFeatures,
  type ResnetOptions,
  type ResnetSections,
  type ResnetStages,
  residualBlock,
  resnet,
  resnet50,
  resnetFeatures,
  type StridePlacement,
} from './models/resnet.ts';
export { fromTimm } from './models/timm.ts';
export { type VggOptions, vgg } from './models/vgg.ts';
export { type References, runReference } from './reference.ts';
export { encodeRun, type GpuOutputs, type RunOnGpuOptions, runOnGpu } from './run_on_gpu.ts';
export { shortfallsOf } from './shortfalls.ts';
export type * from './signatures.ts';
export { type SubgroupMatricesOptions, subgroupMatrices } from './subgroup_matrices.ts';
export { VERSION } from './version.ts';
export {
  BatchClassifier,
  type BatchClassifierOptions,
  type ClassifyManyOptions,
} from './vision/batch_classifier.ts';
export type { Box } from './vision/boxes.ts';
export type { BrowserImage, Picture } from './vision/browser_image.ts';
export { Classifier, type ClassifierOptions, type ClassifyOptions } from './vision/classifier.ts';
export { cocoLabels } from './vision/coco_labels.ts';
export {
  type Detection,
  type DetectOptions,
  Detector,
  type DetectorOptions,
} from './vision/detector.ts';
export {
  type DetectorFamily,
  type DetectorFamilyName,
  detectorFamilies,
} from './vision/detector_family.ts';
export { type Domain, type DomainOptions, domainOf } from './vision/domain.ts';
export {
  BatchEmbedder,
  type BatchEmbedderOptions,
  Embedder,
  type EmbedderOptions,
} from './vision/embedder.ts';
export { FrameQueue, type FrameQueueOptions, type FrameStatistics } from './vision/frame_queue.ts';
export { type Image, ImageError } from './vision/image.ts';
export { imagenetLabels } from './vision/imagenet_labels.ts';
export type { KeyedPictures, ManyPicturesOptions } from './vision/picture_batches.ts';
export {
  digitsPreprocessing,
  type Fit,
  forInputSize,
  type Interpolation,
  imagenetPreprocessing,
  type Preprocessing,
} from './vision/preprocessing.ts';
export { preprocessingFrom } from './vision/preprocessing_from.ts';
export { Preprocessor } from './vision/preprocessor.ts';
export {
  type Segmentation,
  Segmenter,
  type SegmenterOptions,
  type SegmentOptions,
} from './vision/segmenter.ts';
export { cosineSimilarity } from './vision/similarity.ts';
export { type Classification, topK } from './vision/top_k.ts';
export { type PixelClass, vocClasses } from './vision/voc_classes.ts';

// Files with smaller weights: of use to few.

export { type ConvertSafetensorsOptions, convertSafetensors } from './convert_safetensors.ts';
export { fromInt8 } from './runtime/weights/int8.ts';
export type { ConvertedFile, NarrowType } from './runtime/weights/narrow.ts';
