import { create, type DescMessage, fromBinary, ScalarType, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import {
  AttributeProto_AttributeType,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  ValueInfoProtoSchema,
} from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { Random } from '../../test/fixtures/random.ts';
import { randomGraph } from '../../test/fixtures/random_graph.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { decodeModel } from './decode.ts';
import { encoded } from './encode.ts';
import { exportOnnx } from './export.ts';
import { AttributeType, DataType, EXTERNAL } from './schema/enums.ts';
import { messageFields } from './schema/fields.ts';

/** All messages that a model may hold, by their names in onnx.proto. */
function schemas(): ReadonlyMap<string, DescMessage> {
  const found = new Map<string, DescMessage>();
  const visit = (message: DescMessage) => {
    const name = message.typeName.replace('onnx.', '');
    if (found.has(name)) return;
    found.set(name, message);
    for (const field of message.fields) if (field.message) visit(field.message);
  };
  visit(ModelProtoSchema);
  return found;
}

function typeOf({ scalar, message, enum: choice }: DescMessage['fields'][number]): string {
  if (message) return message.typeName.replace('onnx.', '');
  return choice ? 'int32' : ScalarType[scalar ?? ScalarType.STRING].toLowerCase();
}

/** What is read of a message as plain data, field by field of the schema. */
function plain(schema: DescMessage, message: object): object {
  const fields = new Map(Object.entries(messageFields())).get(schema.typeName.replace('onnx.', ''));
  const read = new Set([...(fields ?? [])].map(([, { name, oneof }]) => oneof ?? name));
  const values = new Map<string, unknown>(Object.entries(message));
  const valueIn = (field: DescMessage['fields'][number], value: unknown): unknown =>
    field.message && value !== undefined ? plain(field.message, value as object) : value;
  const members = schema.members.filter(({ localName }) => read.has(localName));
  const rows = members.map((member) => {
    const own: unknown = values.get(member.localName) ?? Reflect.get(message, member.localName);
    if (member.kind === 'oneof') {
      const { case: name, value } = own as { readonly case?: string; readonly value?: unknown };
      const field = member.fields.find(({ localName }) => localName === name);
      return [member.localName, { name, value: field && valueIn(field, value) }] as const;
    }
    const list = Array.isArray(own) ? own.map((value) => valueIn(member, value)) : undefined;
    return [member.localName, list ?? valueIn(member, own)] as const;
  });
  return Object.fromEntries(rows);
}

function expectSame(bytes: Uint8Array): void {
  const [actual, expected] = [decodeModel(bytes), fromBinary(ModelProtoSchema, bytes)];
  expect(plain(ModelProtoSchema, actual)).toEqual(plain(ModelProtoSchema, expected));
}

describe('messageFields', () => {
  it('says what onnx.proto says, of the fields that are read', () => {
    const table = Object.entries(messageFields()).map(
      ([name, fields]) => [name, Object.fromEntries(fields)] as const,
    );
    const expected = [...schemas()].map(([name, { fields }]) => {
      const rows = fields.map((field) => {
        const { number, localName, fieldKind, oneof } = field;
        const list = fieldKind === 'list';
        return [
          number,
          { name: localName, type: typeOf(field), list, oneof: oneof?.localName },
        ] as const;
      });
      return [name, Object.fromEntries(rows)] as const;
    });
    expect(Object.fromEntries(expected)).toMatchObject(Object.fromEntries(table));
  });
});

it('has the enumerations of onnx.proto', () => {
  expect(DataType).toEqual({ ...TensorProto_DataType });
  expect(AttributeType).toEqual({ ...AttributeProto_AttributeType });
  expect(EXTERNAL).toBe(TensorProto_DataLocation.EXTERNAL);
});

describe('encoded', () => {
  it.each(Array.from({ length: 10 }, (_, seed) => seed))(
    'writes what generated code reads as it was, %i',
    (seed) => {
      const file = exportOnnx(randomGraph(new Random(seed), 8), syntheticWeights([]));
      const again = encoded('ModelProto', decodeModel(file));
      expect(plain(ModelProtoSchema, fromBinary(ModelProtoSchema, again))).toEqual(
        plain(ModelProtoSchema, fromBinary(ModelProtoSchema, file)),
      );
    },
  );

  it('writes every kind of field', () => {
    const tensor = {
      ...{ dims: [2n, -1n], dataType: 1, floatData: [0.5, -2], int32Data: [-1, 2 ** 31 - 1] },
      ...{ int64Data: [-(2n ** 63n)], uint64Data: [2n ** 64n - 1n], doubleData: [1e300] },
      ...{ name: 'ä', rawData: Uint8Array.of(0, 255), segment: {} },
      externalData: [{ key: 'location', value: 'a' }],
    };
    const dim = [
      { value: { case: 'dimValue' as const, value: 3n } },
      { value: { case: 'dimParam' as const, value: 'batch' } },
    ];
    const type = { value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim } } } };
    const node = {
      opType: 'If',
      attribute: [{ name: 'a', t: tensor, strings: [Uint8Array.of(1)] }],
    };
    const graph = { node: [node], input: [{ name: 'x', type }, {}] };
    const bytes = encoded('ModelProto', { irVersion: 8n, graph });
    const expected = create(ModelProtoSchema, { irVersion: 8n, graph });
    expect(plain(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes))).toEqual(
      plain(ModelProtoSchema, expected),
    );
  });
});

