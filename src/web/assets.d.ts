// Style sheets, which esbuild bundles when a page imports them.

declare module '*.css';
