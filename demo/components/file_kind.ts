type FileKind = 'picture' | 'weights';

const WEIGHTS = /\.(safetensors|onnx|tflite)$/i;
const PICTURES = /\.(png|jpe?g|webp|gif|avif|bmp|ico|svg)$/i;
const PYTORCH = /\.(pt|pth|ckpt|pkl|bin)$/i;

/** What a file is for, by its name and type. Throws an Error that says what to do where it is for nothing here. */
export function kindOf({ name, type }: File): FileKind {
  if (WEIGHTS.test(name)) return 'weights';
  if (type.startsWith('image/') || PICTURES.test(name)) return 'picture';
  throw new Error(`“${name}” ${PYTORCH.test(name) ? PICKLE : UNKNOWN}`);
}

const PICKLE =
  'is a PyTorch file, a pickle, which may run any code and which no page should open. Where PyTorch is, make weights of it: safetensors.torch.save_file(model.state_dict(), "model.safetensors"), or torch.onnx.export(model, torch.zeros(1, 3, 224, 224), "model.onnx").';
const UNKNOWN =
  'is neither a picture nor weights: PNG, JPEG, WebP and other pictures are read, and .safetensors, .onnx and .tflite files';
