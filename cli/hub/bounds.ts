/** A hub may be anybody's. These bound what asking one takes, in memory and in time, whatever it answers. */

/** Bytes of what the hub says of a model, or of a page of its files: the latter have 300 kB. */
export const MOST_ANSWER_BYTES = 2 ** 23;
/** The time that such an answer may take, and the silence after which a connection is broken. */
export const MOST_ANSWER_MS = 60_000;
export const MOST_SILENCE_MS = 30_000;
/** Pages of files, of a thousand each, and the weights files among them. */
export const MOST_PAGES = 100;
export const MOST_LISTED = 10_000;
/** Bytes of a weights file: more than any convnet has. */
export const MOST_FILE_BYTES = 2 ** 33;

/** Requests in a row that may bring nothing. */
export const MOST_TRIES = 5;
/** The longest that a busy hub may ask to be left alone, to be asked again without the user. */
export const MOST_WAIT_MS = 60_000;
