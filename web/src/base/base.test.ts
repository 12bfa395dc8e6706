import { describe, expect, it } from 'vitest'
import { busiest } from './bars'
import { hexLines, fromBase64 } from './hex'
import { and, andNot, missing, term, wordAt } from './query'
import { hrefOf, withValues } from './router'
import { heightOf, isScaled, MOST_PIXELS, scrollTopOf, shownRows, topRow } from './rows'
import { bytesText, modeText, plural, pretty, shortened, utcText, visible } from './text'

describe('text', () => {
  it('shows a time in UTC, its digits in threes', () => {
    expect(utcText('2026-11-24T21:40:24.494101000Z')).toBe('2026-11-24 21:40:24.494101')
    expect(utcText('2026-11-24T21:40:24.000000000Z')).toBe('2026-11-24 21:40:24')
    expect(utcText('2026-11-24T21:40:24.100000000Z')).toBe('2026-11-24 21:40:24.100')
    expect(utcText('nonsense')).toBe('nonsense')
  })
  it('shortens what is long, and leaves what tells it apart', () => {
    expect(shortened('short', 10)).toBe('short')
    expect(shortened('/var/lib/kubelet/pods/x/kdevtmpfsi', 12)).toBe('…/kdevtmpfsi')
    expect(shortened('abcdefghijklmnop', 7)).toBe('abc…nop')
    expect([...shortened('😀'.repeat(20), 7)].length).toBe(7)
  })
  it('lets no name hide or turn text around', () => {
    expect(visible('a\u202egnp.exe')).toBe('a\\u{202e}gnp.exe')
    expect(visible('x\u0000\u001b[31m\u200b')).toBe('x\\u{00}\\u{1b}[31m\\u{200b}')
    expect(visible('plain\nlines\tstay')).toBe('plain\nlines\tstay')
  })
  it('writes modes as ls does', () => {
    expect(modeText('f', '755')).toBe('-rwxr-xr-x')
    expect(modeText('f', '4755')).toBe('-rwsr-xr-x')
    expect(modeText('f', '6644')).toBe('-rwSr-Sr--')
    expect(modeText('d', '1777')).toBe('drwxrwxrwt')
    expect(modeText('l', '777')).toBe('lrwxrwxrwx')
  })
  it('counts bytes and things', () => {
    expect(bytesText(0)).toBe('0 B')
    expect(bytesText(1536)).toBe('1.5 KiB')
    expect(plural(1, 'event')).toBe('1 event')
    expect(plural(10000, 'process', 'processes')).toBe('10,000 processes')
  })
  it('indents JSON and leaves other records as they are', () => {
    expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}')
    expect(pretty('type=SYSCALL {')).toBe('type=SYSCALL {')
  })
})

describe('query', () => {
  it('quotes values', () => {
    expect(term('path', '/tmp/a "b"\\c')).toBe('path:"/tmp/a \\"b\\"\\\\c"')
    expect(missing('pod')).toBe('NOT _exists_:pod')
  })
  it('narrows a query', () => {
    expect(and('', 'a:"1"')).toBe('a:"1"')
    expect(and('*', 'a:"1"')).toBe('a:"1"')
    expect(and('x', 'a:"1"')).toBe('x AND a:"1"')
    expect(and('x OR y', 'a:"1"')).toBe('(x OR y) AND a:"1"')
    expect(and('a:"1"', 'a:"1"')).toBe('a:"1"')
    expect(andNot('x', 'a:"1"')).toBe('x AND NOT a:"1"')
    expect(andNot('x', missing('pod'))).toBe('x AND _exists_:pod')
  })
  it('finds the word that is being typed', () => {
    expect(wordAt('verb:create AND outc', 20)).toEqual({ start: 16, end: 20, field: '', text: 'outc' })
    expect(wordAt('(user_name:"ci d', 16)).toEqual({ start: 1, end: 16, field: 'user_name', text: 'ci d' })
    expect(wordAt('a b', 1)).toEqual({ start: 0, end: 1, field: '', text: 'a' })
  })
})

describe('router', () => {
  it('writes addresses without empty values', () => {
    expect(hrefOf('/timeline', { query: 'a:"1"', from: '', mark: null, reverse: true })).toBe('/timeline?query=a%3A%221%22&reverse=1')
    expect(hrefOf('/')).toBe('/')
    const place = { path: '/files', params: new URLSearchParams('of=host&path=/etc') }
    expect(withValues(place, { path: '/tmp', of: null })).toBe('/files?path=%2Ftmp')
  })
})

describe('hex', () => {
  it('writes sixteen bytes a line', () => {
    const lines = hexLines(fromBase64('f0VMRgIBAQAAAAAAAAAAAGE='), 32)
    expect(lines).toHaveLength(2)
    expect(lines[0]).toEqual({ offset: '00000020', hex: '7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00', text: '·ELF············' })
    expect(lines[1]?.hex).toBe('61')
    expect(hexLines(new Uint8Array())).toEqual([])
  })
})

describe('rows', () => {
  const small = { total: 100, rowPixels: 27, viewPixels: 270 }
  const large = { total: 10_000_000, rowPixels: 27, viewPixels: 540 }
  it('are pixels while a browser can have so many', () => {
    expect(isScaled(small)).toBe(false)
    expect(heightOf(small)).toBe(2700)
    expect(topRow(small, 54)).toBe(2)
    expect(shownRows(small, 2)).toEqual([2, 13])
    expect(topRow(small, 999999)).toBe(90)
  })
  it('reach the first and the last of ten million', () => {
    expect(isScaled(large)).toBe(true)
    expect(heightOf(large)).toBe(MOST_PIXELS)
    expect(topRow(large, 0)).toBe(0)
    const [, end] = shownRows(large, topRow(large, MOST_PIXELS - large.viewPixels))
    expect(end).toBe(large.total)
    for (const row of [0, 1, 12345.5, 9_999_000]) expect(topRow(large, scrollTopOf(large, row))).toBeCloseTo(row, 3)
  })
})

describe('bars', () => {
  const quiet = new Array<number>(100).fill(0)
  it('lead to where most events are', () => {
    const bars = [...quiet]
    bars[0] = 1
    bars[97] = 500
    bars[98] = 400
    expect(busiest(bars)).toEqual([97, 99])
  })
  it('lead nowhere when events are spread out, few or none', () => {
    expect(busiest(quiet.map(() => 7))).toBeNull()
    expect(busiest(quiet)).toBeNull()
    expect(busiest([5])).toBeNull()
  })
})
