// A QR code as SVG: black on white in every theme, with the quiet zone that scanners need. Used by page.tsx.

import { generate } from 'lean-qr';
import { toSvgPath } from 'lean-qr/extras/svg';

/** Modules around the code, of ISO/IEC 18004. */
const quietZone = 4;

export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const code = generate(text);
  const size = code.size + 2 * quietZone;
  return (
    <svg class="qr" viewBox={`${-quietZone} ${-quietZone} ${size} ${size}`} role="img" aria-label={label}>
      <rect x={-quietZone} y={-quietZone} width={size} height={size} fill="#fff" />
      <path d={toSvgPath(code)} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
}
