import type { Plugin } from 'vite';

/**
 * Leaves out of built pages what only people read in shaders: lines of comment, and indentation. They are template
 * literals, which no minifier of JavaScript touches.
 */
export function minifyWgsl(): Plugin {
  return {
    name: 'minify-wgsl',
    apply: 'build',
    transform: {
      filter: { id: /\.wgsl\.ts$/ },
      handler: (code) => ({
        code: code.replaceAll(/^[ \t]*\/\/.*\n/gm, '').replaceAll(/^[ \t]+/gm, ''),
        map: null,
      }),
    },
  };
}
