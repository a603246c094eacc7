/** The graph of a file while it is turned into layers. */
import { reshapeTo } from '../layers/rearrange.ts';
import { ownValue } from '../runtime/arguments.ts';
import { ShapeError, UnsupportedError } from '../runtime/errors.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount } from '../runtime/tensor.ts';
import { quoted } from '../runtime/weights/messages.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { MOST_IN_NAME, MOST_INPUTS, MOST_NODES, MOST_UNROLLED } from './bounds.ts';
import { bodyOf, branchOf, isBranching, isLoop, LoopState } from './control_flow.ts';
import { isStandard, subjectOf } from './domain.ts';
import { endsBefore } from './ending_in.ts';
import { demand, demandSound } from './errors.ts';
import { commonShape } from './evaluators/broadcast.ts';
import { evaluators } from './evaluators/index.ts';
import { readOnce } from './external_data.ts';
import { Allowance, evaluated, folded } from './fold.ts';
import { decidingInputs, givenConstant, inputNamed } from './given_constants.ts';
import {
  ImportCall,
  type Imported,
  type Importer,
  isValue,
  listed,
  type Operand,
} from './import_node.ts';
import type { OnnxImportOptions } from './import_options.ts';
import { MadeBefore } from './made.ts';
import { describeType, fedInputs, inputShape, shapeOf, typeOf } from './model_inputs.ts';
import { ModelWeights } from './model_weights.ts';
import { elementwise, importers } from './operators/importers.ts';
import { MUST_BE_KNOWN, NO_OPERATOR, NO_OPERATOR_OF_VALUES, Problems } from './problems.ts';
import { resultType } from './result_type.ts';
import { namesFromOutside, visitInOrder } from './schedule.ts';
import type { GraphProto, NodeProto, ValueInfoProto } from './schema/fields.ts';
import { Scope } from './scope.ts';
import { type Constant, constant, constantOf } from './tensor.ts';

/** A file that was decoded, and whose version is one that is read. */
export interface OnnxFile {
  readonly name: string;
  /** The version of the format. */
  readonly irVersion: bigint;
  /** Up to the values that are wanted. */
  readonly graph: GraphProto;
  /** All that the file wants to be fed, wherever it leads. */
  readonly inputs: readonly ValueInfoProto[];
  readonly opset: number;
  /** What whoever exported it says of it. */
  readonly metadata: ReadonlyMap<string, string>;
}

export interface ReadGraph {
  readonly outputs: ReadonlyMap<string, Value>;
  readonly weights: WeightSource;
}

const TOO_MUCH = 'computes more constants than is done for one model';
/** What the file says of values, by name. */
type Infos = ReadonlyMap<string, ValueInfoProto>;

export class GraphReader {
  readonly #file: OnnxFile;
  readonly #options: OnnxImportOptions;
  readonly #builder: GraphBuilder;
  #given: Value | undefined;
  readonly #weights = new ModelWeights();
  readonly #nodeNames = new Set<string>();
  readonly #problems = new Problems();
  readonly #refused = new Set<NodeProto>();
  readonly #allowance = new Allowance();
  readonly #made = new MadeBefore();
  #visited = 0;
  /** Nodes in the turns of loops. */
  #unrolled = 0;

  constructor(
    file: OnnxFile,
    options: OnnxImportOptions,
    builder: GraphBuilder,
    given: Value | undefined,
  ) {
    this.#file = file;
    const { readExternal } = options;
    this.#options = { ...options, ...(readExternal && { readExternal: readOnce(readExternal) }) };
    this.#builder = builder;
    this.#given = given;
  }

