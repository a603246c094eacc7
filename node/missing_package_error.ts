import { UnsupportedError } from '../src/index.ts';

/** Optional packages that are not installed where they are needed. The message has the line that installs them. */
export class MissingPackageError extends UnsupportedError {
  readonly packages: readonly string[];

  constructor(message: string, packages: readonly string[], options?: ErrorOptions) {
    super(message, options);
    this.packages = packages;
  }
}
