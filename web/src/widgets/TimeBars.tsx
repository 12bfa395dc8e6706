// How the events of a selection lie in time: a histogram with a first bar. Drag to zoom.
import { useComputedColorScheme } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { useEffect, useRef } from 'react'
import type { RefObject } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Histogram } from '../api/types'
import { countText } from '../base/text'

const HEIGHT = 108
// Few events beside many must still be seen.
const LEAST_SHARE = 0.03

/** A moment (seconds since 1970) below an axis whose marks are so many seconds apart. */
function axisText(seconds: number, step: number): string {
  const text = new Date(seconds * 1000).toISOString()
  if (step >= 86_400) return text.slice(0, 10)
  if (step >= 60) return `${text.slice(5, 10)} ${text.slice(11, 16)}`
  return step >= 1 ? text.slice(11, 19) : text.slice(11, 23)
}

/** When each bar begins (seconds since 1970), and how high it is. */
function barsOf(data: Histogram): uPlot.AlignedData {
  const start = Date.parse(data.first ?? '') / 1000
  const step = data.width_ns / 1e9
  const most = Math.max(...data.bars)
  return [data.bars.map((_, i) => start + i * step), data.bars.map((count) => (count === 0 ? null : Math.max(count, most * LEAST_SHARE)))]
}

export function TimeBars({ data, onZoom }: { data: Histogram; onZoom: (from: string, to: string) => void }) {
  const { ref: sized, width } = useElementSize<HTMLDivElement>()
  const ref = sized as RefObject<HTMLDivElement>
  const zoom = useRef(onZoom)
  zoom.current = onZoom
  const dark = useComputedColorScheme('dark') === 'dark'

  // Drawn again with other numbers: a canvas for each histogram would stay in memory for long.
  const shown = useRef(data)
  shown.current = data
  const plot = useRef<uPlot | null>(null)
  const isSized = width > 0
  useEffect(() => {
    const element = ref.current
    if (!element || !isSized) return
    const legend = document.createElement('div')
    legend.className = 'bar-label mono'
    const start = () => Date.parse(shown.current.first ?? '') / 1000
    const step = () => shown.current.width_ns / 1e9
    const ink = dark ? '#9aa7b0' : '#53606a'
    const bars = dark ? '#2f9e91' : '#12857a'
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
        scales: {
          x: { time: true, range: () => [start() - step() / 2, start() + step() * shown.current.bars.length] },
          y: { range: () => [0, Math.max(...shown.current.bars) * 1.08] },
        },
        axes: [
          { stroke: ink, grid: { show: false }, ticks: { stroke: ink, width: 1, size: 4 }, size: 30, space: 110, font: '11px system-ui', values: (_, splits, __, ___, step) => splits.map((at) => axisText(at, step)) },
          { show: false },
        ],
        series: [
          {},
          {
            fill: bars,
            stroke: bars,
            width: 0,
            points: { show: false },
            paths: uPlot.paths.bars?.({ size: [0.9, 24, 2], align: 1 }),
          },
        ],
        hooks: {
          setSelect: [
            (u) => {
              if (u.select.width < 3) return
              const from = u.posToVal(u.select.left, 'x')
              const to = u.posToVal(u.select.left + u.select.width, 'x')
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
              zoom.current(new Date(from * 1000).toISOString(), new Date(Math.ceil(to * 1000)).toISOString())
            },
          ],
          setCursor: [
            (u) => {
              const at = u.cursor.idx
              const count = typeof at === 'number' ? shown.current.bars[at] : undefined
              legend.textContent =
                typeof at === 'number' && count !== undefined
                  ? `${new Date((start() + at * step()) * 1000).toISOString().replace('T', ' ').slice(0, 19)}  ${countText(count)}`
                  : ''
            },
          ],
        },
      },
      barsOf(shown.current),
      element,
    )
    element.append(legend)
    plot.current = made
    return () => {
      plot.current = null
      made.destroy()
      legend.remove()
    }
  }, [dark, isSized, ref])
  useEffect(() => plot.current?.setData(barsOf(data)), [data])
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: HEIGHT })
  }, [width])

  const label = `histogram of ${countText(data.total)} events${data.first ? ` from ${data.first} to ${data.last}` : ''}`
  return <div ref={ref} className="bars" role="img" aria-label={label} style={{ height: HEIGHT }} />
}
