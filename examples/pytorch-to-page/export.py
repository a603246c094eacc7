"""
Exports a PyTorch model as ONNX, with an input and what PyTorch makes of it, for the page beside this file to compare:

    pip install torch torchvision onnx onnxscript
    python export.py
    npm install && npm start

To export a model of your own, change the two lines of `model` and `x`.
"""

import inspect
import os

import numpy
import torch
import torchvision

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "public")

torch.manual_seed(1)
model = torchvision.models.mobilenet_v3_small(weights="DEFAULT").eval()
x = torch.rand(1, 3, 224, 224)

os.makedirs(FOLDER, exist_ok=True)
options = {"input_names": ["input"], "output_names": ["output"]}
if "external_data" in inspect.signature(torch.onnx.export).parameters:
    # Newer versions put the weights into a file of their own by default.
    options["external_data"] = False
torch.onnx.export(model, (x,), os.path.join(FOLDER, "model.onnx"), **options)

with torch.no_grad():
    y = model(x)
numpy.savez(os.path.join(FOLDER, "expected.npz"), input=x.numpy(), output=y.numpy())
