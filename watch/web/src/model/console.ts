// SPDX-License-Identifier: MIT
/** Terminal text without its control sequences: colours, cursor movements, bells; a carriage return begins the line anew. */
export function plainText(text: string): string {
  const visible = text
    .replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[@-Z\\-_]|[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f]/g, '')
    .replace(/\r+\n/g, '\n');
  return visible.split('\n').map(plainLine).join('\n');
}

function plainLine(line: string): string {
  let shown = line.slice(line.lastIndexOf('\r') + 1);
  while (/[^\x08]\x08/.test(shown)) shown = shown.replace(/[^\x08]\x08/, '');
  return shown.replaceAll('\b', '');
}
