"""Makes cases.json.gz: small networks of TFLite's format, and what TensorFlow's interpreter computes of them.

    pip install tensorflow-cpu==2.21.0 && python make.py

Each case is a file, its inputs and its outputs, as they are held: integers of what is quantised.
"""

import base64
import gzip
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

random = np.random.default_rng(1)
cases = []


def values(shape, dtype=tf.float32):
    if dtype == tf.bool:
        return random.random(shape) < 0.5
    if dtype == tf.int32:
        return random.integers(-9, 10, shape).astype(np.int32)
    return random.normal(size=shape).astype(np.float32)


def weights(*shape):
    return random.normal(size=shape).astype(np.float32) * np.float32(0.5)


def record(name, content, feeds, tolerance=None):
    # Of the reference, some operators are missing, and LOCAL_RESPONSE_NORMALIZATION is another one.
    resolver = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tf.lite.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    inputs = interpreter.get_input_details()
    for detail, feed in zip(inputs, feeds):
        if list(detail["shape"]) != list(feed.shape):
            interpreter.resize_tensor_input(detail["index"], feed.shape)
    interpreter.allocate_tensors()
    given = {}
    for detail, feed in zip(inputs, feeds):
        scale, zero = detail["quantization"]
        if scale:
            least, most = np.iinfo(detail["dtype"]).min, np.iinfo(detail["dtype"]).max
            feed = np.clip(np.round(feed / scale) + zero, least, most)
        feed = feed.astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], feed)
        given[detail["name"]] = {"shape": feed.shape, "data": numbers(feed)}
    interpreter.invoke()
    results = {}
    for detail in interpreter.get_output_details():
        array = interpreter.get_tensor(detail["index"])
        shape, integer = list(map(int, array.shape)), bool(array.dtype.kind in "iub")
        results[detail["name"]] = {"shape": shape, "data": numbers(array), "integer": integer}
    operators = sorted({op["op_name"] for op in interpreter._get_ops_details()})
    file = base64.b64encode(content).decode()
    case = {"name": name, "operators": operators, "file": file, "inputs": given, "outputs": results}
    cases.append(case if tolerance is None else {**case, "tolerance": tolerance})


def numbers(array):
    return [float(np.format_float_positional(x, unique=True)) for x in array.astype(np.float32).ravel()]


def case(name, function, *shapes, types=None, signature=None):
    """A function of inputs of these shapes, as TensorFlow's converter writes it."""
    types = types or [tf.float32] * len(shapes)
    specs = [tf.TensorSpec(s, t) for s, t in zip(signature or shapes, types)]
    # What a function has by default is no input.
    concrete = tf.function(lambda *x: function(*x), input_signature=specs).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    feeds = [values(s, t) for s, t in zip(shapes, types)]
    record(name, converter.convert(), feeds)


def ints(name, function, *shapes):
    case(name, function, *shapes, types=[tf.int32] * len(shapes))


def truths(name, function, *shapes):
    case(name, function, *shapes, types=[tf.bool] * len(shapes))


nn, r = tf.nn, tf.raw_ops
MAP = (2, 7, 5, 4)

