import { Button } from '@mantine/core'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { get } from '../api/client'
import { COLUMNS } from '../api/columns'
import { marksOf, useAnnotate, useAnnotations, useHistogram } from '../api/hooks'
import type { Selection } from '../api/hooks'
import { useKeys } from '../base/keys'
import { go, usePlace, withValues } from '../base/router'
import type { LongListHandle } from '../widgets/LongList'
import { Empty, Failed, Link, Waiting } from '../widgets/values'
import { EventPanel } from './EventPanel'
import { EventRows, useRows } from './EventRows'
import { FacetPanel } from './FacetPanel'
import { ChooseColumns, SaveSearch } from './TimelineDialogs'
import { TimelineHead } from './TimelineHead'

const STANDARD = ['time', 'source', 'user_name', 'action', 'outcome', 'message']
// Beside an open event there is no room for more.
const NARROW = ['time', 'source', 'message']

function NoEvents({ narrowed }: { narrowed: boolean }) {
  return (
    <Empty title="No event fits">
      {narrowed ? (
        <>
          Take something away: <Button size="compact-xs" variant="light" onClick={() => go('/timeline')}>show all events</Button>
        </>
      ) : (
        <>
          The case holds no events yet. <Link href="/ingest">Add logs or disks</Link>.
        </>
      )}
    </Empty>
  )
}

export function Timeline() {
  const place = usePlace()
  const value = (name: string) => place.params.get(name) ?? ''
  const selection: Selection = useMemo(
    () => ({
      query: place.params.get('query') ?? '',
      from: place.params.get('from') ?? '',
      to: place.params.get('to') ?? '',
      mark: place.params.get('mark') ?? '',
    }),
    [place.params.get('query'), place.params.get('from'), place.params.get('to'), place.params.get('mark')],
  )
  const reverse = value('reverse') === '1'
  const eventId = value('event') || null
  const columns = useMemo(() => {
    const named = (place.params.get('columns') ?? '').split(',').filter((name) => COLUMNS.some((column) => column.name === name))
    if (named.length > 0) return named
    return eventId ? NARROW : STANDARD
  }, [place.params.get('columns'), eventId === null])

  // The same functions for all time: what has not changed is not made again.
  const placeNow = useRef(place)
  placeNow.current = place
  const set = useCallback(
    (values: Record<string, string | boolean | null>, replace = false) => go(withValues(placeNow.current, values), replace),
    [],
  )
  const search = useCallback((query: string) => set({ query, event: null }), [set])

  const histogram = useHistogram(selection)
  const total = histogram.data?.total ?? 0
  const annotations = useAnnotations()
  const annotate = useAnnotate()

  const rows = useRows(selection, columns, reverse, total)
  const rowAt = rows.at

  // The row of the event in the address, once it is known.
  const [selected, setSelected] = useState<number | null>(null)
  const [sought, setSought] = useState<number | null>(null)
  const list = useRef<LongListHandle>(null)
  const known = useRef<string | null>(null)
  useEffect(() => {
    if (!eventId || known.current === eventId) return
    let current = true
    void get<{ position: number | null }>(`/events/${eventId}/position`, { ...selection, reverse }).then(
      ({ position }) => {
        if (!current || position === null) return
        known.current = eventId
        setSelected(position)
        setSought(position)
      },
      () => undefined,
    )
    return () => {
      current = false
    }
  }, [eventId, selection, reverse])
  // Once the list is there, and has its height.
  useEffect(() => {
    if (sought === null || total === 0) return
    const timer = window.setTimeout(() => {
      list.current?.show(sought)
      setSought(null)
    }, 50)
    return () => window.clearTimeout(timer)
  }, [sought, total])
  useEffect(() => {
    known.current = null
    if (!eventId) setSelected(null)
    // A new selection has other rows.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selection, reverse])

  const open = (index: number) => {
    const row = rowAt(index)
    setSelected(index)
    if (row) {
      known.current = row.id
      set({ event: row.id }, eventId !== null)
    }
  }
  const step = (by: number) => {
    const next = Math.min(Math.max((selected ?? -1) + by, 0), total - 1)
    if (total === 0) return
    setSelected(next)
    list.current?.show(next)
    const row = rowAt(next)
    if (eventId && row) {
      known.current = row.id
      set({ event: row.id }, true)
    }
  }
  const selectedRow = selected === null ? undefined : rowAt(selected)
  const target = eventId ?? selectedRow?.id
  const star = () => {
    if (!target) return
    annotate.mutate({ kind: 'star', targets: [`event:${target}`], value: !marksOf(annotations.data, `event:${target}`).star })
  }
  const searchField = useRef<HTMLInputElement>(null)
  const tag = useRef<HTMLInputElement>(null)
  const comment = useRef<HTMLTextAreaElement>(null)
  const focusSoon = (field: { current: HTMLElement | null }) => {
    if (!eventId && selected !== null) open(selected)
    window.setTimeout(() => field.current?.focus(), 60)
  }
  useKeys([
    { key: 'j', about: 'next', run: () => step(1) },
    { key: 'k', about: 'previous', run: () => step(-1) },
    { key: 'ArrowDown', about: 'next', run: () => step(1) },
    { key: 'ArrowUp', about: 'previous', run: () => step(-1) },
    { key: 'Enter', about: 'open', run: () => selected !== null && open(selected) },
    { key: 'Escape', about: 'close', run: () => set({ event: null }) },
    { key: 's', about: 'star', run: star },
    { key: 't', about: 'tag', run: () => focusSoon(tag) },
    { key: 'c', about: 'comment', run: () => focusSoon(comment) },
    { key: '/', about: 'search', run: () => searchField.current?.focus() },
  ])

  const [saving, setSaving] = useState(false)
  const [choosing, setChoosing] = useState(false)
  const queryError = histogram.error?.message
  const narrowed = selection.query !== '' || selection.from !== '' || selection.mark !== ''
  const pivot = useMemo(() => ({ query: selection.query, search }), [selection.query, search])
  const save = useCallback(() => setSaving(true), [])
  const choose = useCallback(() => setChoosing(true), [])

  return (
    <div className="timeline">
      <TimelineHead
        selection={selection}
        reverse={reverse}
        columns={columns}
        histogram={histogram.data}
        error={queryError}
        searchRef={searchField}
        set={set}
        onSave={save}
        onChoose={choose}
      />
      <div className={`timeline-body${eventId ? ' with-panel' : ''}`}>
        <FacetPanel selection={selection} pivot={pivot} />
        <div className="rows">
          {histogram.isLoading && <Waiting />}
          {histogram.error && !queryError && <Failed error={histogram.error} />}
          {histogram.data && total === 0 && !queryError && <NoEvents narrowed={narrowed} />}
          {total > 0 && !queryError && (
            <EventRows listRef={list} rows={rows} total={total} columns={columns} selected={selected} onOpen={open} />
          )}
        </div>
        {eventId && (
          <EventPanel id={eventId} pivot={pivot} fields={{ tag, comment }} onClose={() => set({ event: null })} onStep={step} />
        )}
      </div>
      <SaveSearch
        opened={saving}
        onClose={() => setSaving(false)}
        onSave={(name) =>
          annotate.mutate({
            kind: 'search',
            targets: [`search:${name}`],
            value: { query: selection.query, from: selection.from, to: selection.to, columns: value('columns') },
          })
        }
      />
      <ChooseColumns
        opened={choosing}
        onClose={() => setChoosing(false)}
        columns={columns}
        onChoose={(names) => set({ columns: names === null || names.join() === STANDARD.join() ? null : names.join(',') }, true)}
      />
    </div>
  )
}
