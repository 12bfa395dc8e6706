// The bars of a histogram.

/** The part of the bars in which most rows lie: [first, behind the last], or null when they are spread out. */
export function busiest(bars: number[], share = 0.8, mostOfWidth = 0.1): [number, number] | null {
  const total = bars.reduce((sum, count) => sum + count, 0)
  if (total === 0 || bars.length < 10) return null
  let best: [number, number] | null = null
  let sum = 0
  let first = 0
  for (let end = 1; end <= bars.length; end += 1) {
    sum += bars[end - 1] ?? 0
    while (sum - (bars[first] ?? 0) >= share * total) {
      sum -= bars[first] ?? 0
      first += 1
    }
    if (sum >= share * total && (best === null || end - first < best[1] - best[0])) best = [first, end]
  }
  return best !== null && best[1] - best[0] <= mostOfWidth * bars.length ? best : null
}
