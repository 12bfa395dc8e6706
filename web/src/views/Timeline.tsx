import { Button, Chip, Group, Menu, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { CSSProperties } from 'react'
import { download, get } from '../api/client'
import { COLUMNS } from '../api/columns'
import { marksOf, PAGE_ROWS, pageQuery, useAnnotate, useAnnotations, useHistogram } from '../api/hooks'
import type { Selection } from '../api/hooks'
import type { EventRow } from '../api/types'
import { busiest } from '../base/bars'
import { useKeys } from '../base/keys'
import { go, usePlace, withValues } from '../base/router'
import { countText, utcText, visible } from '../base/text'
import { LongList } from '../widgets/LongList'
import type { LongListHandle } from '../widgets/LongList'
import { SearchBox } from '../widgets/SearchBox'
import { TimeBars } from '../widgets/TimeBars'
import { Empty, Failed, Star, Time, Waiting } from '../widgets/values'
import { EventPanel } from './EventPanel'
import { FacetPanel } from './FacetPanel'
import { ChooseColumns, SaveSearch } from './TimelineDialogs'

const STANDARD = ['time', 'source', 'user_name', 'action', 'outcome', 'message']
// Beside an open event there is no room for more.
const NARROW = ['time', 'source', 'message']

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

  const set = (values: Record<string, string | boolean | null>, replace = false) => go(withValues(place, values), replace)
  const search = (query: string) => set({ query, event: null })

  const histogram = useHistogram(selection)
  const total = histogram.data?.total ?? 0
  const busy = useMemo(() => {
    const data = histogram.data
    const part = data?.first ? busiest(data.bars) : null
    if (!data?.first || !part) return null
    const start = Date.parse(data.first)
    const at = (bar: number) => new Date(Math.ceil(start + (bar * data.width_ns) / 1e6)).toISOString()
    return { from: new Date(Math.floor(start + (part[0] * data.width_ns) / 1e6)).toISOString(), to: at(part[1]) }
  }, [histogram.data])
  const annotations = useAnnotations()
  const annotate = useAnnotate()

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
  const rowAt = (index: number): EventRow | undefined => {
    const at = Math.floor(index / PAGE_ROWS) - pages[0]
    return loaded[at]?.data?.[index % PAGE_ROWS]
  }

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
  // The columns, the gaps between them and the padding of a row.
  const width = columns.reduce((sum, name) => sum + 8 + Number(/\d+/.exec(WIDTHS[name] ?? '130px')?.[0] ?? 130), 26 + 16)
  const template = ['26px', ...columns.map((name) => WIDTHS[name] ?? '130px')].join(' ')
  const pivot = { query: selection.query, search }

  return (
    <div className="timeline">
      <div className="timeline-head">
        <SearchBox ref={searchField} value={selection.query} onSearch={search} error={queryError} />
        <Group gap={8} mt={8} justify="space-between">
          <Group gap={8}>
            {(selection.from || selection.to) && (
              <Button size="compact-xs" variant="light" onClick={() => set({ from: null, to: null })} title="take the limits of time away">
                {selection.from ? utcText(selection.from).slice(0, 23) : '…'} – {selection.to ? utcText(selection.to).slice(0, 23) : '…'} ✕
              </Button>
            )}
            {busy && (
              <Button size="compact-xs" variant="light" onClick={() => set({ ...busy, event: null })} title="most events lie close together">
                zoom to where most are
              </Button>
            )}
            <Chip size="xs" checked={selection.mark === 'starred'} onChange={(on) => set({ mark: on ? 'starred' : null })}>
              starred
            </Chip>
            <Chip size="xs" checked={selection.mark === 'any'} onChange={(on) => set({ mark: on ? 'any' : null })}>
              marked
            </Chip>
            {selection.mark.startsWith('tag:') && (
              <Button size="compact-xs" variant="light" onClick={() => set({ mark: null })}>
                #{selection.mark.slice(4)} ✕
              </Button>
            )}
            <Chip size="xs" checked={reverse} onChange={(on) => set({ reverse: on, event: null })}>
              newest first
            </Chip>
          </Group>
          <Group gap={6}>
            <Text size="sm" className="dim" role="status" aria-live="polite">
              {histogram.data ? `${countText(total)} events` : ' '}
            </Text>
            <Menu shadow="md">
              <Menu.Target>
                <Button size="compact-xs" variant="default">
                  Saved searches
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {(annotations.data?.searches ?? []).map((one) => (
                  <Menu.Item
                    key={one.name}
                    onClick={() =>
                      set({ query: one.query, from: one.from ?? null, to: one.to ?? null, columns: one.columns ?? null, event: null })
                    }
                  >
                    {visible(one.name)}
                  </Menu.Item>
                ))}
                {(annotations.data?.searches ?? []).length > 0 && <Menu.Divider />}
                <Menu.Item onClick={() => setSaving(true)}>Save this one…</Menu.Item>
              </Menu.Dropdown>
            </Menu>
            <Button size="compact-xs" variant="default" onClick={() => setChoosing(true)}>
              Columns
            </Button>
            <Menu shadow="md">
              <Menu.Target>
                <Button size="compact-xs" variant="default" disabled={total === 0}>
                  Export
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {(['csv', 'jsonl', 'timesketch', 'cef'] as const).map((format) => (
                  <Menu.Item
                    key={format}
                    onClick={() => download('/events/export', { ...selection, reverse, format, columns: ['id', ...columns].join(',') })}
                  >
                    {countText(total)} events as {format}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
          </Group>
        </Group>
        {histogram.data?.first && <TimeBars data={histogram.data} onZoom={(from, to) => set({ from, to, event: null })} />}
      </div>
      <div className={`timeline-body${eventId ? ' with-panel' : ''}`}>
        <FacetPanel selection={selection} pivot={pivot} />
        <div
          className="rows"
          style={{ '--rows-width': `${width}px` } as CSSProperties}
          {...(total > 0 && !queryError ? { role: 'grid', 'aria-label': 'events', 'aria-rowcount': total } : {})}
        >
          {histogram.isLoading && <Waiting />}
          {histogram.error && !queryError && <Failed error={histogram.error} />}
          {histogram.data && total === 0 && !queryError && (
            <Empty title="No event fits">
              {selection.query || selection.from || selection.mark ? (
                <>
                  Take something away: <Button size="compact-xs" variant="light" onClick={() => go('/timeline')}>show all events</Button>
                </>
              ) : (
                <>
                  The case holds no events yet. Add logs or disks with <code>ekshume investigate EVIDENCE --case CASE</code> while this server is
                  stopped.
                </>
              )}
            </Empty>
          )}
          {total > 0 && !queryError && (
            <>
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
                ref={list}
                total={total}
                onShown={onShown}
                row={(index) => {
                  const row = rowAt(index)
                  const marks = row ? marksOf(annotations.data, `event:${row.id}`) : undefined
                  return (
                    <div
                      key={index}
                      role="row"
                      aria-rowindex={index + 1}
                      aria-selected={selected === index}
                      className={`row${selected === index ? ' selected' : ''}${marks?.colour ? ` colour-${marks.colour}` : ''}`}
                      style={{ gridTemplateColumns: template }}
                      onClick={() => open(index)}
                    >
                      {row ? (
                        <>
                          <span role="gridcell">
                            <Star
                              size="xs"
                              on={marks?.star ?? false}
                              onClick={() => annotate.mutate({ kind: 'star', targets: [`event:${row.id}`], value: !marks?.star })}
                            />
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
                }}
              />
            </>
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
