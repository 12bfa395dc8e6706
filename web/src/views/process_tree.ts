export interface ProcessRow {
  pid: number
  ppid: number | null
  name?: string | null
  start: string | null
  user?: string | null
  effective_uid?: number | null
  command_line: string | null
  executable_deleted?: boolean
  hidden?: boolean
  container_id?: string | null
  pod?: { name: string | null; namespace: string | null } | null
}

/**
 * Children behind their parents, by number. Evidence may claim any depth, and that processes are each
 * other's ancestors: every one comes once, without recursion.
 */
export function inTreeOrder(rows: ProcessRow[]): { row: ProcessRow; depth: number }[] {
  const sorted = [...rows].sort((a, b) => a.pid - b.pid)
  const pids = new Set(sorted.map((row) => row.pid))
  const children = new Map<number, ProcessRow[]>()
  const roots: ProcessRow[] = []
  for (const row of sorted) {
    if (row.ppid !== null && row.ppid !== row.pid && pids.has(row.ppid)) {
      children.set(row.ppid, [...(children.get(row.ppid) ?? []), row])
    } else {
      roots.push(row)
    }
  }
  const seen = new Set<ProcessRow>()
  const ordered: { row: ProcessRow; depth: number }[] = []
  const take = (start: ProcessRow[]) => {
    const waiting = [...start].reverse().map((row) => ({ row, depth: 0 }))
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      if (seen.has(next.row)) continue
      seen.add(next.row)
      ordered.push(next)
      for (const child of [...(children.get(next.row.pid) ?? [])].reverse()) waiting.push({ row: child, depth: next.depth + 1 })
    }
  }
  take(roots)
  for (const row of sorted) if (!seen.has(row)) take([row])
  return ordered
}
