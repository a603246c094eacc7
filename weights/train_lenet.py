#!/usr/bin/env python3
"""Trains the LeNet of Tilewise's demo on MNIST and writes it as a safetensors file.

    python3 weights/train_lenet.py --data DIR_WITH_THE_IDX_FILES

Needs PyTorch and NumPy; runs on the CPU. See weights/README.md for the run that
made the file kept here.
"""

import argparse
import gzip
import json
import math
import struct
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MEAN, STD = 0.1307, 0.3081  # of all pixels of the MNIST training images, scaled to 0..1
HELD_OUT = 5_000
BATCH = 128
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
DROPOUT = 0.2

# Half-widths of the uniform distributions that augmentation draws from. They are wider than
# what MNIST itself shows, because digits drawn in a web page are centred and scaled less
# carefully than MNIST's.
MAX_SHIFT_PIXELS = 2.5
MAX_ROTATION = math.radians(12)
MAX_SHEAR = 0.15
MAX_LOG_SCALE = math.log(1.15)


class LeNet(nn.Module):
    """Attribute names become the tensor names in the file, so they are part of its format."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        self.fc1 = nn.Linear(256, 200)
        self.fc2 = nn.Linear(200, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 3))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(F.dropout(x, DROPOUT, self.training))


def read_idx(path):
    """Reads a gzipped idx file of unsigned bytes: http://yann.lecun.com/exdb/mnist/."""
    data = gzip.decompress(path.read_bytes())
    zero, dtype, rank = struct.unpack_from(">HBB", data)
    if zero != 0 or dtype != 0x08:
        raise ValueError(f"{path}: not an idx file of unsigned bytes")
    shape = struct.unpack_from(f">{rank}I", data, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_split(folder, prefix):
    """Returns the images as [N, 1, 28, 28] floats in 0..1 and the labels as [N] integers."""
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
    return torch.from_numpy(images[:, None] / np.float32(255)), torch.from_numpy(labels.astype(np.int64))


def normalise(images):
    return (images - MEAN) / STD


def augment(images):
    """Moves each image by a random affine map of its own; what comes in from outside is black."""
    n = len(images)

    def uniform(half_width):
        return (torch.rand(n) * 2 - 1) * half_width

    angle, shear = uniform(MAX_ROTATION), uniform(MAX_SHEAR)
    scale_x, scale_y = uniform(MAX_LOG_SCALE).exp(), uniform(MAX_LOG_SCALE).exp()
    pixel = 2 / images.shape[-1]  # grid_sample's coordinates run from -1 to 1
    theta = torch.stack(
        [
            scale_x * angle.cos(), scale_x * (shear - angle.sin()), uniform(MAX_SHIFT_PIXELS * pixel),
            scale_y * angle.sin(), scale_y * angle.cos(), uniform(MAX_SHIFT_PIXELS * pixel),
        ],
        dim=1,
    ).view(n, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def count_correct(model, images, labels):
    model.eval()
    with torch.no_grad():
        return sum(
            (model(normalise(x)).argmax(1) == y).sum().item()
            for x, y in zip(images.split(1000), labels.split(1000))
        )


def train(model, images, labels, held_out_images, held_out_labels, epochs):
    """AdamW with a linear warm-up over the first epoch, then a cosine down to zero.

    The weights of the last step are the result: with the learning rate at zero there is no
    better epoch to pick.
    """
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps_per_epoch = len(images) // BATCH
    total = epochs * steps_per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1, (step + 1) / steps_per_epoch) * 0.5 * (1 + math.cos(math.pi * step / total)),
    )
    start = time.time()
    for epoch in range(epochs):
        model.train()
        loss_sum = 0.0
        order = torch.randperm(len(images))[: steps_per_epoch * BATCH]
        for batch in order.split(BATCH):
            loss = F.cross_entropy(model(normalise(augment(images[batch]))), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += loss.item()
        correct = count_correct(model, held_out_images, held_out_labels)
        print(
            f"epoch {epoch + 1:3}/{epochs}  loss {loss_sum / steps_per_epoch:.4f}  "
            f"held out {100 * correct / len(held_out_labels):.2f} %  {time.time() - start:.0f} s",
            flush=True,
        )


def write_safetensors(path, tensors, metadata):
    """Header length (u64, little-endian), JSON header, data.

    The header is padded with spaces so that the data starts at a multiple of 8, as
    https://github.com/huggingface/safetensors asks for.
    """
    header, chunks, offset = {"__metadata__": metadata}, [], 0
    for name, tensor in tensors.items():
        chunk = tensor.numpy().astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(chunk)],
        }
        chunks.append(chunk)
        offset += len(chunk)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__")
    return {
        name: torch.from_numpy(
            np.frombuffer(data[8 + length :][slice(*entry["data_offsets"])], "<f4")
            .reshape(entry["shape"])
            .copy()
        )
        for name, entry in header.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the four MNIST idx .gz files")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("lenet-mnist.safetensors"))
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="part of the seed: sums round by thread")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    torch.use_deterministic_algorithms(True)

    images, labels = read_split(args.data, "train")
    # channels_last makes PyTorch's CPU convolutions 3 times as fast here.
    model = LeNet().to(memory_format=torch.channels_last)
    train(
        model,
        images[:-HELD_OUT], labels[:-HELD_OUT],
        images[-HELD_OUT:], labels[-HELD_OUT:],
        args.epochs,
    )  # fmt: skip

    test_images, test_labels = read_split(args.data, "t10k")
    correct = count_correct(model, test_images, test_labels)
    write_safetensors(
        args.out,
        model.state_dict(),
        {
            "architecture": "LeNet: conv1 5x5 1->32, max pool 3/3, relu, conv2 5x5 32->64, max pool 2/2, relu, "
            "flatten (C, H, W), fc1 256->200, relu, fc2 200->10 logits",
            "preprocessing": f"1x28x28, white digit on black, (pixel / 255 - {MEAN}) / {STD}",
            "dataset": f"MNIST, the first {len(images) - HELD_OUT} training images",
            "test_accuracy": f"{correct / len(test_labels):.4f} ({correct} of {len(test_labels)} MNIST test images)",
            "license": "MIT",
        },
    )

    # What counts is the file, not the model in memory.
    saved = LeNet()
    saved.load_state_dict(read_safetensors(args.out))
    saved_correct = count_correct(saved, test_images, test_labels)
    if saved_correct != correct:
        raise RuntimeError(f"{args.out}: {saved_correct} correct, the trained model {correct}")
    print(f"{args.out}: {correct} of {len(test_labels)} test images correct")


if __name__ == "__main__":
    main()
