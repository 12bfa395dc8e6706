import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { get, post } from './client'
import type { AnnotationState, CaseInfo, Container, EventRow, Facets, Finding, Histogram, Marks } from './types'

/** Which events: what the address of the timeline says. */
export interface Selection {
  query: string
  from: string
  to: string
  mark: string
}

const FOREVER = { staleTime: Infinity, gcTime: Infinity }
// Rows of the timeline that are out of sight are forgotten soon: ten million do not fit.
const ROWS_KEPT_MS = 20_000

export const useCase = () => useQuery({ queryKey: ['case'], queryFn: () => get<CaseInfo>('/case'), ...FOREVER })

export const useFindings = (enabled = true) =>
  useQuery({
    enabled,
    queryKey: ['findings'],
    queryFn: async () => (await get<{ findings: Finding[] }>('/findings')).findings,
    ...FOREVER,
  })

export const useContainers = (enabled = true) =>
  useQuery({
    enabled,
    queryKey: ['containers'],
    queryFn: async () => (await get<{ containers: Container[] }>('/containers')).containers,
    ...FOREVER,
  })

export function useHistogram(selection: Selection) {
  return useQuery({
    queryKey: ['histogram', selection],
    queryFn: ({ signal }) => get<Histogram>('/events/histogram', { ...selection, bars: 240 }, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  })
}

export function useFacets(selection: Selection, columns: string[], size = 8) {
  return useQuery({
    queryKey: ['facets', selection, columns, size],
    queryFn: async ({ signal }) =>
      (await get<{ facets: Facets }>('/events/facets', { ...selection, columns: columns.join(','), size }, signal)).facets,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    enabled: columns.length > 0,
  })
}

export const PAGE_ROWS = 200

export function pageQuery(selection: Selection, columns: string[], reverse: boolean, page: number) {
  return {
    queryKey: ['events', selection, columns.join(), reverse, page],
    queryFn: async ({ signal }: { signal: AbortSignal }) =>
      (
        await get<{ rows: EventRow[] }>(
          '/events',
          { ...selection, columns: columns.join(','), reverse, offset: page * PAGE_ROWS, limit: PAGE_ROWS },
          signal,
        )
      ).rows,
    staleTime: Infinity,
    gcTime: ROWS_KEPT_MS,
  }
}

export function useEvent(id: string | null) {
  return useQuery({
    queryKey: ['event', id],
    queryFn: ({ signal }) => get<EventRow>(`/events/${id}`, {}, signal),
    enabled: !!id,
    staleTime: Infinity,
  })
}

const NO_MARKS: Marks = { star: false, colour: '', tags: [], comments: [] }

export function useAnnotations() {
  return useQuery({ queryKey: ['annotations'], queryFn: () => get<AnnotationState>('/annotations'), staleTime: Infinity })
}

export function marksOf(state: AnnotationState | undefined, target: string): Marks {
  return state?.targets[target] ?? NO_MARKS
}

export interface Change {
  kind: 'star' | 'tag' | 'untag' | 'colour' | 'comment' | 'finding' | 'search' | 'notes'
  targets: string[]
  value: unknown
}

export function useAnnotate() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (change: Change) => post('/annotations', change),
    onSettled: () => client.invalidateQueries({ queryKey: ['annotations'] }),
  })
}
