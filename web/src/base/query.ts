// Pieces of the search language (docs/search.md), as the page writes them.

/** field:"value", quoted so that it means just that. */
export function term(field: string, value: string): string {
  return `${field}:"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`
}

/** Rows without a value in a field. */
export function missing(field: string): string {
  return `NOT _exists_:${field}`
}

function wrapped(query: string): string {
  return /\bOR\b/.test(query) ? `(${query})` : query
}

/** `query`, and besides it `more`. */
export function and(query: string, more: string): string {
  const trimmed = query.trim()
  if (trimmed === '' || trimmed === '*') return more
  if (trimmed.includes(more)) return trimmed
  return `${wrapped(trimmed)} AND ${more}`
}

/** `query` without rows that fit `more`. */
export function andNot(query: string, more: string): string {
  return and(query, more.startsWith('NOT ') ? more.slice(4) : `NOT ${more}`)
}

export interface Word {
  start: number
  end: number
  /** Before the colon; empty when there is none. */
  field: string
  /** What is being typed, behind the colon or the whole word, without an opening quote. */
  text: string
}

/** The word of a query that the caret is in or behind. */
export function wordAt(query: string, caret: number): Word {
  let start = 0
  let quoted = false
  for (let i = 0; i < caret; i += 1) {
    const c = query[i]
    if (c === '\\') {
      i += 1
      continue
    }
    if (c === '"') quoted = !quoted
    if (!quoted && (c === ' ' || c === '(' || c === ')')) start = i + 1
  }
  const word = query.slice(start, caret)
  const colon = word.indexOf(':')
  const field = colon < 0 ? '' : word.slice(0, colon)
  const text = (colon < 0 ? word : word.slice(colon + 1)).replace(/^"/, '')
  return { start, end: caret, field, text }
}
