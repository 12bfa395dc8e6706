// Rows of which there may be ten million: only those in sight are in the page. It is the body of a grid.
import { useElementSize } from '@mantine/hooks'
import { forwardRef, Fragment, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { heightOf, isScaled, scrollTopOf, shownRows, topRow } from '../base/rows'
import type { Geometry } from '../base/rows'

export const ROW_PIXELS = 27

export interface LongListHandle {
  /** Scrolls, if it must, until the row is in sight. */
  show: (row: number) => void
}

interface Props {
  total: number
  row: (index: number) => ReactNode
  onShown?: (first: number, end: number) => void
}

export const LongList = forwardRef<LongListHandle, Props>(function LongList({ total, row, onShown }, handle) {
  const { ref, height } = useElementSize<HTMLDivElement>()
  const scroller = useRef<HTMLDivElement | null>(null)
  const [top, setTop] = useState(0)
  // The scroll position that we set ourselves: not to be read back as a row, which would round it.
  const own = useRef<number | null>(null)
  const geometry: Geometry = { total, rowPixels: ROW_PIXELS, viewPixels: Math.max(height, ROW_PIXELS) }
  const kept = useRef(geometry)
  kept.current = geometry

  const moveTo = useCallback((wanted: number) => {
    const g = kept.current
    const at = scrollTopOf(g, wanted)
    own.current = Math.round(at)
    if (scroller.current) scroller.current.scrollTop = at
    setTop(Math.min(Math.max(wanted, 0), Math.max(0, g.total - g.viewPixels / g.rowPixels)))
  }, [])

  useImperativeHandle(handle, () => ({
    show(index: number) {
      const g = kept.current
      const rows = g.viewPixels / g.rowPixels
      setTop((now) => {
        if (index >= now && index + 1 <= now + rows) return now
        const wanted = index < now || rows < 6 ? index - 2 : index - rows + 3
        queueMicrotask(() => moveTo(wanted))
        return now
      })
    },
  }))

  useEffect(() => {
    const element = scroller.current
    if (!element) return
    const onWheel = (event: WheelEvent) => {
      const g = kept.current
      if (!isScaled(g) || event.ctrlKey) return
      event.preventDefault()
      const pixels = event.deltaMode === 1 ? event.deltaY * ROW_PIXELS : event.deltaY
      setTop((now) => {
        const wanted = now + pixels / ROW_PIXELS
        queueMicrotask(() => moveTo(wanted))
        return now
      })
    }
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => element.removeEventListener('wheel', onWheel)
  }, [moveTo])

  const [first, end] = shownRows(geometry, top)
  useLayoutEffect(() => onShown?.(first, end), [first, end, onShown])

  // A row that leaves on one side becomes the one that comes in on the other: no elements are made while it scrolls.
  const slots = Math.ceil(geometry.viewPixels / ROW_PIXELS) + 2
  const rows: ReactNode[] = []
  for (let i = first; i < end; i += 1) rows.push(<Fragment key={i % slots}>{row(i)}</Fragment>)
  return (
    <div
      ref={(element) => {
        scroller.current = element
        ;(ref as { current: HTMLDivElement | null }).current = element
      }}
      className="long-list"
      role="rowgroup"
      tabIndex={0}
      onScroll={(event) => {
        const at = event.currentTarget.scrollTop
        if (own.current !== null && Math.abs(at - own.current) < 2) {
          own.current = null
          return
        }
        own.current = null
        setTop(topRow(kept.current, at))
      }}
    >
      <div style={{ height: heightOf(geometry) }} className="long-space">
        <div className="long-rows" style={{ height: Math.min(geometry.viewPixels, heightOf(geometry)) }}>
          <div style={{ transform: `translateY(${-(top - first) * ROW_PIXELS}px)` }}>{rows}</div>
        </div>
      </div>
    </div>
  )
})
