import { describe, expect, it } from 'vitest'
import type { DiffRow } from './diff'
import { diffLines, nearChanges } from './diff'

// The rows must be both texts whole, in order, and "same" must be true.
function check(left: string[], right: string[]): DiffRow[] {
  const rows = diffLines(left, right)
  expect(rows.flatMap((row) => (row.left === null ? [] : [row.left]))).toEqual(left.map((_, i) => i))
  expect(rows.flatMap((row) => (row.right === null ? [] : [row.right]))).toEqual(right.map((_, i) => i))
  for (const row of rows) {
    if (row.kind === 'same') expect(left[row.left ?? -1]).toBe(right[row.right ?? -1])
    if (row.kind === 'removed') expect(row.right).toBeNull()
    if (row.kind === 'added') expect(row.left).toBeNull()
  }
  return rows
}

// The length of the longest common list of lines, by the textbook's table.
function longest(left: string[], right: string[]): number {
  let row = new Array<number>(right.length + 1).fill(0)
  for (const a of left) {
    const next = [0]
    right.forEach((b, j) => next.push(a === b ? (row[j] ?? 0) + 1 : Math.max(row[j + 1] ?? 0, next[j] ?? 0)))
    row = next
  }
  return row[right.length] ?? 0
}

const kinds = (rows: DiffRow[]) => rows.map((row) => row.kind)

describe('diffLines', () => {
  it('puts what was replaced beside what replaced it', () => {
    expect(kinds(check(['a', 'b', 'c'], ['a', 'x', 'c']))).toEqual(['same', 'changed', 'same'])
    expect(kinds(check(['a', 'c'], ['a', 'b', 'c']))).toEqual(['same', 'added', 'same'])
    expect(kinds(check(['a', 'b', 'c'], ['c']))).toEqual(['removed', 'removed', 'same'])
    expect(kinds(check([], ['a']))).toEqual(['added'])
    expect(check([], [])).toEqual([])
    expect(kinds(check(['a', 'a'], ['a', 'a']))).toEqual(['same', 'same'])
  })
  it('finds as many equal lines as there are', () => {
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648
      return Math.floor(seed / 65536) % below
    }
    for (let round = 0; round < 300; round += 1) {
      const letters = 1 + random(4)
      const left = Array.from({ length: random(14) }, () => String(random(letters)))
      const right = Array.from({ length: random(14) }, () => String(random(letters)))
      const rows = check(left, right)
      expect(rows.filter((row) => row.kind === 'same').length).toBe(longest(left, right))
    }
  })
  it('has an end where everything differs', () => {
    const left = Array.from({ length: 20000 }, (_, i) => `left ${i}`)
    const right = Array.from({ length: 20000 }, (_, i) => `right ${i}`)
    const rows = check(['first', ...left, 'last'], ['first', ...right, 'last'])
    expect(rows.length).toBe(20002)
    expect(rows[0]?.kind).toBe('same')
    expect(rows[1]?.kind).toBe('changed')
    expect(rows[20001]?.kind).toBe('same')
  })
})

describe('nearChanges', () => {
  it('leaves out what is far from any', () => {
    const left = Array.from({ length: 20 }, (_, i) => String(i))
    const right = left.map((line) => (line === '10' ? 'x' : line))
    const shown = nearChanges(diffLines(left, right), 2)
    expect(shown[0]).toBe(8)
    expect(shown.length).toBe(7)
    expect(shown[6]).toBe(7)
    expect(nearChanges(diffLines(left, left), 2)).toEqual([20])
  })
})
