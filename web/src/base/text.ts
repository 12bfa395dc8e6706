// How values look.

/** "2026-11-24 21:40:24.494101" of an RFC 3339 text with nanoseconds; trailing zeros are cut. */
export function utcText(time: string): string {
  const match = /^(.*?)T(.*?)(?:\.(\d+))?Z$/.exec(time)
  if (!match) return time
  const digits = (match[3] ?? '').replace(/0+$/, '')
  const fraction = digits === '' ? '' : '.' + digits.padEnd(digits.length <= 3 ? 3 : digits.length <= 6 ? 6 : 9, '0')
  return `${match[1]} ${match[2]}${fraction}`
}

// Made once: making one takes longer than formatting a row.
const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })
const COUNT = new Intl.NumberFormat('en-US')

/** The same moment by this machine's clock and zone. */
export function localText(time: string): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? '' : LOCAL.format(date)
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function bytesText(bytes: number): string {
  let unit = 0
  let value = bytes
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${UNITS[unit]}`
}

/** At most so many characters: of a path or a name with slashes its end, of others both ends. */
export function shortened(text: string, most: number): string {
  const characters = [...text]
  if (characters.length <= most) return text
  if (text.includes('/')) return '…' + characters.slice(characters.length - most + 1).join('')
  const head = Math.ceil((most - 1) / 2)
  return characters.slice(0, head).join('') + '…' + characters.slice(characters.length - (most - 1 - head)).join('')
}

export function countText(count: number): string {
  return COUNT.format(count)
}

/** "1 event", "2 events" */
export function plural(count: number, one: string, many = one + 's'): string {
  return `${countText(count)} ${count === 1 ? one : many}`
}

/**
 * Control characters and marks that turn the direction of text are shown as what they are: names come
 * from whoever wrote the evidence.
 */
export function visible(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (c) => {
    const code = c.codePointAt(0) ?? 0
    return `\\u{${code.toString(16).padStart(2, '0')}}`
  })
}

/** "-rwxr-xr-x" of a type letter and an octal mode. */
export function modeText(type: string, mode: string): string {
  const bits = Number.parseInt(mode, 8)
  const letter = type === 'f' ? '-' : type
  let text = ''
  for (let shift = 6; shift >= 0; shift -= 3) {
    const three = (bits >> shift) & 7
    text += (three & 4 ? 'r' : '-') + (three & 2 ? 'w' : '-') + (three & 1 ? 'x' : '-')
  }
  const special = (at: number, on: boolean, set: string) => {
    if (!on) return
    const under = text[at] === 'x' ? set : set.toUpperCase()
    text = text.slice(0, at) + under + text.slice(at + 1)
  }
  special(2, (bits & 0o4000) !== 0, 's')
  special(5, (bits & 0o2000) !== 0, 's')
  special(8, (bits & 0o1000) !== 0, 't')
  return letter + text
}

/** A record as found, indented when it is JSON. */
export function pretty(record: string): string {
  try {
    return JSON.stringify(JSON.parse(record), null, 2)
  } catch {
    return record
  }
}