  run(): ReadGraph {
    const { graph, name } = this.#file;
    const scope = new Scope();
    this.#readInitializers(graph, scope);
    this.#readGivenConstants(graph, scope);
    const { inputs } = this.#file;
    for (const input of Object.keys(this.#options.shapes ?? {}))
      inputNamed('shapes', input, inputs);
    for (const input of fedInputs(graph)) this.#readInput(input, scope);
    this.#readNodes(graph, scope);
    const names = graph.output.map((output) => output.name);
    for (const output of names) this.#readsFailed([output], 'output', shown(output), scope);
    if (this.#problems.count > 0) {
      this.#problems.refuse(this.#readable(scope), decidingInputs(graph, this.#refused, scope));
    }
    const outputs = new Map(names.map((output) => [output, this.#output(output, scope)]));
    return { outputs, weights: this.#weights.source(name) };
  }

  #readInitializers({ initializer, sparseInitializer }: GraphProto, scope: Scope): void {
    demand(sparseInitializer.length === 0, 'has sparse tensors');
    for (const tensor of initializer) {
      const made = this.#made.tensor(tensor, () => {
        const name = `${scope.prefix}${tensor.name}`;
        const constant = constantOf(tensor, name, this.#options.readExternal);
        return { constant, type: constant.type };
      });
      scope.define(tensor.name, made);
    }
  }

  #readGivenConstants({ input: needed }: GraphProto, scope: Scope): void {
    for (const [name, given] of Object.entries(this.#options.constants ?? {})) {
      const known = givenConstant(inputNamed('constants', name, this.#file.inputs), given);
      // Perhaps only what leads to other outputs reads it.
      const isRead = needed.some((input) => input.name === name);
      if (isRead) scope.define(name, { constant: known, type: known.type });
    }
  }

  #readInput(input: ValueInfoProto, scope: Scope): void {
    const { name } = input;
    // It may be given as a constant.
    if (scope.has(name)) return;
    const type = typeOf(input);
    if (!type) {
      this.#problems.add('input', shown(name), `is ${describeType(input)}; numbers are read`);
      scope.fail(name);
      return;
    }
    const { shapes, batch = 1 } = this.#options;
    const given = ownValue(shapes, name);
    const who = `input ${quoted(name)} of ${quoted(this.#file.name)}`;
    const shape = this.#given?.desc.shape ?? inputShape(who, input, given, batch);
    if (elementCount(shape) === 0) {
      // There is nothing to be fed.
      const numbers = new Float32Array();
      scope.define(name, { constant: { name, shape, type, numbers: () => numbers }, type });
      return;
    }
    scope.define(name, { value: this.#given ?? this.#builder.input(name, shape), type });
    // It stands for the model's only input.
    this.#given = undefined;
  }

  #readNodes(graph: GraphProto, scope: Scope): void {
    const given = new Set(graph.input.map((input) => input.name));
    const infos: Infos = new Map(
      [...graph.valueInfo, ...graph.output].map((info) => [info.name, info]),
    );
    visitInOrder(
      graph,
      given,
      (node) => this.#reads(node, scope),
      (node) => this.#readNode(node, scope, infos),
    );
  }

  /** The values that a node needs: of a condition, first itself, then those of the branch that it chooses. */
  #reads(node: NodeProto, scope: Scope): readonly string[] {
    if (this.#importerOf(node, subjectOf(node))) return node.input;
    if (isLoop(node)) return [...node.input, ...namesFromOutside(bodyOf(node))];
    if (!isBranching(node)) return node.input;
    const branch = branchOf(node, scope);
    return branch ? [...node.input, ...namesFromOutside(branch)] : node.input;
  }

  #readNode(node: NodeProto, scope: Scope, infos: Infos): void {
    const index = this.#visited++;
    demandSound(index < MOST_NODES, `has more than ${MOST_NODES} nodes that its outputs depend on`);
    const subject = subjectOf(node);
    const name = shown(node.name || `node ${index}`);
    const label = `${shown(subject)} "${name}"`;
    const few = node.input.length <= MOST_INPUTS;
    demandSound(few, `${label} reads ${node.input.length} values; at most ${MOST_INPUTS} are read`);
    const importer = this.#importerOf(node, subject);
    // What hangs on a node that failed is not wrong by itself.
    const holdsGraph = !importer && (isBranching(node) || isLoop(node));
    if ((importer || holdsGraph) && this.#readsFailed(node.input, subject, name, scope)) {
      for (const output of node.output) scope.fail(output);
      return;
    }
    try {
      if (holdsGraph) {
        const before = this.#problems.count;
        if (isLoop(node)) this.#readLoop(node, scope, index);
        else this.#readBranch(node, scope, index);
        if (this.#problems.count > before) this.#refused.add(node);
        return;
      }
      demand(importer, NO_OPERATOR);
      const inputs = node.input.map((input) => (input === '' ? undefined : scope.operand(input)));
      const outputs = this.#made.outputs(node, inputs, () =>
        this.#outputsOf(this.#callOf(node, index, scope, inputs), importer, scope),
      );
      for (const [i, output] of node.output.entries()) {
        const made = outputs[i];
        if (made) scope.define(output, made);
        else if (output) scope.fail(output, label);
      }
    } catch (error) {
      if (!(error instanceof UnsupportedError || error instanceof ShapeError)) throw error;
      // Layers put their name before what is wrong; the list has it already.
      this.#problems.add(subject, name, error.message.replace(/^\w+ "[^"]*": /, ''));
      this.#refused.add(node);
      for (const output of node.output) this.#standIn(output, scope, infos);
    }
  }

  /** Those that could be outputs in place of what is refused. */
  #readable(scope: Scope): readonly string[] {
    return endsBefore(this.#file.graph, this.#refused).filter(
      (name) => scope.find(name)?.value?.kind === 'activation',
    );
  }

  /** What is unsupported is replaced by a value of the shape that the file says, so that the rest is examined too. */
  #standIn(name: string, scope: Scope, infos: Infos): void {
    const info = infos.get(name);
    const [type, shape] = info ? [typeOf(info), shapeOf(info)] : [];
    const usual = shape?.every((extent) => extent > 0) && elementCount(shape) < 2 ** 31;
    if (!type || !shape || !usual || scope.has(name)) {
      scope.fail(name);
      return;
    }
    const g = this.#builder.at('unsupported');
    scope.define(name, { value: reshapeTo(g, g.input(name, shape), shape), type });
  }

  /** Adds the nodes of the branch that a condition chooses, as if they stood in its place. */
  #readBranch(node: NodeProto, scope: Scope, index: number): void {
    const branch = branchOf(node, scope);
    demand(branch, `its condition is computed; a branch ${MUST_BE_KNOWN}`);
    const inner = new Scope(`${this.#nameOf(node, index, scope)}/`, scope);
    this.#readInitializers(branch, inner);
    this.#readNodes(branch, inner);
    for (const [i, output] of node.output.entries()) {
      const name = branch.output[i]?.name ?? '';
      if (inner.failure(name)) scope.fail(output);
      else scope.define(output, inner.operand(name));
    }
  }

  /** Adds the nodes of a loop as often as it turns. */
  #readLoop(node: NodeProto, scope: Scope, index: number): void {
    const body = bodyOf(node);
    const state = new LoopState(node, body, scope);
    const name = this.#nameOf(node, index, scope);
    const around = new Scope(`${name}/`, scope);
    this.#readInitializers(body, around);
    while (state.goes) {
      const results = this.#readTurn(body, state, around);
      // Another turn would have the same problems.
      if (!results) {
        for (const output of node.output) scope.fail(output);
        return;
      }
      state.take(results);
    }
    const g = this.#builder.at(name);
    const weight = (known: Constant) => this.#weightOf({ ...known, name });
    const made = state.outputs(g, node.output, weight);
    for (const [i, output] of node.output.entries()) {
      if (output === '') continue;
      const found = made[i];
      demandSound(found, `loop ${quoted(name)} gives ${made.length} values, no ${quoted(output)}`);
      const known = found.constant && {
        ...this.#keptConstant(found.constant),
        name: `${scope.prefix}${output}`,
      };
      scope.define(output, known ? { constant: known, type: found.type } : found);
    }
  }

  /** What one turn of a loop gives; undefined where some of it is not had. */
  #readTurn(body: GraphProto, state: LoopState, around: Scope): readonly Operand[] | undefined {
    this.#unrolled += state.size;
    const few = this.#unrolled <= MOST_UNROLLED;
    demand(few, `the turns of loops have more than ${MOST_UNROLLED} nodes`);
    const inner = new Scope(`${around.prefix}${state.turn}/`, around);
    const inputs = body.input.map(({ name }) => name);
    for (const [i, given] of state.inputs.entries()) inner.define(inputs[i] ?? '', given);
    const before = this.#problems.count;
    this.#readNodes(body, inner);
    const names = body.output.map(({ name }) => name);
    const had = this.#problems.count === before && !names.some((name) => inner.failure(name));
    return had ? names.map((name) => inner.operand(name)) : undefined;
  }

