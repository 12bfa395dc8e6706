import { expect, it } from 'vitest'
import { inTreeOrder } from './process_tree'
import type { ProcessRow } from './process_tree'

const row = (pid: number, ppid: number | null): ProcessRow => ({ pid, ppid, start: null, command_line: `p${pid}` })
const shape = (rows: ProcessRow[]) => inTreeOrder(rows).map(({ row: one, depth }) => [one.pid, depth])

it('puts children behind their parents', () => {
  expect(shape([row(7, 3), row(1, 0), row(3, 1), row(5, 1), row(9, 3)])).toEqual([
    [1, 0],
    [3, 1],
    [7, 2],
    [9, 2],
    [5, 1],
  ])
})

it('shows each once, also those that are each other’s ancestors', () => {
  expect(shape([row(1, 0), row(4, 5), row(5, 4), row(6, 6)]).map(([pid]) => pid).sort()).toEqual([1, 4, 5, 6])
})

it('does not recurse', () => {
  const chain = Array.from({ length: 50_000 }, (_, i) => row(i + 1, i))
  expect(inTreeOrder(chain)).toHaveLength(50_000)
})
