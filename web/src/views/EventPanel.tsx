// One event: what it says, the record as it was found and where, what analysts noted.
import { ActionIcon, Button, CloseButton, Group, ScrollArea, Text } from '@mantine/core'
import { useState } from 'react'
import { useEvent, useFindings } from '../api/hooks'
import { hrefOf } from '../base/router'
import { pretty, visible } from '../base/text'
import { MarkEditor } from '../widgets/marks'
import type { MarkFields } from '../widgets/marks'
import { Value } from '../widgets/Value'
import type { Pivot } from '../widgets/Value'
import { CopyJson, Evidence, Failed, LevelBadge, Link, Time, Waiting } from '../widgets/values'

interface Props {
  id: string
  pivot: Pivot
  fields?: MarkFields
  onClose: () => void
  onStep: (by: number) => void
}

const APART = new Set(['id', 'time', 'message', 'raw', 'evidence', 'locator'])

export function EventPanel({ id, pivot, fields, onClose, onStep }: Props) {
  const event = useEvent(id)
  const findings = useFindings()
  const [asFound, setAsFound] = useState(false)
  const row = event.data
  const mine = (findings.data ?? []).filter((finding) => finding.events.includes(id))
  const text = (name: string) => (typeof row?.[name] === 'string' ? (row[name] as string) : '')
  const containerId = text('container_id')
  return (
    <aside className="panel" aria-label="event">
      <Group justify="space-between" className="panel-head" wrap="nowrap">
        <Text fw={600} size="sm">
          {row ? <Time value={row.time} /> : 'Event'}
        </Text>
        <Group gap={4} wrap="nowrap">
          <ActionIcon variant="subtle" color="gray" aria-label="previous event (k)" onClick={() => onStep(-1)}>
            ↑
          </ActionIcon>
          <ActionIcon variant="subtle" color="gray" aria-label="next event (j)" onClick={() => onStep(1)}>
            ↓
          </ActionIcon>
          <CloseButton aria-label="close (Esc)" onClick={onClose} />
        </Group>
      </Group>
      <ScrollArea className="panel-body" type="auto">
        {event.isLoading && <Waiting />}
        {event.error && <Failed error={event.error} />}
        {row && (
          <>
            <p className="message">
              <Evidence>{text('message') || '(the record has no message)'}</Evidence>
            </p>
            <MarkEditor target={`event:${id}`} fields={fields} />
            {mine.length > 0 && (
              <div className="panel-part">
                <h3>Findings</h3>
                {mine.map((finding) => (
                  <div key={finding.id} className="line">
                    <LevelBadge level={finding.level} />{' '}
                    <Link href={hrefOf('/findings', { id: finding.id })}>
                      <Evidence>{finding.title}</Evidence>
                    </Link>
                  </div>
                ))}
              </div>
            )}
            {(containerId || text('path')) && (
              <Group gap={6} className="panel-part">
                {containerId && (
                  <Button size="compact-xs" variant="light" component="a" href={hrefOf('/containers', { id: containerId })}>
                    Container
                  </Button>
                )}
                {text('path').startsWith('/') && (
                  <Button
                    size="compact-xs"
                    variant="light"
                    component="a"
                    href={hrefOf('/files', { of: containerId ? `container:${containerId}` : 'host', file: text('path') })}
                  >
                    File
                  </Button>
                )}
              </Group>
            )}
            <div className="panel-part">
              <h3>What the record says</h3>
              <table className="fields">
                <tbody>
                  {Object.entries(row)
                    .filter(([name, value]) => !APART.has(name) && value !== null && value !== '')
                    .map(([name, value]) => (
                      <tr key={name}>
                        <th scope="row">{name}</th>
                        <td>
                          <Value field={name} value={value} pivot={pivot} />
                        </td>
                      </tr>
                    ))}
                </tbody>
              </table>
            </div>
            <div className="panel-part">
              <h3>Where it was found</h3>
              <table className="fields">
                <tbody>
                  <tr>
                    <th scope="row">evidence</th>
                    <td className="wrap">
                      <Evidence>{text('evidence')}</Evidence>
                    </td>
                  </tr>
                  <tr>
                    <th scope="row">locator</th>
                    <td>
                      <Evidence>{text('locator')}</Evidence>
                    </td>
                  </tr>
                  <tr>
                    <th scope="row">id</th>
                    <td className="mono">{id}</td>
                  </tr>
                </tbody>
              </table>
            </div>
            <div className="panel-part">
              <Group justify="space-between">
                <h3>The record</h3>
                <Group gap={6}>
                  <Button size="compact-xs" variant="default" aria-pressed={asFound} onClick={() => setAsFound(!asFound)}>
                    {asFound ? 'Indented' : 'As found'}
                  </Button>
                  <CopyJson value={row} />
                </Group>
              </Group>
              <pre className="raw" tabIndex={0} aria-label="raw record">
                {visible(asFound ? text('raw') : pretty(text('raw')))}
              </pre>
            </div>
          </>
        )}
      </ScrollArea>
    </aside>
  )
}
