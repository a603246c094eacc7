import { describe, expect, it } from 'vitest';
import { expectReference, inputsOf } from '../../../test/fixtures/compare_graphs.ts';
import { useDevice } from '../../../test/fixtures/device.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { globalAveragePool2d } from '../../layers/adaptive_average_pool2d.ts';
import { add } from '../../layers/add.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { operators } from '../../layers/index.ts';
import { averagePool2d, maxPool2d } from '../../layers/pool2d.ts';
import { relu } from '../../layers/relu.ts';
import { softmax } from '../../layers/softmax.ts';
import type { Graph } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { Session } from '../session.ts';
import { syntheticWeights } from '../weights/synthetic.ts';
import { assignLayout } from './assign_layout.ts';
import { optimize } from './index.ts';

const device = useDevice();

/** A stem, a residual block over pooled maps, a head: every reader and writer of channel-major maps. */
function network(batch: number, size = 11): Graph {
  const g = GraphBuilder.create();
  const x = g.input('x', [batch, 3, size, size]);
  const stem = relu(g, conv2d(g.at('stem'), x, { channels: 8, kernel: 3, padding: 1, stride: 2 }));
  const pooled = maxPool2d(g.at('pool'), stem, { kernel: 3, stride: 1, padding: 1 });
  const inner = relu(g, conv2d(g.at('inner'), pooled, { channels: 16, kernel: 1 }));
  const block = conv2d(g.at('outer'), inner, { channels: 8, kernel: 3, padding: 1 });
  const sum = relu(g, add(g, block, pooled));
  const mean = averagePool2d(g.at('mean'), sum, { kernel: 2, stride: 1 });
  g.output('y', globalAveragePool2d(g, mean));
  return optimize(g.build('network'), operators);
}

function layoutsOf(graph: Graph): Readonly<Record<string, string>> {
  return Object.fromEntries(graph.nodes.map(({ name, output }) => [name, output.desc.layout]));
}

describe('assignLayout', () => {
  it('makes maps channel-major on CPU adapters, but for outputs of the graph', () => {
    expect(layoutsOf(assignLayout(network(2), operators, profileOf('cpu')))).toEqual({
      stem: 'channel-major',
      pool: 'channel-major',
      inner: 'channel-major',
      outer: 'channel-major',
      mean: 'channel-major',
      adaptive_average_pool2d: 'row-major',
    });
  });

  it('changes nothing for GPUs', () => {
    const graph = network(2);
    expect(assignLayout(graph, operators, profileOf('gpu'))).toBe(graph);
  });

  it('leaves maps alone that lie the same either way', () => {
    const graph = network(1, 16);
    const { pool, mean } = layoutsOf(assignLayout(graph, operators, profileOf('cpu')));
    expect([pool, mean]).toEqual(['row-major', 'channel-major']);
  });

  it('leaves maps alone that some layer reads as NCHW only, and their nodes as they are', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [2, 3, 5, 5]);
    g.output('y', softmax(g, conv2d(g.at('conv'), x, { channels: 4, kernel: 1 })));
    const graph = g.build('test');
    expect(assignLayout(graph, operators, profileOf('cpu')).nodes).toEqual(graph.nodes);
    expect(assignLayout(graph, operators, profileOf('cpu')).nodes[0]).toBe(graph.nodes[0]);
  });

  it.each(['conv2d_direct', 'conv2d_winograd', 'conv2d_tiled', 'conv2d_split_k'])(
    'keeps the results of a batch, with %s where it can',
    async (kernel) => {
      const graph = network(3);
      const inputs = inputsOf(graph);
      using session = await Session.create(device(), graph, {
        operators,
        weights: syntheticWeights([]),
        optimize: false,
        kernels: () => kernel,
      });
      expectReference(graph, inputs, await session.run(inputs));
    },
  );

  it('gives outputs that it made channel-major back as NCHW', async () => {
    const planned = assignLayout(network(3), operators, device().profile);
    const inner = planned.nodes.find(({ name }) => name === 'inner');
    if (!inner) throw new Error('the network lost a layer');
    const graph = { ...planned, outputs: new Map([['inner', inner.output]]) };
    const inputs = inputsOf(graph);
    using session = await Session.create(device(), graph, {
      operators,
      weights: syntheticWeights([]),
      optimize: false,
    });
    expectReference(graph, inputs, await session.run(inputs));
  });
});