for stride, padding, dilation, group in [(1, "SAME", 1, 1), (2, "SAME", 1, 1), (3, "VALID", 1, 2), (1, "VALID", 2, 1)]:
    w = weights(3, 2, 4 // group, 6)
    case(
        f"convolution, {padding}, stride {stride}, dilation {dilation}, {group} groups",
        lambda x, w=w, s=stride, p=padding, d=dilation: nn.relu6(nn.conv2d(x, w, s, p, dilations=d) + weights(6)),
        MAP,
    )
for stride, padding, multiplier in [(1, "SAME", 1), (2, "VALID", 2)]:
    w = weights(3, 3, 4, multiplier)
    case(
        f"depthwise convolution, {padding}, stride {stride}, {multiplier} a channel",
        lambda x, w=w, s=stride, p=padding: nn.relu(nn.depthwise_conv2d(x, w, [1, s, s, 1], p) + weights(w.shape[2] * w.shape[3])),
        MAP,
    )
for size, stride, padding in [((14, 10), 2, "SAME"), ((13, 9), 2, "SAME"), ((15, 11), 2, "VALID"), ((21, 15), 3, "SAME")]:
    w = weights(3, 3, 6, 4)
    case(
        f"transposed convolution to {size}, stride {stride}, {padding}",
        lambda x, w=w, n=size, s=stride, p=padding: nn.conv2d_transpose(x, w, [2, *n, 6], s, p),
        MAP,
    )
case("convolution of volumes", lambda x: nn.conv3d(x, weights(2, 3, 3, 3, 5), [1, 1, 2, 1, 1], "SAME"), (1, 4, 5, 6, 3))
for padding, stride in [("SAME", 2), ("VALID", 3)]:
    case(f"maximum pool, {padding}", lambda x, p=padding, s=stride: nn.max_pool2d(x, 3, s, p), MAP)
    case(f"average pool, {padding}", lambda x, p=padding, s=stride: nn.avg_pool2d(x, [2, 3], s, p), MAP)

case("linear", lambda x: nn.relu(tf.matmul(x, weights(6, 5)) + weights(5)), (3, 6))
case("linear of three axes", lambda x: tf.matmul(x, weights(6, 5)), (2, 3, 6))
case("product of matrices", lambda x, y: tf.matmul(x, y), (2, 3, 4), (2, 4, 5))
case("product of turned matrices", lambda x, y: tf.matmul(x, y, transpose_a=True, transpose_b=True), (2, 4, 3), (2, 5, 4))

for name, function in {
    "add": lambda x, y: nn.relu(x + y), "sub": tf.subtract, "mul": tf.multiply, "div": tf.divide,
    "maximum": tf.maximum, "minimum": tf.minimum, "squared difference": tf.math.squared_difference,
    "equal": tf.equal, "not equal": tf.not_equal, "less": tf.less, "less equal": tf.less_equal,
    "greater": tf.greater, "greater equal": tf.greater_equal,
}.items():  # fmt: skip
    case(name, function, (2, 3, 4), (3, 1))
    if name != "div":
        ints(f"{name} of integers", function, (2, 3, 4), (4,))
ints("floor division", lambda x: tf.math.floordiv(x, [[4], [-3]]), (2, 5))
ints("floor remainder", lambda x: tf.math.floormod(x, [[4], [-3]]), (2, 5))
ints("power of integers", lambda x: tf.pow(x, 3), (2, 5))
case("floor remainder of floats", lambda x: tf.math.floormod(x, 0.75), (2, 5))
case("power", lambda x: tf.pow(tf.abs(x), 1.7), (2, 5))
case("sum of three", lambda x, y, z: tf.add_n([x, y, z]), (2, 3), (2, 3), (2, 3))
truths("and, or, not", lambda x, y: tf.logical_or(tf.logical_and(x, y), tf.logical_not(x)), (2, 6), (2, 6))
case("select", lambda x, y: tf.where(x > 0, x, y), (2, 3), (2, 3))
case("select by rows", lambda x, y: r.Select(condition=x[:, 0] > 0, x=x, y=y), (5, 3), (5, 3))
for name, function in {
    "abs": tf.abs, "neg": tf.negative, "sign": tf.sign, "floor": tf.floor, "ceil": tf.math.ceil, "exp": tf.exp,
    "log": lambda x: tf.math.log(tf.abs(x)), "sqrt": lambda x: tf.sqrt(tf.abs(x)), "square": tf.square,
    "rsqrt": lambda x: tf.math.rsqrt(tf.abs(x)), "sigmoid": tf.sigmoid, "tanh": tf.tanh, "relu": nn.relu,
    "relu6": lambda x: nn.relu6(4 * x), "elu": nn.elu, "leaky relu": lambda x: nn.leaky_relu(x, 0.1), "gelu": nn.gelu,
    "gelu by tanh": lambda x: nn.gelu(x, approximate=True), "hard swish": lambda x: x * nn.relu6(x + 3) / 6,
    "prelu": lambda x: nn.relu(x) + tf.constant([0.1, 0.2, -0.3, 0.4]) * (x - tf.abs(x)) * 0.5,
    "round": lambda x: tf.round(x * 4) + tf.round(tf.constant([0.5, 1.5, 2.5, -0.5])),
    "to integers": lambda x: tf.cast(x * 9, tf.int32), "to truth": lambda x: tf.cast(x, tf.bool),
}.items():  # fmt: skip
    case(name, function, (3, 5, 4))

for name, function in {"mean": tf.reduce_mean, "sum": tf.reduce_sum, "product": tf.reduce_prod, "largest": tf.reduce_max, "least": tf.reduce_min}.items():
    case(f"{name} of rows and columns", lambda x, f=function: f(x, [1, 2], keepdims=True), MAP)
    case(f"{name} of the last", lambda x, f=function: f(x, -1), (2, 3, 4))
truths("any, all", lambda x: tf.logical_and(tf.reduce_any(x, 1), tf.logical_not(tf.reduce_all(x, 1))), (4, 3))
case("index of the largest", lambda x: tf.argmax(x, 1, tf.int32), (2, 5, 3))
case("index of the least", lambda x: tf.argmin(x, -1, tf.int32), (2, 5, 3))
case("three largest", lambda x: nn.top_k(x, 3), (2, 7))
case("cumulative sums", lambda x: tf.cumsum(x, 1, exclusive=True, reverse=True), (2, 5))
case("softmax", nn.softmax, (2, 3, 5))
case("log softmax", nn.log_softmax, (2, 5))
case("length 1", lambda x: r.Mul(x=nn.l2_normalize(x, -1), y=1.0), (3, 5))
case("local response", lambda x: nn.local_response_normalization(x, 1, 1.0, 0.5, 0.75), MAP)

for name, function, shape in [
    ("pad", lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [3, 0]]), MAP),
    ("pad with a value", lambda x: tf.pad(x, [[1, 0], [0, 2]], constant_values=1.5), (2, 3)),
    ("mirror", lambda x: tf.pad(x, [[0, 0], [2, 1]], "REFLECT"), (2, 4)),
    ("mirror with the edge", lambda x: tf.pad(x, [[2, 0], [1, 3]], "SYMMETRIC"), (2, 4)),
    ("side by side", lambda x: tf.concat([x, tf.abs(x), weights(2, 2, 4)], -2), (2, 3, 4)),
    ("split", lambda x: tf.split(x, 3, 1), (2, 6, 2)),
    ("split into sizes", lambda x: tf.split(x, [1, -1, 2], 1), (2, 6, 2)),
    ("slice", lambda x: tf.slice(x, [0, 1, 2], [-1, 2, 1]), (2, 4, 5)),
    ("strided slice", lambda x: x[::-1, 1:-1:2, ..., tf.newaxis, -1], (3, 6, 2, 4)),
    ("gather", lambda x: tf.gather(x, [[2, 0], [1, 1]], axis=1), (2, 3, 4)),
    ("gather from each", lambda x: tf.gather(x, [[2, 0], [1, 1]], axis=1, batch_dims=1), (2, 3, 4)),
    ("gather elements", lambda x: tf.gather_nd(x, [[0, 2], [1, 0]]), (2, 3, 4)),
    ("stack and unstack", lambda x: tf.stack(tf.unstack(x, axis=1)[::-1], axis=-1), (2, 3, 4)),
    ("squeeze and expand", lambda x: tf.expand_dims(tf.squeeze(x, [1]), 0), (2, 1, 3)),
    ("transpose", lambda x: tf.transpose(x, [2, 0, 3, 1]), (2, 3, 4, 5)),
    ("tile", lambda x: tf.tile(x, [2, 1, 3]), (2, 3, 2)),
    ("broadcast", lambda x: tf.broadcast_to(x, [3, 2, 4]), (2, 1)),
    ("reverse", lambda x: tf.reverse(x, [1, 2]), (2, 3, 4)),
    ("depth to space", lambda x: nn.depth_to_space(x, 2), (1, 3, 2, 8)),
    ("space to depth", lambda x: nn.space_to_depth(x, 2), (1, 4, 6, 3)),
    ("space to batch", lambda x: tf.space_to_batch(x, [2, 3], [[1, 0], [0, 1]]), (2, 5, 5, 3)),
    ("batch to space", lambda x: tf.batch_to_space(x, [2, 3], [[1, 0], [0, 2]]), (6, 3, 2, 3)),
    ("one hot", lambda x: tf.one_hot(tf.cast(x * 3, tf.int32), 4, 2.0, -1.0), (2, 5)),
    ("embedding", lambda x: nn.embedding_lookup(weights(5, 3), tf.cast(tf.abs(x), tf.int32)), (2, 3)),
]:
    case(name, function, shape)