  #importerOf({ opType, domain }: NodeProto, subject: string): Importer | undefined {
    const { importers: own = {} } = this.#options;
    if (Object.hasOwn(own, subject)) return own[subject];
    return importers.get(subject) ?? (isStandard(domain) ? evaluators.get(opType) : undefined);
  }

  /** What a node makes; of outputs that are not had, undefined. */
  #outputsOf(
    call: ImportCall,
    importer: Importer,
    { prefix }: Scope,
  ): readonly (Operand | undefined)[] {
    const made = this.#constantsOf(call, importer) ?? this.#kept(listed(importer(call)));
    return call.node.output.map((output, i) => {
      const result = made[i];
      return result && asOperand(`${prefix}${output}`, result, call, i);
    });
  }

  /** The same, where that is known. */
  #constantsOf(call: ImportCall, importer: Importer): readonly Imported[] | undefined {
    const { node } = call;
    const evaluator = isStandard(node.domain) ? evaluators.get(node.opType) : undefined;
    const own = importer !== evaluator && importer !== importers.get(subjectOf(node));
    const nothing = !own && !evaluator && emptyResult(call);
    if (nothing) return [nothing];
    if (call.inputs.some((input) => input?.value)) {
      demand(importer !== evaluator, NO_OPERATOR_OF_VALUES);
      return undefined;
    }
    if (own || !evaluator) return folded(call, importer, this.#allowance);
    const made = evaluated(call, evaluator, this.#allowance);
    demand(made || importer !== evaluator, TOO_MUCH);
    return made;
  }

  /** What an importer gives, whose constants may need computing. */
  #kept(made: readonly Imported[]): readonly Imported[] {
    return made.map((output) => (isValue(output) ? output : this.#keptConstant(output)));
  }

  #keptConstant(made: Constant): Constant {
    const kept = this.#allowance.keep(made);
    demand(kept, TOO_MUCH);
    return kept;
  }

  #readsFailed(inputs: readonly string[], subject: string, name: string, scope: Scope): boolean {
    const failed = inputs.flatMap((input) => {
      const failure = scope.failure(input);
      return failure ? [{ input, ...failure }] : [];
    });
    for (const { input, maker } of failed) {
      if (maker === undefined) continue;
      this.#problems.add(subject, name, `reads ${quoted(input)} of ${maker}, which is not had`);
    }
    return failed.length > 0;
  }

  #callOf(node: NodeProto, index: number, scope: Scope, inputs: ImportCall['inputs']): ImportCall {
    const name = this.#nameOf(node, index, scope);
    return new ImportCall(node, {
      opset: this.#file.opset,
      name,
      g: this.#builder.at(name),
      inputs,
      weight: (known) => this.#weightOf(known),
      derived: (weight, made) => this.#made.derived(weight, made),
      tensor: (tensor) => constantOf(tensor, name, this.#options.readExternal),
      spend: this.#allowance.spend,
    });
  }

  #weightOf(known: Constant): Value {
    return this.#builder.weight(this.#weights.add(known), known.shape);
  }

  /** The node's name after that of what it stands in. */
  #nameOf(node: NodeProto, index: number, { prefix }: Scope): string {
    const own = (node.name || node.output[0] || node.opType).slice(0, MOST_IN_NAME);
    let name = `${prefix}${own}`;
    if (this.#nodeNames.has(name)) name = `${name} (node ${index})`;
    this.#nodeNames.add(name);
    return name;
  }

  #output(name: string, scope: Scope): Value {
    const { value, constant } = scope.operand(name);
    // A graph gives back results of nodes: what is an input as it came in, or a constant, is seen through a view.
    if (value?.kind === 'activation') return value;
    const empty = constant && elementCount(constant.shape) === 0;
    demand(!empty, `its output ${quoted(name)} has no elements`);
    const seen = value ?? this.#weightOf(constant);
    return reshapeTo(this.#builder.at(name), seen, seen.desc.shape);
  }
}

/** What functions of elements make of a tensor that has none, which is no node's input. */
function emptyResult(call: ImportCall): Constant | undefined {
  if (!isStandard(call.node.domain) || !elementwise.has(call.node.opType)) return undefined;
  const shapes = call.inputs.flatMap((input, i) => (input ? [call.shape(i)] : []));
  if (shapes.every((shape) => elementCount(shape) > 0)) return undefined;
  return constant(shapes.reduce(commonShape), [], resultType(call, 0));
}

/** A name for a list of problems. */
function shown(name: string): string {
  return quoted(name).slice(1, -1);
}

function asOperand(name: string, made: Imported, call: ImportCall, output: number): Operand {
  if (isValue(made)) return { value: made, type: resultType(call, output) };
  return { constant: { ...made, name }, type: made.type };
}
