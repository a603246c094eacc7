/**
 * A file is untrusted. These bound what reading one takes, in memory and in time, whatever it says; each is far beyond
 * what convnets need.
 */

/** Parts of a file: ten times as many as a large convnet has; each takes up to a kilobyte. */
export const MOST_PARTS = 100_000;
/** Integers and strings in lists, which take more memory than they do in the file. */
export const MOST_LISTED: number = 2 ** 22;
/** Messages in messages: a model, graph, node, attribute, tensor; graphs in attributes take three more each. */
export const MOST_NESTED = 32;
/** Nodes that the outputs depend on, those of constants among them: twice as many as a plan's nodes may read values. */
export const MOST_NODES: number = 2 ** 15;
/** Values that all nodes of a graph read, one by one: six times as many as those of EfficientNetV2-L. */
export const MOST_READ: number = 2 ** 14;
/** Bytes of a name, and characters of the name of a node or a graph, which is cut: messages say them. */
export const MOST_NAME_BYTES: number = 2 ** 9;
export const MOST_IN_NAME: number = 2 ** 8;
/** Values that one node reads; a large concatenation has dozens. */
export const MOST_INPUTS: number = 2 ** 12;

/** Rank and elements of the largest tensor that is read. */
export const MOST_AXES = 16;
export const MOST_ELEMENTS: number = 2 ** 31;

/** Numbers in a list that a node reads, such as a shape or the pads of a window. */
export const MOST_IN_LIST = 64;
/** Known indices that become slices of computed values, and how many slices; beyond that, a layer gathers. */
export const MOST_INDICES: number = 2 ** 12;
export const MOST_SLICES: number = 2 ** 8;
/** Steps of an LSTM or the like, of both directions: some four layers each. */
export const MOST_STEPS: number = 2 ** 10;
/** Nodes of all turns of all loops. */
export const MOST_UNROLLED: number = 2 ** 14;
/** Rows of what is scattered into by slices, and updates that are reduced to one row. */
export const MOST_ROWS: number = 2 ** 16;
export const MOST_MEETING: number = 2 ** 5;

/** Elements of a constant that is computed from less than that; a shape has 4. */
export const MOST_MADE: number = 2 ** 24;
/** The same where all are one number, as the weights of ONNX's light networks: a VGG's largest has 1.03e8. */
export const MOST_FILLED: number = 2 ** 27;
/** Elements that one constant may take, with those that it is computed from, to be computed at once. */
export const MOST_AT_ONCE: number = 2 ** 16;
/** The same of all of them together. */
export const MOST_COMPUTED: number = 2 ** 21;
/** Elements of all constants that are computed when weights are read, or read for that: those of a VGG. */
export const MOST_DEFERRED: number = 2 ** 28;
/** Steps of what is computed later, one in the other: each is a call within a call. */
export const MOST_DEEP: number = 2 ** 9;

/** The longest list of what is not supported, in characters, and the nodes that a line of it names. */
export const LONGEST_REFUSAL = 1900;
export const MOST_NAMED = 4;

/** Characters of a text beside the network that is looked at: the names of 1000 classes take 30,000. */
export const MOST_IN_METADATA: number = 2 ** 18;
/** Elements of an input that may be a number that decides, or a size: messages name these. */
export const MOST_DECIDING = 16;
