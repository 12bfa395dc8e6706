import { Badge, Button, Chip, Group, ScrollArea, Text, Textarea, TextInput } from '@mantine/core'
import { useEffect, useMemo, useRef, useState } from 'react'
import { marksOf, useAnnotate, useAnnotations, useFindings } from '../api/hooks'
import type { Finding } from '../api/types'
import { LEVELS } from '../api/types'
import { useKeys } from '../base/keys'
import { term } from '../base/query'
import { go, hrefOf, usePlace, withValues } from '../base/router'
import { plural, visible } from '../base/text'
import { MarkEditor } from '../widgets/marks'
import { CopyJson, Empty, Evidence, Failed, LevelBadge, Link, Time, Waiting } from '../widgets/values'

function tacticsOf(finding: Finding): string[] {
  return finding.tags.filter((tag) => tag.startsWith('attack.') && !/^attack\.[tgs]\d/.test(tag)).map((tag) => tag.slice(7))
}

export function Findings() {
  const place = usePlace()
  const findings = useFindings()
  const annotations = useAnnotations()
  const level = place.params.get('level') ?? ''
  const tactic = place.params.get('tactic') ?? ''
  const text = place.params.get('text') ?? ''
  const state = place.params.get('state') ?? ''
  const id = place.params.get('id')
  const set = (values: Record<string, string | null>, replace = false) => go(withValues(place, values), replace)
  const all = findings.data ?? []
  const shown = useMemo(
    () =>
      all.filter(
        (finding) =>
          (level === '' || finding.level === level) &&
          (tactic === '' || tacticsOf(finding).includes(tactic)) &&
          (state === '' || (marksOf(annotations.data, `finding:${finding.id}`).state ?? 'open') === state) &&
          (text === '' || `${finding.title} ${finding.rule} ${finding.explanation} ${finding.path ?? ''}`.toLowerCase().includes(text.toLowerCase())),
      ),
    [all, level, tactic, text, state, annotations.data],
  )
  const tactics = [...new Set(all.flatMap(tacticsOf))].sort()
  const chosen = all.find((finding) => finding.id === id) ?? null
  const annotate = useAnnotate()
  const search = useRef<HTMLInputElement>(null)
  const step = (by: number) => {
    const at = shown.findIndex((finding) => finding.id === id)
    const next = shown[Math.min(Math.max(at + by, 0), shown.length - 1)]
    if (next) set({ id: next.id }, id !== null)
  }
  useKeys([
    { key: 'j', about: 'next', run: () => step(1) },
    { key: 'k', about: 'previous', run: () => step(-1) },
    { key: '/', about: 'search', run: () => search.current?.focus() },
    { key: 'Escape', about: 'close', run: () => set({ id: null }) },
    {
      key: 's',
      about: 'star',
      run: () =>
        chosen &&
        annotate.mutate({
          kind: 'star',
          targets: [`finding:${chosen.id}`],
          value: !marksOf(annotations.data, `finding:${chosen.id}`).star,
        }),
    },
  ])
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [id, findings.data])
  if (findings.isLoading) return <Waiting />
  if (findings.error) return <Failed error={findings.error} />
  return (
    <div className={`split${chosen ? ' with-panel' : ''}`}>
      <div className="split-list">
        <div className="split-head">
          <Group gap={8}>
            <TextInput
              ref={search}
              size="xs"
              w={240}
              placeholder="words in a finding (/)"
              aria-label="search findings"
              value={text}
              onChange={(event) => set({ text: event.currentTarget.value }, true)}
              onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
            />
            <Chip.Group value={level} onChange={(value) => set({ level: value as string })}>
              <Chip size="xs" value="">
                all
              </Chip>
              {[...LEVELS].reverse().map((one) => {
                const count = all.filter((finding) => finding.level === one).length
                return count > 0 ? (
                  <Chip key={one} size="xs" value={one}>
                    {one} {count}
                  </Chip>
                ) : null
              })}
            </Chip.Group>
          </Group>
          <Group gap={6} mt={8}>
            <Chip.Group value={state} onChange={(value) => set({ state: value as string })}>
              <Chip size="xs" value="">
                any state
              </Chip>
              <Chip size="xs" value="open">
                open
              </Chip>
              <Chip size="xs" value="accepted">
                accepted
              </Chip>
              <Chip size="xs" value="dismissed">
                dismissed
              </Chip>
            </Chip.Group>
            {tactics.map((one) => (
              <Button
                key={one}
                size="compact-xs"
                variant={tactic === one ? 'filled' : 'default'}
                onClick={() => set({ tactic: tactic === one ? null : one })}
              >
                {one}
              </Button>
            ))}
          </Group>
        </div>
        <ScrollArea className="split-body" viewportRef={list} type="auto">
          {shown.length === 0 && (
            <Empty title="No finding fits">
              {all.length === 0 ? (
                <>Nothing suspicious was found. What the evidence could not show is on the overview.</>
              ) : (
                <Button size="compact-sm" variant="light" onClick={() => go('/findings')}>
                  show all {all.length}
                </Button>
              )}
            </Empty>
          )}
          {shown.map((finding) => {
            const marks = marksOf(annotations.data, `finding:${finding.id}`)
            return (
              <a
                key={finding.id}
                href={withValues(place, { id: finding.id })}
                className={`finding${finding.id === id ? ' selected' : ''}${marks.state === 'dismissed' ? ' dismissed' : ''}`}
                aria-current={finding.id === id}
              >
                <span className="finding-level">
                  <LevelBadge level={finding.level} />
                </span>
                <span>
                  <Evidence>{finding.title}</Evidence>
                  {marks.star && ' ★'}
                  {marks.state && marks.state !== 'open' && (
                    <Badge size="xs" variant="default" ml={6}>
                      {marks.state}
                    </Badge>
                  )}
                  <span className="small dim finding-where">
                    {[finding.namespace && finding.pod ? `${finding.namespace}/${finding.pod}` : null, finding.path, finding.actor]
                      .filter(Boolean)
                      .map((part) => visible(part ?? ''))
                      .join(' · ')}
                  </span>
                </span>
                <span className="small">
                  <Time value={finding.first} seconds />
                </span>
              </a>
            )
          })}
        </ScrollArea>
      </div>
      {chosen && <FindingPanel finding={chosen} />}
    </div>
  )
}

