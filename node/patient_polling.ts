/**
 * Lets Node rest while Dawn works.
 *
 * Dawn's binding for Node learns what the GPU has done by asking. As long as anything is awaited (a mapped buffer, a
 * compiled pipeline, work that is done), it asks again, by `setImmediate`, as soon as it has asked. That keeps a core
 * busy; where the adapter is the processor, it is one of the cores that compute.
 *
 * The binding takes `setImmediate` from the global object each time. So while one of its functions is on the stack, and
 * only then, another one is there: it asks at once for the first moments of a wait, so that short ones end when they
 * end, and then once a millisecond. The binding calls listeners of its events meanwhile; they find that function, too,
 * which does for them what the real one does.
 */

type Callback = (...values: readonly unknown[]) => void;

type SetImmediate = (callback: Callback, ...values: readonly unknown[]) => unknown;

/** What this file takes from the platform: the real ones, whatever a program puts in their place later. */
export interface Timers {
  readonly setImmediate: SetImmediate;
  readonly setTimeout: (callback: Callback, ms: number) => unknown;
  readonly now: () => number;
}

/** Who asks how long at once. */
export interface Polling {
  /**
   * Asks at once for so many milliseconds of each wait, if it has not been told of more before.
   *
   * @param ms - From the beginning of a wait.
   */
  readonly eagerFor: (ms: number) => void;
}

/** What is awaited of the binding's classes. */
const AWAITED: ReadonlySet<string> = new Set([
  'createComputePipelineAsync',
  'createRenderPipelineAsync',
  'getCompilationInfo',
  'mapAsync',
  'onSubmittedWorkDone',
  'popErrorScope',
  'requestAdapter',
  'requestDevice',
]);

/** Calls follow one another at intervals shorter than a timer's, so that loading would wait for timers alone. */
const LEAST_EAGER_MS = 0.5;

const NAP_MS = 1;

const REAL: Timers = {
  setImmediate: globalThis.setImmediate,
  setTimeout: globalThis.setTimeout,
  now: performance.now.bind(performance),
};

const patched = new WeakMap<object, Polling>();

/**
 * Makes the classes of a binding poll patiently. A second call for the same classes changes nothing.
 *
 * @param classes - What the binding exports to be put on the global object, by name.
 * @param timers - The platform's.
 */
export function pollPatiently(classes: object, timers: typeof REAL = REAL): Polling {
  const known = patched.get(classes);
  if (known) return known;
  let eagerMs = LEAST_EAGER_MS;
  let begun = 0;

  const patiently = <R>(call: () => R): R => {
    const { setImmediate }: { setImmediate: SetImmediate } = globalThis;
    const later: SetImmediate = (poll, ...values) => {
      if (!isNative(poll)) return setImmediate(poll, ...values);
      const again = (): void => patiently(poll);
      return timers.now() - begun < eagerMs
        ? timers.setImmediate(again)
        : timers.setTimeout(again, NAP_MS);
    };
    // Where a program has frozen the global object, this does nothing, and Dawn asks as before.
    Reflect.set(globalThis, 'setImmediate', later);
    try {
      return call();
    } finally {
      // A listener may have put another one there.
      if (Object.is(globalThis.setImmediate, later)) {
        Reflect.set(globalThis, 'setImmediate', setImmediate);
      }
    }
  };

  for (const method of methodsOf(classes)) {
    const { prototype, name, call } = method;
    Object.defineProperty(prototype, name, {
      ...method.property,
      value(this: unknown, ...args: readonly unknown[]): unknown {
        begun = timers.now();
        return patiently(() => Reflect.apply(call, this, args));
      },
    });
  }
  const polling: Polling = {
    eagerFor(ms) {
      eagerMs = Math.max(eagerMs, ms);
    },
  };
  patched.set(classes, polling);
  return polling;
}

/** Whether it is a function without a name from native code, as the binding's are: `bind` names what it makes. */
function isNative(callback: Callback): boolean {
  return callback.name === '' && String(callback).includes('[native code]');
}

interface Method {
  readonly prototype: object;
  readonly name: string;
  readonly property: PropertyDescriptor;
  readonly call: (...args: readonly unknown[]) => unknown;
}

function methodsOf(classes: object): readonly Method[] {
  const prototypes = Object.values(classes).map((each): unknown => each?.prototype);
  return prototypes
    .filter((prototype): prototype is object => Object(prototype) === prototype)
    .flatMap((prototype) =>
      Object.entries(Object.getOwnPropertyDescriptors(prototype))
        .filter(([name, { value }]) => AWAITED.has(name) && typeof value === 'function')
        .map(([name, property]) => ({ prototype, name, property, call: property.value })),
    );
}
