// Bytes as people read them.

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i)
  return bytes
}

export interface HexLine {
  offset: string
  hex: string
  text: string
}

const PER_LINE = 16

/** Lines of sixteen bytes: offset, hexadecimal with a gap in the middle, printable ASCII. */
export function hexLines(bytes: Uint8Array, start = 0): HexLine[] {
  const lines: HexLine[] = []
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const part = bytes.subarray(at, at + PER_LINE)
    let hex = ''
    let text = ''
    for (let i = 0; i < PER_LINE; i += 1) {
      const byte = part[i]
      if (i === PER_LINE / 2) hex += ' '
      hex += (byte === undefined ? '  ' : byte.toString(16).padStart(2, '0')) + ' '
      if (byte !== undefined) text += byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·'
    }
    lines.push({ offset: (start + at).toString(16).padStart(8, '0'), hex: hex.trimEnd(), text })
  }
  return lines
}
