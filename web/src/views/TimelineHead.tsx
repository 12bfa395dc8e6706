// Above the rows of the timeline: the search, what narrows it, and how the events lie in time.
import { Button, Chip, Group, Menu, Text } from '@mantine/core'
import { memo, useMemo } from 'react'
import type { Ref } from 'react'
import { download } from '../api/client'
import { useAnnotations } from '../api/hooks'
import type { Selection } from '../api/hooks'
import type { Histogram } from '../api/types'
import { busiest } from '../base/bars'
import { countText, utcText, visible } from '../base/text'
import { SearchBox } from '../widgets/SearchBox'
import { TimeBars } from '../widgets/TimeBars'

interface Props {
  selection: Selection
  reverse: boolean
  columns: string[]
  histogram: Histogram | undefined
  error: string | undefined
  searchRef: Ref<HTMLInputElement>
  /** Changes values of the address. */
  set: (values: Record<string, string | boolean | null>) => void
  onSave: () => void
  onChoose: () => void
}

export const TimelineHead = memo(function TimelineHead(props: Props) {
  const { selection, reverse, columns, histogram, error, searchRef, set, onSave, onChoose } = props
  const annotations = useAnnotations()
  const total = histogram?.total ?? 0
  const busy = useMemo(() => {
    const part = histogram?.first ? busiest(histogram.bars) : null
    if (!histogram?.first || !part) return null
    const start = Date.parse(histogram.first)
    const at = (bar: number) => new Date(Math.ceil(start + (bar * histogram.width_ns) / 1e6)).toISOString()
    return { from: new Date(Math.floor(start + (part[0] * histogram.width_ns) / 1e6)).toISOString(), to: at(part[1]) }
  }, [histogram])

  return (
    <div className="timeline-head">
      <SearchBox ref={searchRef} value={selection.query} onSearch={(query) => set({ query, event: null })} error={error} />
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
            {histogram ? `${countText(total)} events` : ' '}
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
              <Menu.Item onClick={onSave}>Save this one…</Menu.Item>
            </Menu.Dropdown>
          </Menu>
          <Button size="compact-xs" variant="default" onClick={onChoose}>
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
      {histogram?.first && <TimeBars data={histogram} onZoom={(from, to) => set({ from, to, event: null })} />}
    </div>
  )
})
