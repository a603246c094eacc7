/**
 * What is read and written of the messages of onnx.proto: `NUMBER NAME TYPE`, `*` after a type of which there is a
 * list, `ONEOF.NAME` for a field that excludes others. Enumerations are int32 there. A test compares it with the
 * schema, of which generated code would be ten times as much to download.
 */
const MESSAGES = {
  ModelProto: `1 irVersion int64, 2 producerName string, 8 opsetImport OperatorSetIdProto*, 7 graph GraphProto,
    14 metadataProps StringStringEntryProto*, 25 functions FunctionProto*`,
  OperatorSetIdProto: '1 domain string, 2 version int64',
  GraphProto: `1 node NodeProto*, 2 name string, 5 initializer TensorProto*, 15 sparseInitializer SparseTensorProto*,
    11 input ValueInfoProto*, 12 output ValueInfoProto*, 13 valueInfo ValueInfoProto*`,
  NodeProto: `1 input string*, 2 output string*, 3 name string, 4 opType string, 7 domain string,
    5 attribute AttributeProto*`,
  AttributeProto: `1 name string, 20 type int32, 2 f float, 3 i int64, 4 s bytes, 5 t TensorProto, 6 g GraphProto,
    7 floats float*, 8 ints int64*, 9 strings bytes*`,
  TensorProto: `1 dims int64*, 2 dataType int32, 3 segment TensorProto.Segment, 4 floatData float*, 5 int32Data int32*,
    7 int64Data int64*, 8 name string, 9 rawData bytes, 13 externalData StringStringEntryProto*, 14 dataLocation int32,
    10 doubleData double*, 11 uint64Data uint64*`,
  StringStringEntryProto: '1 key string, 2 value string',
  TypeProto: '1 value.tensorType TypeProto.Tensor',
  'TypeProto.Tensor': '1 elemType int32, 2 shape TensorShapeProto',
  TensorShapeProto: '1 dim TensorShapeProto.Dimension*',
  'TensorShapeProto.Dimension': '1 value.dimValue int64, 2 value.dimParam string',
  ValueInfoProto: '1 name string, 2 type TypeProto',
  // Of these it is enough that there are some: they are refused.
  SparseTensorProto: '',
  'TensorProto.Segment': '',
  FunctionProto: '',
} as const;

type Messages = typeof MESSAGES;

/** What the scalars are here. */
interface Scalars {
  readonly int32: number;
  readonly int64: bigint;
  readonly uint64: bigint;
  readonly float: number;
  readonly double: number;
  readonly string: string;
  readonly bytes: Uint8Array;
}

/** A type of protobuf's that is no message. */
export type Scalar = keyof Scalars;
/** The name of a message of the ONNX schema that is read. */
export type MessageName = keyof Messages;

type Trimmed<Text> = Text extends `${' ' | '\n'}${infer Rest}` ? Trimmed<Rest> : Text;
type Rows<Text> = Text extends `${infer Row},${infer Rest}`
  ? Trimmed<Row> | Rows<Rest>
  : Trimmed<Text>;

/** Under which name a row is found: a field's own, or that of what it is one of. */
type Key<Row> = Row extends `${number} ${infer Path} ${string}`
  ? Path extends `${infer OneOf}.${string}`
    ? OneOf
    : Path
  : never;

type One<Type> = Type extends MessageName
  ? Message<Type>
  : Type extends Scalar
    ? Scalars[Type]
    : never;

type Held<Row> = Row extends `${number} ${string}.${infer Case} ${infer Type}`
  ? { readonly case: Case; readonly value: One<Type> } | NoCase
  : Row extends `${number} ${string} ${infer Type}*`
    ? readonly One<Type>[]
    : Row extends `${number} ${string} ${infer Type}`
      ? One<Type>
      : never;

interface NoCase {
  readonly case: undefined;
  readonly value?: undefined;
}

/** The rows of messages, which may be absent; all else is 0, empty, or of no case. */
type Absent<Row> = Row extends `${number} ${infer Path} ${MessageName}`
  ? Path extends `${string}.${string}`
    ? never
    : Row
  : never;

/** A message with the fields that are read: no others are there. */
export type Message<Name extends MessageName, All = Rows<Messages[Name]>> = {
  readonly [Row in Exclude<All, Absent<All>> as Key<Row>]: Held<Row>;
} & {
  readonly [Row in Absent<All> as Key<Row>]?: Held<Row> | undefined;
};

export type ModelProto = Message<'ModelProto'>;
export type GraphProto = Message<'GraphProto'>;
/** A node as the file has it: operator, names of inputs and outputs, attributes. */
export type NodeProto = Message<'NodeProto'>;
export type AttributeProto = Message<'AttributeProto'>;
/** A tensor as the file has it. */
export type TensorProto = Message<'TensorProto'>;
export type StringStringEntryProto = Message<'StringStringEntryProto'>;
export type ValueInfoProto = Message<'ValueInfoProto'>;

/** A message to be written: what it leaves out has the value of what is absent. */
export type Written<Part> = Part extends bigint | string | number | Uint8Array | undefined
  ? Part
  : Part extends readonly (infer Item)[]
    ? readonly Written<Item>[]
    : { readonly [K in keyof Part]?: Written<Part[K]> };

export interface Field {
  readonly name: string;
  readonly type: Scalar | MessageName;
  readonly list: boolean;
  /** What it is one of, under which name it is found as `{case, value}`. */
  readonly oneof: string | undefined;
}

/** Fields by their numbers, of each message. */
export type Fields = Readonly<Record<MessageName, ReadonlyMap<number, Field>>>;

export function isMessage(type: Field['type']): type is MessageName {
  return Object.hasOwn(MESSAGES, type);
}

export function messageFields(): Fields {
  const entries = Object.entries(MESSAGES).map(([name, text]) => {
    const fields = Array.from(text.matchAll(/(\d+) (\S+) ([^\s,]+)/g), (row) => {
      const [, number, path = '', type = ''] = row;
      const [last = '', oneof] = path.split('.').toReversed();
      const plain = type.replace('*', '') as Field['type'];
      return [
        Number(number),
        { name: last, type: plain, list: type.endsWith('*'), oneof },
      ] as const;
    });
    return [name, new Map(fields)] as const;
  });
  return Object.fromEntries(entries) as Record<MessageName, Map<number, Field>>;
}
