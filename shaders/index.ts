/**
 * All shaders, side by side: bundles keep the order in which modules are first imported, and what is alike compresses
 * better when it is near. Nothing is exported: those that a page does not use are not in its bundle.
 */
import './adaptive_average_pool2d.wgsl.ts';
import './arg_reduce.wgsl.ts';
import './batch_norm.wgsl.ts';
import './ceiling.wgsl.ts';
import './col2im.wgsl.ts';
import './conv2d_depthwise.wgsl.ts';
import './conv2d_direct.wgsl.ts';
import './conv2d_gather.wgsl.ts';
import './conv2d_tiled.wgsl.ts';
import './conv2d_winograd.wgsl.ts';
import './cum_sum.wgsl.ts';
import './deform_columns.wgsl.ts';
import './global_average_pool2d.wgsl.ts';
import './grid_sample.wgsl.ts';
import './linear.wgsl.ts';
import './local_response_norm.wgsl.ts';
import './matmul.wgsl.ts';
import './matmul_rows.wgsl.ts';
import './matmul_tiled.wgsl.ts';
import './max_pool2d_indices.wgsl.ts';
import './normalize.wgsl.ts';
import './pad2d.wgsl.ts';
import './pointwise.wgsl.ts';
import './pool2d.wgsl.ts';
import './reduce.wgsl.ts';
import './resize2d.wgsl.ts';
import './resize_axis.wgsl.ts';
import './resize_normalize.wgsl.ts';
import './roi_align.wgsl.ts';
import './scatter.wgsl.ts';
import './softmax.wgsl.ts';
import './sum_parts.wgsl.ts';
import './top_k.wgsl.ts';
