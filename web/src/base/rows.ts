// Where the rows of a long list are. A browser cannot make an element taller than some 30 million
// pixels: beyond MOST_PIXELS the scroll bar stands for the whole and the wheel moves by rows.

export const MOST_PIXELS = 8_000_000

export interface Geometry {
  total: number // rows
  rowPixels: number
  viewPixels: number
}

export function heightOf(g: Geometry): number {
  return Math.min(g.total * g.rowPixels, MOST_PIXELS)
}

export function isScaled(g: Geometry): boolean {
  return g.total * g.rowPixels > MOST_PIXELS
}

/** The greatest first row: the last rows fill the view. */
export function lastTop(g: Geometry): number {
  return Math.max(0, g.total - g.viewPixels / g.rowPixels)
}

/** The row (with a fraction) at the top when the list is scrolled to `scrollTop`. */
export function topRow(g: Geometry, scrollTop: number): number {
  if (!isScaled(g)) return Math.min(scrollTop / g.rowPixels, lastTop(g))
  const most = heightOf(g) - g.viewPixels
  return most <= 0 ? 0 : (Math.min(Math.max(scrollTop, 0), most) / most) * lastTop(g)
}

/** Where to scroll to for that row at the top. */
export function scrollTopOf(g: Geometry, row: number): number {
  const top = Math.min(Math.max(row, 0), lastTop(g))
  if (!isScaled(g)) return top * g.rowPixels
  const end = lastTop(g)
  return end === 0 ? 0 : (top / end) * (heightOf(g) - g.viewPixels)
}

/** The first and the one behind the last row that the view shows. */
export function shownRows(g: Geometry, top: number): [number, number] {
  const first = Math.floor(top)
  return [first, Math.min(g.total, first + Math.ceil(g.viewPixels / g.rowPixels) + 1)]
}