for method, corners, halves in [("bilinear", 0, 0), ("bilinear", 0, 1), ("bilinear", 1, 0), ("nearest", 0, 0), ("nearest", 0, 1), ("nearest", 1, 0)]:
    resize = r.ResizeBilinear if method == "bilinear" else r.ResizeNearestNeighbor
    for size in [(11, 9), (4, 3)]:
        case(
            f"{method} to {size}, corners {corners}, halves {halves}",
            lambda x, f=resize, n=size, c=corners, h=halves: f(images=x, size=n, align_corners=bool(c), half_pixel_centers=bool(h)),
            MAP,
        )
case("shapes that are computed", lambda x: tf.reshape(x, [tf.shape(x)[0], -1]), (3, 2, 4), signature=[(None, 2, 4)])
case("filled", lambda x: x + tf.fill(tf.shape(x), 2.0) + tf.cast(tf.range(4), tf.float32) + tf.zeros_like(x), (3, 4), signature=[(None, 4)])


def network():
    layers = tf.keras.layers
    x = inputs = tf.keras.Input((9, 7, 3))
    x = layers.BatchNormalization()(layers.Conv2D(24, 3, padding="same", use_bias=False)(x))
    x = first = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same")(x)
    x = layers.Activation("swish")(x)
    x = layers.Concatenate()([layers.MaxPool2D(2)(x), layers.AveragePooling2D(2)(x)])
    x = layers.Conv2DTranspose(16, 3, strides=2, padding="same")(layers.ZeroPadding2D(1)(x))
    x = layers.LeakyReLU()(layers.UpSampling2D(2, interpolation="bilinear")(x))
    x = layers.Multiply()([x, layers.Dense(16, "sigmoid")(layers.GlobalAveragePooling2D()(first))])
    x = layers.Flatten()(layers.Conv2D(8, 5, strides=3)(x))
    return tf.keras.Model(inputs, layers.Softmax()(layers.Dense(48)(x)))


