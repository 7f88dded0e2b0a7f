// Draws QR codes as images: black on white, with the standard quiet zone. Used by qr-files.ts.

import { encode } from 'fast-png';
import { addQuietZone, type QrModules } from './qr-code.ts';

/** Width of a module. In a PNG of one bit a pixel, a module of 8 pixels is one byte of its row. */
const pixelsPerModule = 8;

/** A PNG file. */
export function drawPng(modules: QrModules): Uint8Array {
  const rows = addQuietZone(modules);
  const size = rows.length * pixelsPerModule;
  const pixelRows = rows.flatMap((row) => {
    const bytes = row.map((dark) => (dark ? 0x00 : 0xff));
    return Array.from({ length: pixelsPerModule }, () => bytes);
  });
  return encode({
    width: size,
    height: size,
    depth: 1,
    channels: 1,
    data: Uint8Array.from(pixelRows.flat()),
  });
}

/** An SVG file, which has one path for all dark modules, so that no seams appear between them. */
export function drawSvg(modules: QrModules): string {
  const rows = addQuietZone(modules);
  const count = rows.length;
  const size = count * pixelsPerModule;
  const path = rows.map((row, y) =>
    runsOf(row)
      .map(({ x, length }) => `M${x} ${y}h${length}v1h-${length}z`)
      .join(''),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 ${count} ${count}" shape-rendering="crispEdges">`,
    `<rect width="${count}" height="${count}" fill="#fff"/>`,
    `<path d="${path.join('')}" fill="#000"/>`,
    '</svg>',
    '',
  ].join('\n');
}

/** Where dark modules follow each other in a row. */
function runsOf(row: readonly boolean[]): { readonly x: number; readonly length: number }[] {
  return row.flatMap((dark, x) => {
    if (!dark || row[x - 1]) return [];
    const end = row.indexOf(false, x);
    return { x, length: (end === -1 ? row.length : end) - x };
  });
}