function FindingPanel({ finding }: { finding: Finding }) {
  const annotations = useAnnotations()
  const annotate = useAnnotate()
  const [reason, setReason] = useState('')
  const marks = marksOf(annotations.data, `finding:${finding.id}`)
  const decide = (state: string) =>
    annotate.mutate({ kind: 'finding', targets: [`finding:${finding.id}`], value: { state, reason: reason.trim() } })
  const rows: [string, string | null][] = [
    ['rule', finding.rule],
    ['found by', finding.detector],
    ['actor', finding.actor],
    ['object', finding.object],
    ['pod', finding.pod && `${finding.namespace}/${finding.pod}`],
    ['source_ip', finding.source_ip],
    ['tags', finding.tags.join(' ')],
  ]
  return (
    <aside className="panel wide" aria-label="finding">
      <ScrollArea className="panel-body" type="auto">
        <Group justify="space-between" align="flex-start" wrap="nowrap">
          <Text fw={600}>
            <Evidence>{finding.title}</Evidence>
          </Text>
          <LevelBadge level={finding.level} />
        </Group>
        <p className="message">
          <Evidence>{finding.explanation}</Evidence>
        </p>
        <Group gap={6} className="panel-part">
          {finding.events.length > 0 && (
            <Button size="compact-xs" variant="light" component="a" href={hrefOf('/timeline', { query: finding.events.slice(0, 50).map((id) => term('id', id)).join(' OR '), event: finding.events[0] })}>
              {plural(finding.events.length, 'event')}
            </Button>
          )}
          {finding.container_id && (
            <Button size="compact-xs" variant="light" component="a" href={hrefOf('/containers', { id: finding.container_id })}>
              Container
            </Button>
          )}
          {finding.path && (
            <Button
              size="compact-xs"
              variant="light"
              component="a"
              href={hrefOf('/files', { of: finding.container_id ? `container:${finding.container_id}` : 'host', file: finding.path })}
            >
              File
            </Button>
          )}
          <CopyJson value={finding} />
        </Group>
        <MarkEditor target={`finding:${finding.id}`} />
        <div className="panel-part">
          <h3>Decision: {marks.state ?? 'open'}</h3>
          {marks.state && marks.state !== 'open' && (
            <Text size="sm" className="wrap">
              by <Evidence>{marks.by ?? ''}</Evidence>
              {marks.reason && (
                <>
                  : <Evidence>{marks.reason}</Evidence>
                </>
              )}
            </Text>
          )}
          <Textarea size="xs" placeholder="why" aria-label="reason" value={reason} autosize onChange={(event) => setReason(event.currentTarget.value)} mt={4} />
          <Group gap={6} mt={6}>
            <Button size="xs" variant="default" onClick={() => decide('accepted')}>
              Accept
            </Button>
            <Button size="xs" variant="default" disabled={reason.trim() === ''} title="needs a reason" onClick={() => decide('dismissed')}>
              Dismiss
            </Button>
            {marks.state && marks.state !== 'open' && (
              <Button size="xs" variant="subtle" onClick={() => decide('open')}>
                Open again
              </Button>
            )}
          </Group>
          {annotate.error && <Failed error={annotate.error} />}
        </div>
        <div className="panel-part">
          <h3>Particulars</h3>
          <table className="fields">
            <tbody>
              <tr>
                <th scope="row">first</th>
                <td>
                  <Time value={finding.first} />
                </td>
              </tr>
              <tr>
                <th scope="row">last</th>
                <td>
                  <Time value={finding.last} />
                </td>
              </tr>
              {rows
                .filter(([, value]) => value)
                .map(([name, value]) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td className="wrap">
                      <Evidence>{value}</Evidence>
                    </td>
                  </tr>
                ))}
            </tbody>
          </table>
          {finding.events.length > 0 && (
            <>
              <h3>Its events</h3>
              {finding.events.slice(0, 100).map((event) => (
                <div key={event} className="mono small">
                  <Link href={hrefOf('/timeline', { event })}>{event}</Link>
                </div>
              ))}
            </>
          )}
        </div>
      </ScrollArea>
    </aside>
  )
}