model = network()
picture = random.random((1, 9, 7, 3)).astype(np.float32)
samples = [random.random((1, 9, 7, 3)).astype(np.float32) for _ in range(20)]
SETS = tf.lite.OpsSet
for kind in ["floats", "halves", "int8 weights", "int8", "int8 a tensor", "uint8 pictures", "int16"]:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if kind != "floats":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "halves":
        converter.target_spec.supported_types = [tf.float16]
    if kind in ["int8", "int8 a tensor", "uint8 pictures", "int16"]:
        converter.representative_dataset = lambda: ([sample] for sample in samples)
        whole = SETS.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [whole if kind == "int16" else SETS.TFLITE_BUILTINS_INT8]
        kinds = {"int16": tf.int16, "uint8 pictures": tf.uint8}
        converter.inference_input_type = converter.inference_output_type = kinds.get(kind, tf.int8)
    converter._experimental_disable_per_channel = kind == "int8 a tensor"
    # The interpreter quantises what a layer with int8 weights reads; here it stays as it is.
    record(f"a network in {kind}", converter.convert(), [picture], tolerance=0.02 if kind == "int8 weights" else None)

with gzip.GzipFile("cases.json.gz", "wb", mtime=0) as file:
    file.write(json.dumps(cases, separators=(",", ":")).encode())
print(len(cases), "cases,", os.path.getsize("cases.json.gz") // 1000, "kB")
