import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  buildModel,
  findModel,
  runReference,
  syntheticInput,
  syntheticWeights,
  weightsOf,
} from '../src/index.ts';
import { readNpy, readNpz, writeNpy } from '../src/numpy/index.ts';
import { type CliResult, runCli, runInShell, temporaryFolder } from './fixtures/cli.ts';
import { onnxFile, onnxInput, onnxNode } from './fixtures/onnx_model.ts';

const folder = temporaryFolder();
const digits = join(import.meta.dirname, '..', 'samples', 'digits');
const lenetWeights = join(import.meta.dirname, '..', 'weights', 'lenet-mnist.safetensors');

function write(name: string, data: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, data);
  return path;
}

function floats(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Every line of stdout, parsed; fails the test where one is not JSON. */
function jsonLines({ stdout }: CliResult): readonly Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A safetensors file of LeNet's weights whose bytes or header `change` has spoilt. */
function spoiltWeights(name: string, change: (bytes: Uint8Array) => Uint8Array): string {
  return write(name, change(Uint8Array.from(readFileSync(lenetWeights))));
}

function withHeader(bytes: Uint8Array, change: (json: string) => string): Uint8Array {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const json = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const header = new TextEncoder().encode(change(json));
  const spoilt = new Uint8Array(8 + header.length + bytes.length - 8 - length);
  new DataView(spoilt.buffer).setBigUint64(0, BigInt(header.length), true);
  spoilt.set(header, 8);
  spoilt.set(bytes.subarray(8 + length), 8 + header.length);
  return spoilt;
}

describe('tilewise', () => {
  it('shows help in the width of a terminal', async () => {
    const names = [
      'classify',
      'segment',
      'embed',
      'evaluate',
      'download',
      'run',
      'export',
      'bench model',
      'inspect',
    ];
    const commands = [[], ...names.map((name) => name.split(' '))];
    const results = await Promise.all(commands.map((command) => runCli([...command, '--help'])));
    for (const [i, { code, stdout }] of results.entries()) {
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: ${['tilewise', ...(commands[i] ?? [])].join(' ')}`);
      // As wide as the narrowest terminals, which is what is taken where there is none.
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  it('run writes the logits of the CPU reference', async () => {
    const shape = [2, 1, 28, 28];
    const input = syntheticInput(shape);
    const output = join(folder, 'logits.f32');
    const result = await runCli(
      ['run', '--model', 'lenet', '--weights', 'synthetic', '--shape', shape.join(',')].concat([
        '--input',
        write('input.f32', floats(input)),
        '--output',
        output,
        '--json',
      ]),
    );
    expect(result.stderr).not.toContain('error');
    const [report] = jsonLines(result);
    expect(report).toMatchObject({ model: 'lenet', inputs: { input: shape } });
    expect(report).toMatchObject({ outputs: { logits: [2, 10] } });

    const graph = buildModel(findModel('lenet'), { batch: 2 });
    const weights = syntheticWeights(weightsOf(graph).map(({ name }) => name));
    const [logits] = graph.outputs.values();
    const expected = logits && runReference(graph, weights, { input }).get(logits);
    const actual = new Float32Array(Uint8Array.from(readFileSync(output)).buffer);
    expect(actual).toHaveLength(20);
    for (const [i, value] of actual.entries()) {
      expect(value).toBeCloseTo(expected?.[i] ?? Number.NaN, 4);
    }
  });

  it('run takes several inputs and gives several outputs, as NumPy has them', async () => {
    const model = write(
      'sums.onnx',
      onnxFile({
        node: [onnxNode('Add', 'a b', 'sum'), onnxNode('Sub', 'a b', 'difference')],
        input: [onnxInput('a', ['n', 2]), onnxInput('b', ['n', 2])],
        output: [{ name: 'sum' }, { name: 'difference' }],
      }),
    );
    const a = write('a.npy', writeNpy({ shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }));
    const b = write('b.f32', floats(Float32Array.of(10, 20, 30, 40)));
    const [all, one] = [join(folder, 'all.npz'), join(folder, 'difference.npy')];
    const result = await runCli(
      [
        'run',
        '--model',
        model,
        '--input',
        `a=${a}`,
        '--input',
        `b=${b}`,
        '--shape',
        'b=2,2',
      ].concat(['--output', all, '--output', `difference=${one}`]),
    );
    expect(result.stderr).not.toContain('error');
    for (const row of [/in +a +\[2, 2\] +\S*a\.npy/, /out +sum +\[2, 2\] +\S*all\.npz/]) {
      expect(result.stdout).toMatch(row);
    }
    const difference = { shape: [2, 2], data: Float32Array.of(-9, -18, -27, -36) };
    expect(readNpy(readFileSync(one))).toEqual(difference);
    expect(Object.fromEntries(readNpz(readFileSync(all)))).toEqual({
      sum: { shape: [2, 2], data: Float32Array.of(11, 22, 33, 44) },
      difference,
    });
  });

  it('classify reads each sample digit, one JSON object a line', async () => {
    const images = Array.from({ length: 10 }, (_, digit) => join(digits, `${digit}.png`));
    const result = await runCli([
      'classify',
      ...images,
      '--model',
      'lenet',
      '--top',
      '2',
      '--json',
    ]);
    expect(result.code).toBe(0);
    const lines = jsonLines(result);
    expect(lines).toHaveLength(10);
    lines.forEach((line, digit) => {
      expect(line).toMatchObject({ image: images[digit], model: 'lenet' });
      expect(line.top).toMatchObject([{ class: digit, label: String(digit) }, {}]);
    });
  });

  it('export writes an ONNX file, which every command reads in the place of a model', async () => {
    const out = join(folder, 'lenet.onnx');
    const written = await runCli(['export', '--model', 'lenet', '--out', out, '--json']);
    expect(jsonLines(written)[0]).toMatchObject({ file: out, outputs: { logits: [1, 10] } });
    const [run, verified, classified, inspected] = await Promise.all([
      runCli(['run', '--model', out, '--input', 'synthetic', '--json']),
      runCli(['verify', '--model', out, '--json']),
      runCli(['classify', join(digits, '7.png'), '--model', out, '--json']),
      runCli(['inspect', '--model', out, '--json']),
    ]);
    expect(jsonLines(run)[0]).toMatchObject({ model: 'lenet.onnx', outputs: { logits: [1, 10] } });
    expect(jsonLines(verified)[0]).toMatchObject({ ok: true });
    expect(jsonLines(classified)[0]?.top).toMatchObject([{ class: 7, label: '7' }, {}, {}, {}, {}]);
    expect(jsonLines(inspected)[0]?.totals).toMatchObject({ parameters: 105_506 });
  });

  it('segment writes a mask as large as the picture, and a legend', async () => {
    const photo = join(import.meta.dirname, '..', 'samples', 'photos', 'chelsea.png');
    const [out, overlay] = [join(folder, 'mask.png'), join(folder, 'overlay.png')];
    const args = ['segment', photo, '--model', 'fcn_resnet50', '--weights', 'synthetic'];
    const result = await runCli([
      ...args,
      '--size',
      '32',
      '--out',
      out,
      '--overlay',
      overlay,
      '--json',
    ]);
    const [report] = jsonLines(result);
    const found = (report?.found ?? []) as readonly { label: string; share: number }[];
    expect(found.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
    const { width, height } = await sharp(photo).metadata();
    for (const file of [out, overlay]) {
      expect(await sharp(file).metadata(), file).toMatchObject({ width, height, format: 'png' });
    }
  });

  it('bench model reports every figure', async () => {
    const result = await runCli(['bench', 'model', '--model', 'lenet', '--runs', '3', '--json']);
    const [report] = jsonLines(result);
    const figures = [
      'loadMs',
      'firstRunMs',
      'medianMs',
      'p95Ms',
      'hostMs',
      'gpuMs',
      'atOnceMs',
      'dispatches',
      'submits',
    ];
    for (const figure of figures) expect(report?.[figure], figure).toBeGreaterThan(0);
    // How far kernels pad them differs from adapter to adapter.
    const { weights = 0 } = (report?.memory ?? {}) as { readonly weights?: number };
    expect(weights / 422_024).toBeGreaterThanOrEqual(1);
    expect(weights / 422_024).toBeLessThan(1.1);
    expect(typeof report?.software).toBe('boolean');
  });

  it('adapters and models print JSON lines', async () => {
    const [adapters, models] = await Promise.all([
      runCli(['adapters', '--json']),
      runCli(['models', '--json']),
    ]);
    expect(Object.keys(jsonLines(adapters)[0] ?? {})).toEqual(
      expect.arrayContaining(['name', 'backend', 'software', 'features', 'limits']),
    );
    expect(jsonLines(models).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['lenet', 'vgg16_bn', 'resnet50', 'fcn_resnet50']),
    );
  });

  it('inspect counts the parameters and multiply-adds of ResNet-50', async () => {
    const [report] = jsonLines(await runCli(['inspect', '--model', 'resnet50', '--json']));
    expect(report?.totals).toEqual({
      layers: 175,
      parameters: 25_557_032,
      multiplyAdds: 4_089_184_256,
    });
  });

  it('inspect shows passes, kernels and memory, and draws the memory', async () => {
    const inspect = ['inspect', '--model', 'lenet', '--json'];
    const gantt = join(folder, 'memory.svg');
    const [passes, kernels, memory] = await Promise.all([
      runCli([...inspect, '--passes']),
      runCli([...inspect, '--kernels']),
      runCli([...inspect, '--memory', '--gantt', gantt]),
    ]);
    const [{ passes: reports } = {}] = jsonLines(passes);
    expect(reports).toContainEqual({
      stage: 'fuse epilogue',
      nodesBefore: 10,
      nodesAfter: 7,
      removed: ['relu1 (pointwise)', 'relu2 (pointwise)', 'relu3 (pointwise)'],
      changed: [
        'pool1 (max_pool2d): max(value, 0)',
        'pool2 (max_pool2d): max(value, 0)',
        'fc1 (linear): max(value, 0)',
      ],
    });
    expect(jsonLines(kernels)[0]?.dispatches).toHaveLength(6);
    const [report] = jsonLines(memory);
    expect(report?.memory).toMatchObject({ staging: 80 });
    expect(readFileSync(gantt, 'utf8')).toMatch(
      /^<svg [\s\S]*<title>conv1: 0\.07 MB, steps 0 to 1/,
    );
  });

  it('inspect shows as many of them as are asked for', async () => {
    const views = ['--passes', '--kernels', '--memory'];
    const lines = jsonLines(await runCli(['inspect', '--model', 'lenet', '--json', ...views]));
    expect(lines.map((line) => Object.keys(line).at(-1))).toEqual([
      'passes',
      'dispatches',
      'tensors',
    ]);
  });

  it('inspect shows the pass that stores tensors as f16, without an adapter', async () => {
    const args = ['inspect', '--model', 'lenet', '--passes', '--precision', 'f16', '--json'];
    const [report] = jsonLines(await runCli(args));
    const passes = (report?.passes ?? []) as readonly { stage: string }[];
    expect(passes.find(({ stage }) => stage === 'store as f16')).toMatchObject({
      added: ['input as f16 (pointwise)'],
      nodesBefore: 7,
      nodesAfter: 8,
    });
  });

  it('profile gives every dispatch a time, and writes a trace', async () => {
    const trace = join(folder, 'trace.json');
    const args = ['profile', '--model', 'lenet', '--runs', '2', '--trace', trace, '--json'];
    const [report] = jsonLines(await runCli(args));
    expect(report?.dispatches).toHaveLength(6);
    const dispatches = (report?.dispatches ?? []) as readonly { readonly ms: number }[];
    for (const { ms } of dispatches) expect(ms).toBeGreaterThanOrEqual(0);
    expect(report?.passMs).toBeGreaterThan(0);
    const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8')) as { traceEvents: unknown[] };
    expect(traceEvents).toHaveLength(6);
  });

  it('verify finds every layer of LeNet right', async () => {
    const { code, stdout } = await runCli(['verify', '--model', 'lenet', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ model: 'lenet', ok: true });
    expect(code).toBe(0);
  });

  it('a software adapter is mentioned once, on stderr', async () => {
    const result = await runCli(['bench', 'model', '--model', 'lenet', '--runs', '1', '--json']);
    const mentions = result.stderr.match(/is a software adapter/g)?.length ?? 0;
    expect(mentions).toBe(jsonLines(result)[0]?.software ? 1 : 0);
  });

  it('NaN weights are warned of by name, and do not stop the run', async () => {
    const weights = spoiltWeights('nan.safetensors', (bytes) => {
      new DataView(bytes.buffer).setFloat32(bytes.length - 4, Number.NaN, true);
      return bytes;
    });
    const args = ['run', '--model', 'lenet', '--input', 'synthetic', '--weights', weights];
    const { code, stderr } = await runCli(args);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /warning: weight "[a-z0-9.]+" holds 1 value\(s\) that are NaN or infinite/,
    );
  });
});

describe.runIf(process.platform === 'linux')('streams and disks that fail', () => {
  const classify = ['classify', digits, '--model', 'lenet', '--json'];

  it.each([[['models']], [['classify', '--help']]])('stdout on a full disk: %s', async (args) => {
    const { code, stderr } = await runInShell('"$@" > /dev/full', args);
    expect(stderr).toBe(
      'error: stdout cannot be written: ENOSPC: no space left on device, write\n',
    );
    expect(code).toBe(1);
  });

  it('a reader who leaves ends the command without a word', async () => {
    const line = '"$@" | true; echo "$PIPESTATUS"';
    expect(await runInShell(line, ['inspect', '--model', 'resnet50'])).toEqual({
      code: 0,
      stdout: '0\n',
      stderr: '',
    });
  });

  it.each(['2> /dev/full', '2> >(true)'])('the work goes on without %s', async (stderr) => {
    const result = await runInShell(`"$@" ${stderr}`, classify);
    expect(jsonLines(result)).toHaveLength(11);
    expect(result.code).toBe(0);
  });

  it('a file that does not fit on the disk is not there', async () => {
    const made = join(folder, 'full disk');
    mkdirSync(made);
    const args = ['export', '--model', 'lenet', '--out', join(made, 'lenet.onnx')];
    // A limit of files' sizes is as a disk that is full after 200 kB.
    const { code, stderr } = await runInShell('trap "" XFSZ; ulimit -f 200; "$@"', args);
    expect(stderr).toMatch(/^error: ONNX file ".*lenet\.onnx" cannot be written: EFBIG: .*\n$/);
    expect(code).toBe(1);
    expect(readdirSync(made)).toEqual([]);
  });
});

describe('what a user gets wrong is told in one message, without a stack, and by the exit code', () => {
  const run = ['run', '--model', 'lenet', '--input', 'synthetic'];
  const classify = ['classify', '--model', 'lenet'];
  const image = join(digits, '7.png');
  const cases: Readonly<
    Record<
      string,
      () => Promise<readonly [args: readonly string[], message: RegExp, code?: number]>
    >
  > = {
    'unknown model': async () => [
      ['run', '--model', 'lenett', '--input', 'synthetic'],
      /unknown model "lenett"; did you mean lenet\?/,
    ],
    'an unknown model to download': async () => [
      ['download', 'ResNet-50'],
      /unknown model "ResNet-50"; did you mean resnet50 or/,
    ],
    'a tolerance of nothing': async () => [
      ['bench', 'model', '--model', 'lenet', '--tolerance', '5'],
      /--tolerance is of a comparison: give --compare FILE/,
    ],
    'a hub for weights that are not on one': async () => [
      [...run, '--weights', 'synthetic', '--endpoint', 'https://example.com'],
      /--endpoint names a hub: give --weights hf:owner\/name/,
    ],
    'a hub for weights that are looked for': async () => [
      [...run, '--endpoint', 'https://example.com'],
      /--endpoint names a hub: give --weights hf:owner\/name/,
    ],
    'a model beside a shape': async () => [
      ['bench', 'kernels', '--model', 'lenet', '--shape', 'relu 1,3,8,8'],
      /'--shape <layer>' cannot be used with option '--model <name>'/,
    ],
    'a batch beside a shape': async () => [
      ['bench', 'kernels', '--batch', '2', '--shape', 'relu 1,3,8,8'],
      /'--shape <layer>' cannot be used with option '--batch <n>'/,
    ],
    'f16 of layers, which have no precision': async () => [
      ['inspect', '--model', 'lenet', '--precision', 'f16'],
      /layers are the same for every adapter and precision: give --passes, --kernels or --memory/,
    ],
    'an adapter for layers': async () => [
      ['inspect', '--model', 'lenet', '--adapter', 'SwiftShader'],
      /layers are the same for every adapter and precision: give --passes, --kernels or --memory/,
    ],
    'a model for a list of all': async () => [
      ['tune', '--list', '--model', 'lenet'],
      /'--list' cannot be used with option '--model <name>'/,
    ],
    'to list and to forget': async () => [
      ['tune', '--list', '--forget'],
      /cannot be used with option '--(list|forget)'/,
    ],
    'an image that is not there among some, and no weights': async () => [
      ['classify', image, 'nosuch.jpg', '--model', 'alexnet'],
      /^note: image "nosuch\.jpg": there is no such file\nerror: no weights for "alexnet"/,
    ],
    'unknown adapter': async () => [
      [...run, '--adapter', 'voodoo'],
      /no adapter's name contains "voodoo"; there are "/,
    ],
    'unknown precision': async () => [
      [...run, '--precision', 'f8'],
      /Allowed choices are f32, f16/,
    ],
    'a precision that the adapter lacks': async () => [
      [...run, '--precision', 'f16', '--adapter', 'SwiftShader'],
      /precision f16 needs the WebGPU feature shader-f16, which the adapter "SwiftShader.*" lacks; use precision f32/,
    ],
    'bad shape': async () => [
      [...run, '--shape', '1,2'],
      /--shape is \[1, 2\], the input "input" takes \[\?, 1, \?, \?\]/,
    ],
    'a shape with crosses': async () => [
      [...run, '--shape', '1x1x28x28'],
      /--shape 1x1x28x28: expected extents with commas between them, such as 1,3,224,224/,
    ],
    'wrong channels': async () => [
      [...run, '--shape', '1,3,28,28'],
      /--shape is \[1, 3, 28, 28\], the input "input" takes \[\?, 1, \?, \?\]/,
    ],
    'input too small for the model': async () => [[...run, '--shape', '1,1,9,9'], /conv2d "conv2"/],
    'input of the wrong length': async () => [
      ['run', '--model', 'lenet', '--input', write('short.f32', new Uint8Array(12))],
      /short\.f32" has 12 bytes, "input" \[1, 1, 28, 28\] takes 3136 bytes of f32; give/,
    ],
    'input that is not there': async () => [
      ['run', '--model', 'lenet', '--input', join(folder, 'none.f32')],
      /none\.f32" cannot be read/,
    ],
    'output that cannot be written': async () => [
      [...run, '--output', join(folder, 'no', 'such', 'folder.f32')],
      /output file ".*folder\.f32" cannot be written: ENOENT: no such file or directory\n$/,
    ],
    'a file to write in no folder, before any work': async () => [
      ['profile', '--model', 'resnet50', '--trace', join(folder, 'no', 'trace.json')],
      /there is no folder ".*no"/,
    ],
    'no weights': async () => [
      ['classify', '--model', 'resnet50', image],
      /no weights for "resnet50" in .* give --weights FILE/,
    ],
    'weights that are not there': async () => [
      [...run, '--weights', join(folder, 'none.safetensors')],
      /none\.safetensors" cannot be read/,
    ],
    'weights of another model': async () => [
      ['run', '--model', 'resnet50', '--input', 'synthetic', '--weights', lenetWeights],
      /do not fit the model:\n {2}\d+ missing: .*\n {2}\d+ unexpected: /,
    ],
    'truncated weights': async () => [
      [...run, '--weights', spoiltWeights('cut.safetensors', (bytes) => bytes.subarray(0, 99_000))],
      /cut\.safetensors"/,
    ],
    'weights with an endless header': async () => [
      [
        ...run,
        '--weights',
        spoiltWeights('huge.safetensors', (bytes) => {
          new DataView(bytes.buffer).setBigUint64(0, 1n << 60n, true);
          return bytes;
        }),
      ],
      /the header takes 1152921504606846976 bytes/,
    ],
    'weights with overlapping tensors': async () => [
      [
        ...run,
        '--weights',
        spoiltWeights('overlap.safetensors', (bytes) =>
          withHeader(bytes, (json) => {
            const offsets = /"conv1\.bias":.*?"data_offsets":\s*\[\d+,\s*\d+\]/;
            return json.replace(offsets, (entry) => entry.replace(/\[\d+,\s*\d+\]$/, '[0, 128]'));
          }),
        ),
      ],
      /overlap\.safetensors": .*overlap/,
    ],
    'weights with a name twice': async () => [
      [
        ...run,
        '--weights',
        spoiltWeights('twice.safetensors', (bytes) =>
          withHeader(bytes, (json) => json.replace('"fc1.bias"', '"fc2.bias"')),
        ),
      ],
      /begins at byte \d+ of the data, expected \d+; the format allows neither holes/,
    ],
    'weights of integers': async () => [
      [
        ...run,
        '--weights',
        spoiltWeights('integers.safetensors', (bytes) =>
          withHeader(bytes, (json) => json.replaceAll('"F32"', '"I32"')),
        ),
      ],
      /expected dtype F32, F16 or BF16, got I32/,
    ],
    'image that is not there': async () => [
      [...classify, join(folder, 'none.png')],
      /none\.png/,
      2,
    ],
    'image that is none': async () => [[...classify, write('text.png', 'hello')], /text\.png/, 2],
    'classification by a model that segments': async () => [
      ['classify', '--model', 'fcn_resnet50', '--weights', 'synthetic', image],
      /"fcn_resnet50" does not classify pictures: .* use tilewise segment/,
    ],
    'segmentation by a model that classifies': async () => [
      ['segment', image, '--model', 'lenet', '--out', join(folder, 'none.png')],
      /"lenet" does not say what is in each pixel: use tilewise classify, or --model .*fcn_resnet50/,
    ],
    'a folder without images': async () => {
      const empty = join(folder, 'empty');
      mkdirSync(empty, { recursive: true });
      return [[...classify, empty], /there are no images in ".*empty"/];
    },
    'a picture that is not there, of a model without weights': async () => [
      ['classify', join(folder, 'none.png'), '--model', 'resnet50'],
      /none\.png": there is no such file/,
      2,
    ],
    'a mask of a format that is not written': async () => [
      ['segment', image, '--out', join(folder, 'mask.jpg')],
      /a \.png file is written, not \.jpg/,
    ],
    'a model of a format that is not written': async () => [
      ['export', '--model', 'lenet', '--out', join(folder, 'lenet.bin')],
      /a \.onnx file is written, not \.bin/,
    ],
    'resuming without a file': async () => [[...classify, image, '--resume'], /give --out/],
    'an option of another command': async () => [
      ['models', '--adapter', 'x'],
      /unknown option '--adapter'/,
    ],
    'truncated image': async () => {
      const whole = await sharp({
        create: {
          width: 300,
          height: 300,
          channels: 3,
          background: 'teal',
          noise: { type: 'gaussian', mean: 128, sigma: 30 },
        },
      })
        .jpeg()
        .toBuffer();
      return [[...classify, write('cut.jpg', whole.subarray(0, 2000))], /cut\.jpg/, 2];
    },
    'option that does not exist': async () => [[...run, '--wat'], /unknown option '--wat'/],
    'command that does not exist': async () => [['wat'], /unknown command 'wat'/],
  };

  it.each(Object.keys(cases))('%s', async (name) => {
    const [args, message, expected = 1] = (await cases[name]?.()) ?? [[], /./];
    const env = { TILEWISE_WEIGHTS_DIR: folder, XDG_CACHE_HOME: folder };
    const { code, stdout, stderr } = await runCli(args, env);
    expect(stderr).toMatch(message);
    // Dawn's own warnings have something like a stack; ours follow `error:`.
    expect(stderr.slice(stderr.indexOf('error:'))).not.toMatch(/^\s+at /m);
    expect(stdout).toBe('');
    expect(code).toBe(expected);
  });
});
