import { defineConfig, type Plugin } from 'vite';
import { minifyWgsl } from '../packaging/minify_wgsl.ts';

/**
 * What the built page may do: run its own code, read what its user hands over, and fetch from an address that
 * its user types in. No HTML is ever made of strings (Trusted Types).
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "connect-src 'self' https: http://localhost:* http://127.0.0.1:*",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types tilewise',
].join('; ');

/** In the page itself, since a static host sends no headers of ours. The development server needs inline styles. */
function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

export default defineConfig({
  // Relative, so that the page works under any path.
  base: './',
  plugins: [contentSecurityPolicy(), minifyWgsl()],
  build: { target: 'es2023', sourcemap: true },
  worker: { format: 'es', plugins: () => [minifyWgsl()] },
  server: { fs: { allow: ['..'] } },
});
