// The rows of the timeline: those in sight, out of any number.
import { useQueries } from '@tanstack/react-query'
import { memo, useCallback, useEffect, useRef, useState } from 'react'
import type { CSSProperties, Ref } from 'react'
import { marksOf, PAGE_ROWS, pageQuery, useAnnotate, useAnnotations } from '../api/hooks'
import type { Selection } from '../api/hooks'
import type { EventRow, Marks } from '../api/types'
import { visible } from '../base/text'
import { LongList } from '../widgets/LongList'
import type { LongListHandle } from '../widgets/LongList'
import { Star, Time } from '../widgets/values'

const WIDTHS: Record<string, string> = {
  time: '200px',
  source: '100px',
  user_name: '150px',
  action: '90px',
  outcome: '80px',
  namespace: '110px',
  status_code: '60px',
  message: 'minmax(320px, 1fr)',
}
const STANDARD_WIDTH = '130px'
const STAR_PIXELS = 26
const GAP_PIXELS = 8

export interface LoadedRows {
  at: (index: number) => EventRow | undefined
  onShown: (first: number, end: number) => void
}

/** The pages of rows in sight, loaded as they come into it. */
export function useRows(selection: Selection, columns: string[], reverse: boolean, total: number): LoadedRows {
  const [pages, setPages] = useState<[number, number]>([0, 0])
  const onShown = useCallback((first: number, end: number) => {
    const from = Math.floor(first / PAGE_ROWS)
    const to = Math.floor(Math.max(end - 1, 0) / PAGE_ROWS)
    setPages((before) => (before[0] === from && before[1] === to ? before : [from, to]))
  }, [])
  const wanted: number[] = []
  for (let page = pages[0]; page <= pages[1]; page += 1) wanted.push(page)
  const loaded = useQueries({
    queries: total > 0 ? wanted.map((page) => pageQuery(selection, columns, reverse, page)) : [],
  })
  return {
    at: (index) => loaded[Math.floor(index / PAGE_ROWS) - pages[0]]?.data?.[index % PAGE_ROWS],
    onShown,
  }
}

interface LineProps {
  index: number
  row: EventRow | undefined
  marks: Marks | undefined
  columns: string[]
  template: string
  selected: boolean
  onOpen: (index: number) => void
  onStar: (id: string, on: boolean) => void
}

const Line = memo(function Line({ index, row, marks, columns, template, selected, onOpen, onStar }: LineProps) {
  return (
    <div
      role="row"
      aria-rowindex={index + 1}
      aria-selected={selected}
      className={`row${selected ? ' selected' : ''}${marks?.colour ? ` colour-${marks.colour}` : ''}`}
      style={{ gridTemplateColumns: template }}
      onClick={() => onOpen(index)}
    >
      {row ? (
        <>
          <span role="gridcell">
            <Star on={marks?.star ?? false} onClick={() => onStar(row.id, !marks?.star)} />
          </span>
          {columns.map((name) => (
            <span key={name} role="gridcell" title={name === 'time' ? undefined : String(row[name] ?? '')}>
              {name === 'time' ? <Time value={row.time} /> : visible(String(row[name] ?? ''))}
              {name === 'message' && marks && (marks.tags.length > 0 || marks.comments.length > 0) && (
                <span className="row-marks">
                  {marks.tags.map((one) => ` #${visible(one)}`)}
                  {marks.comments.length > 0 && ` 💬${marks.comments.length}`}
                </span>
              )}
            </span>
          ))}
        </>
      ) : (
        <span className="dim" role="gridcell">
          …
        </span>
      )}
    </div>
  )
})

interface Props {
  listRef: Ref<LongListHandle>
  rows: LoadedRows
  total: number
  columns: string[]
  selected: number | null
  onOpen: (index: number) => void
}

export function EventRows({ listRef, rows, total, columns, selected, onOpen }: Props) {
  const annotations = useAnnotations()
  const annotate = useAnnotate()
  // The same functions for all time, as lines that stay what they are should not be made again.
  const latest = useRef({ onOpen, star: annotate.mutate })
  useEffect(() => {
    latest.current = { onOpen, star: annotate.mutate }
  })
  const open = useCallback((index: number) => latest.current.onOpen(index), [])
  const star = useCallback(
    (id: string, on: boolean) => latest.current.star({ kind: 'star', targets: [`event:${id}`], value: on }),
    [],
  )
  const widths = columns.map((name) => WIDTHS[name] ?? STANDARD_WIDTH)
  const template = [`${STAR_PIXELS}px`, ...widths].join(' ')
  // The columns, the gaps between them and the padding of a row.
  const width = widths.reduce((sum, one) => sum + GAP_PIXELS + Number(/\d+/.exec(one)?.[0]), STAR_PIXELS + 2 * GAP_PIXELS)
  return (
    <div className="rows-grid" style={{ '--rows-width': `${width}px` } as CSSProperties} role="grid" aria-label="events" aria-rowcount={total}>
      <div role="rowgroup">
        <div className="row row-head" style={{ gridTemplateColumns: template }} role="row">
          <span role="columnheader" aria-label="star" />
          {columns.map((name) => (
            <span key={name} role="columnheader">
              {name}
            </span>
          ))}
        </div>
      </div>
      <LongList
        ref={listRef}
        total={total}
        onShown={rows.onShown}
        row={(index) => {
          const row = rows.at(index)
          const marks = row ? marksOf(annotations.data, `event:${row.id}`) : undefined
          return (
            <Line
              index={index}
              row={row}
              marks={marks}
              columns={columns}
              template={template}
              selected={selected === index}
              onOpen={open}
              onStar={star}
            />
          )
        }}
      />
    </div>
  )
}