describe('decodeModel', () => {
  it.each(Array.from({ length: 10 }, (_, seed) => seed))(
    'reads what protobuf’s own decoder reads: random graph %i',
    (seed) => {
      expectSame(exportOnnx(randomGraph(new Random(seed), 12), syntheticWeights([])));
    },
  );

  it('reads every kind of field, negative numbers, and what is absent', () => {
    const tensor = {
      dims: [-1n, 2n ** 62n],
      dataType: 1,
      segment: { begin: 3n },
      floatData: [1.5, -0, Number.POSITIVE_INFINITY],
      int32Data: [-7, 2 ** 31 - 1],
      int64Data: [-(2n ** 63n)],
      uint64Data: [2n ** 64n - 1n],
      doubleData: [0.1],
      stringData: [Uint8Array.of(1, 2)],
      rawData: Uint8Array.of(255, 0),
      externalData: [{ key: 'location', value: 'ü.bin' }, {}],
    };
    const attribute = { name: 'a', f: 0.25, i: -1n, s: Uint8Array.of(9), ints: [], t: tensor };
    const dim = [
      { value: { case: 'dimValue' as const, value: 0n } },
      { value: { case: 'dimParam' as const, value: 'n' } },
      {},
    ];
    const type = { value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim } } } };
    const graph = {
      node: [{ input: ['x', ''], output: ['y'], opType: 'Op', attribute: [attribute] }],
      initializer: [tensor],
      input: [{ name: 'x', type }, { name: 'any' }],
    };
    const functions = [{ name: 'f', input: ['a'] }];
    expectSame(toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph, functions })));
    expectSame(new Uint8Array());
  });

  it('reads numbers of a list one by one and packed, and parts of a message one after the other', () => {
    const dims = new BinaryWriter().tag(1, WireType.Varint).int64(5);
    dims.tag(1, WireType.LengthDelimited).bytes(Uint8Array.of(6, 7));
    const tensor = dims.finish();
    const part = (write: (writer: BinaryWriter) => void) => {
      const writer = new BinaryWriter();
      write(writer);
      return new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(writer.finish()).finish();
    };
    const bytes = [
      part((graph) => graph.tag(2, WireType.LengthDelimited).string('first')),
      part((graph) => graph.tag(5, WireType.LengthDelimited).bytes(tensor)),
      part((graph) => graph.tag(2, WireType.LengthDelimited).string('last')),
    ].flatMap((written) => [...written]);
    const { graph } = decodeModel(Uint8Array.from(bytes));
    expect([graph?.name, graph?.initializer[0]?.dims]).toEqual(['last', [5n, 6n, 7n]]);
    expectSame(Uint8Array.from(bytes));
  });

  it('goes on with a message that is one of several', () => {
    const tensorType = (value: object) => ({
      type: { value: { case: 'tensorType' as const, value } },
    });
    const parts = [{ elemType: 7 }, { shape: { dim: [{}] } }].map((part) =>
      toBinary(ValueInfoProtoSchema, create(ValueInfoProtoSchema, tensorType(part))),
    );
    const wrapped = (field: number, bytes: Uint8Array) =>
      new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(bytes).finish();
    const input = Uint8Array.from(parts.flatMap((part) => [...part]));
    expectSame(wrapped(7, wrapped(11, input)));
  });

  it('leaves out fields that it does not know, and what is not encoded as it must be', () => {
    const bytes = new BinaryWriter()
      .tag(99, WireType.Varint)
      .int32(1)
      .tag(8, WireType.LengthDelimited)
      .bytes(
        new BinaryWriter()
          .tag(2, WireType.LengthDelimited)
          .string('a version in words')
          .tag(1, WireType.LengthDelimited)
          .string('mine')
          .finish(),
      )
      .finish();
    const [{ domain, version } = {}] = decodeModel(bytes).opsetImport;
    expect([domain, version]).toEqual(['mine', 0n]);
  });

  it.each([
    ['a field cut short', [0x3a, 5, 1]],
    ['a number without end', [8, ...Array.from({ length: 11 }, () => 0xff)]],
    ['the end of a group', [0x0c]],
    ['text that is none', [0x3a, 2, 0x12, 5]],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeModel(Uint8Array.from(bytes))).toThrow(/is damaged or no ONNX file/);
  });
});
