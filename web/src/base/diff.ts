// What changed between two lists of lines: Myers' algorithm ("An O(ND) Difference Algorithm and Its
// Variations", 1986), with a bound on how different they may be.

/** One row of two versions side by side: numbers of lines from 0, null where a side has none. */
export interface DiffRow {
  left: number | null
  right: number | null
  kind: 'same' | 'changed' | 'removed' | 'added'
}

// More differences than that are shown as one change of everything between the first and the last.
const MOST_EDITS = 1500

/** Pairs of equal lines in order, by number: the longest such list, unless there is too much to compare. */
function equalLines(left: string[], right: string[], from: number, leftEnd: number, rightEnd: number): [number, number][] {
  const n = leftEnd - from
  const m = rightEnd - from
  const most = Math.min(n + m, MOST_EDITS)
  const at = new Int32Array(2 * most + 3)
  const middle = most + 1
  const trace: Int32Array[] = []
  for (let edits = 0; edits <= most; edits += 1) {
    trace.push(at.slice(middle - edits - 1, middle + edits + 2))
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && (at[middle + k - 1] ?? 0) < (at[middle + k + 1] ?? 0))
      let x = down ? (at[middle + k + 1] ?? 0) : (at[middle + k - 1] ?? 0) + 1
      let y = x - k
      while (x < n && y < m && left[from + x] === right[from + y]) {
        x += 1
        y += 1
      }
      at[middle + k] = x
      if (x >= n && y >= m) return backwards(trace, n, m, from)
    }
  }
  return []
}

function backwards(trace: Int32Array[], n: number, m: number, from: number): [number, number][] {
  const pairs: [number, number][] = []
  let x = n
  let y = m
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    // trace[edits] has the diagonals -edits - 1 to edits + 1.
    const before = (k: number) => trace[edits]?.[k + edits + 1] ?? 0
    const k = x - y
    const down = k === -edits || (k !== edits && before(k - 1) < before(k + 1))
    const previousK = down ? k + 1 : k - 1
    const previousX = edits === 0 ? 0 : before(previousK)
    const previousY = edits === 0 ? 0 : previousX - previousK
    while (x > previousX && y > previousY) {
      x -= 1
      y -= 1
      pairs.push([from + x, from + y])
    }
    x = previousX
    y = previousY
  }
  return pairs.reverse()
}

/** The rows of both, in order. What was replaced stands beside what replaced it. */
export function diffLines(left: string[], right: string[]): DiffRow[] {
  const shorter = Math.min(left.length, right.length)
  let start = 0
  while (start < shorter && left[start] === right[start]) start += 1
  let tail = 0
  while (tail < shorter - start && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail += 1
  const pairs: [number, number][] = []
  for (let i = 0; i < start; i += 1) pairs.push([i, i])
  pairs.push(...equalLines(left, right, start, left.length - tail, right.length - tail))
  for (let i = tail; i > 0; i -= 1) pairs.push([left.length - i, right.length - i])

  const rows: DiffRow[] = []
  let atLeft = 0
  let atRight = 0
  const upTo = (leftEnd: number, rightEnd: number) => {
    while (atLeft < leftEnd && atRight < rightEnd) rows.push({ left: atLeft++, right: atRight++, kind: 'changed' })
    while (atLeft < leftEnd) rows.push({ left: atLeft++, right: null, kind: 'removed' })
    while (atRight < rightEnd) rows.push({ left: null, right: atRight++, kind: 'added' })
  }
  for (const [leftLine, rightLine] of pairs) {
    upTo(leftLine, rightLine)
    rows.push({ left: atLeft++, right: atRight++, kind: 'same' })
  }
  upTo(left.length, right.length)
  return rows
}

/** Rows with so many equal ones around each change; a number says how many are left out there. */
export function nearChanges(rows: DiffRow[], around: number): (DiffRow | number)[] {
  const near = new Uint8Array(rows.length)
  rows.forEach((row, index) => {
    if (row.kind === 'same') return
    for (let i = Math.max(0, index - around); i <= Math.min(rows.length - 1, index + around); i += 1) near[i] = 1
  })
  const shown: (DiffRow | number)[] = []
  rows.forEach((row, index) => {
    const last = shown[shown.length - 1]
    if (near[index]) shown.push(row)
    else if (typeof last === 'number') shown[shown.length - 1] = last + 1
    else shown.push(1)
  })
  return shown
}
