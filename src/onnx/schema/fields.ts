/**
 * What is read of the messages of onnx.proto, in the form that reading needs: `NUMBER NAME TYPE`, `*` after a type of
 * which there is a list, `ONEOF.NAME` for a field that excludes others. Enumerations are int32 there. `onnx_pb.ts` says
 * the same, for writing and for types, but a page that only reads would download ten times as much for it; a test
 * compares the two.
 */
const MESSAGES = {
  ModelProto: `1 irVersion int64, 8 opsetImport OperatorSetIdProto*, 4 domain string, 7 graph GraphProto,
    25 functions FunctionProto*`,
  OperatorSetIdProto: '1 domain string, 2 version int64',
  GraphProto: `1 node NodeProto*, 2 name string, 5 initializer TensorProto*, 15 sparseInitializer SparseTensorProto*,
    11 input ValueInfoProto*, 12 output ValueInfoProto*, 13 valueInfo ValueInfoProto*`,
  NodeProto: `1 input string*, 2 output string*, 3 name string, 4 opType string, 7 domain string, 8 overload string,
    5 attribute AttributeProto*`,
  AttributeProto: `1 name string, 21 refAttrName string, 20 type int32, 2 f float, 3 i int64, 4 s bytes, 5 t TensorProto,
    6 g GraphProto, 22 sparseTensor SparseTensorProto, 7 floats float*, 8 ints int64*, 9 strings bytes*,
    10 tensors TensorProto*, 11 graphs GraphProto*, 23 sparseTensors SparseTensorProto*`,
  TensorProto: `1 dims int64*, 2 dataType int32, 3 segment TensorProto.Segment, 4 floatData float*, 5 int32Data int32*,
    6 stringData bytes*, 7 int64Data int64*, 8 name string, 9 rawData bytes, 13 externalData StringStringEntryProto*,
    14 dataLocation int32, 10 doubleData double*, 11 uint64Data uint64*`,
  'TensorProto.Segment': '1 begin int64, 2 end int64',
  StringStringEntryProto: '1 key string, 2 value string',
  SparseTensorProto: '1 values TensorProto, 2 indices TensorProto, 3 dims int64*',
  TypeProto: '1 value.tensorType TypeProto.Tensor',
  'TypeProto.Tensor': '1 elemType int32, 2 shape TensorShapeProto',
  TensorShapeProto: '1 dim TensorShapeProto.Dimension*',
  'TensorShapeProto.Dimension': '1 value.dimValue int64, 2 value.dimParam string',
  ValueInfoProto: '1 name string, 2 type TypeProto',
  FunctionProto: `1 name string, 4 input string*, 5 output string*, 6 attribute string*,
    11 attributeProto AttributeProto*, 7 node NodeProto*, 9 opsetImport OperatorSetIdProto*, 10 domain string,
    13 overload string, 12 valueInfo ValueInfoProto*`,
};

export type Scalar = 'int32' | 'int64' | 'uint64' | 'float' | 'double' | 'string' | 'bytes';
export type MessageName = keyof typeof MESSAGES;

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
    const fields = text.split(',').map((row) => {
      const [number, path = '', type = ''] = row.trim().split(' ');
      const [last = '', oneof] = path.split('.').toReversed();
      const plain = type.replace('*', '') as Field['type'];
      return [Number(number), { name: last, type: plain, list: type.endsWith('*'), oneof }] as const;
    });
    return [name, new Map(fields)] as const;
  });
  return Object.fromEntries(entries) as Record<MessageName, Map<number, Field>>;
}
