import { Badge, Button, Group, Progress, SegmentedControl, Text, Title } from '@mantine/core'
import { startTransition, useEffect, useState } from 'react'
import { useCase, useContainers, useFindings } from '../api/hooks'
import type { Act, CaseInfo, Container, Finding, Incident, Thing } from '../api/types'
import { LEVELS } from '../api/types'
import { term } from '../base/query'
import { hrefOf } from '../base/router'
import { countText, plural } from '../base/text'
import { CopyJson, Empty, Evidence, Failed, LevelBadge, Link, Part, Time, Waiting } from '../widgets/values'
import { Coverage, Diagnostics, EvidenceList } from './Evidence'

export function Overview() {
  const info = useCase()
  if (info.isLoading) return <Waiting />
  if (info.error) return <Failed error={info.error} />
  const data = info.data
  if (!data) return null
  if (!data.has_report) {
    return (
      <Empty title="Nothing was investigated yet">
        <Link href="/ingest">Add evidence</Link> here, or stop this server and run <code>ekshume investigate EVIDENCE --case {data.path}</code>.
      </Empty>
    )
  }
  const incidents = data.incidents ?? []
  return (
    <div className="page">
      <Verdict data={data} />
      <Stories incidents={incidents} />
      {(data.to_confirm ?? []).length > 0 && (
        <Part title="To confirm">
          <ul className="plain-list">
            {(data.to_confirm ?? []).map((one, index) => (
              <li key={index}>
                <LevelBadge level={one.level} /> <Time value={one.first} seconds /> <Evidence>{one.sentence}</Evidence>{' '}
                <span className="dim">
                  <Evidence>{one.why}</Evidence>
                </span>
              </li>
            ))}
          </ul>
        </Part>
      )}
      <div className="columns">
        <Coverage data={data} />
        <EvidenceList data={data} />
      </div>
      <Diagnostics data={data} />
    </div>
  )
}

function Verdict({ data }: { data: CaseInfo }) {
  const verdict = data.verdict
  if (!verdict) return null
  return (
    <section className={`verdict verdict-${verdict.word.split(' ')[0]}`} aria-label="verdict">
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <div>
          <Title order={1} className="verdict-word">
            {verdict.word}
          </Title>
          <Text size="sm" className="dim">
            {verdict.confidence} confidence · {plural(verdict.findings, 'finding')} · {plural(data.events?.total ?? 0, 'event')}
          </Text>
        </div>
        <CopyJson value={verdict} />
      </Group>
      <Text className="verdict-summary">
        <Evidence>{verdict.summary}</Evidence>
      </Text>
    </section>
  )
}

// The worst comes first, and fills the screen. The others, and what only links need, come after it is shown.
function Stories({ incidents }: { incidents: Incident[] }) {
  const [areAllShown, setAllShown] = useState(false)
  useEffect(() => startTransition(() => setAllShown(true)), [])
  const findings = useFindings(areAllShown)
  const containers = useContainers(areAllShown)
  return (areAllShown ? incidents : incidents.slice(0, 1)).map((incident, index) => (
    <Story
      key={incident.id}
      incident={incident}
      number={incidents.length > 1 ? index + 1 : null}
      findings={findings.data ?? []}
      containers={containers.data ?? []}
    />
  ))
}

interface StoryProps {
  incident: Incident
  number: number | null
  findings: Finding[]
  containers: Container[]
}

function spanOf(incident: Incident): { from?: string; to?: string } {
  if (!incident.first || !incident.last) return {}
  const minute = 60_000
  return {
    from: new Date(Date.parse(incident.first) - minute).toISOString(),
    to: new Date(Date.parse(incident.last) + minute).toISOString(),
  }
}

function Story({ incident, number, findings, containers }: StoryProps) {
  const [all, setAll] = useState('main')
  const grave = incident.acts.filter((act) => LEVELS.indexOf(act.level ?? 'informational') >= LEVELS.indexOf('medium'))
  const acts = all === 'all' || grave.length === 0 ? incident.acts : grave
  return (
    <>
      <Part
        title={`${number ? `Incident ${number}: ` : ''}${incident.title}`}
        right={
          <Group gap={6} wrap="nowrap">
            <LevelBadge level={incident.level} />
            <Badge variant="default" size="sm" radius="sm" tt="none">
              {incident.confidence} confidence
            </Badge>
          </Group>
        }
      >
        {incident.entry && (
          <Text size="sm" mb={6}>
            <strong>How it began. </strong>
            <Evidence>{incident.entry.sentence}</Evidence>
          </Text>
        )}
        <Text size="sm" className="dim">
          Why: {incident.reasons.join('; ')}
        </Text>
      </Part>
      <div className="columns wide-left">
        <Part
          title="What was done"
          right={
            <Group gap={8}>
              <SegmentedControl
                size="xs"
                value={all}
                onChange={setAll}
                data={[
                  { value: 'main', label: `medium and above (${grave.length})` },
                  { value: 'all', label: `all (${incident.acts.length})` },
                ]}
              />
              <Button size="compact-xs" variant="light" component="a" href={hrefOf('/timeline', spanOf(incident))}>
                On the timeline
              </Button>
            </Group>
          }
        >
          <ol className="story">
            {acts.map((act, index) => (
              <Step key={index} act={act} findings={findings} containers={containers} />
            ))}
          </ol>
          {(incident.acts_left_out ?? 0) > 0 && <Text size="sm">{countText(incident.acts_left_out ?? 0)} more acts are not listed here.</Text>}
        </Part>
        <div>
          <Part title="Who">
            {incident.actors.map((actor) => (
              <div key={actor.name + actor.kind} className="card">
                <Group gap={6}>
                  <Badge size="xs" variant={actor.role === 'acted' ? 'light' : 'default'} color="orange" radius="sm">
                    {actor.role}
                  </Badge>
                  <Link href={hrefOf('/timeline', { query: term('actor', actor.name) })}>
                    <Evidence>{actor.name}</Evidence>
                  </Link>
                  <span className="dim">{actor.kind}</span>
                </Group>
                <div className="small wrap">
                  {actor.names.map((name) => (
                    <div key={name.field + name.value}>
                      <span className="dim">{name.field}</span> <Evidence>{name.value}</Evidence>
                    </div>
                  ))}
                  {actor.addresses.length > 0 && <div>from {actor.addresses.join(', ')}</div>}
                </div>
              </div>
            ))}
          </Part>
          <Part title="What was reached">
            {incident.places.map((place, index) => (
              <div key={index} className="card">
                <span className="dim">{place.kind}</span>{' '}
                {place.kind === 'container' ? (
                  <Link href={hrefOf('/containers', { id: place.name })}>{place.name.slice(0, 12)}</Link>
                ) : place.kind === 'pod' ? (
                  <Link href={hrefOf('/timeline', { query: term('pod', place.name) })}>
                    <Evidence>{`${place.namespace}/${place.name}`}</Evidence>
                  </Link>
                ) : (
                  <Evidence>{place.name}</Evidence>
                )}
                <div className="small dim">
                  <Evidence>{place.how}</Evidence>
                  {place.host_access.length > 0 && <div className="risk">reaches its host: {place.host_access.join(', ')}</div>}
                </div>
              </div>
            ))}
          </Part>
          <Things title="Identities made or made stronger" things={incident.identities} />
          <Things title="Secrets reached for" things={incident.secrets} />
          <Things title="Left behind" things={incident.persistence} />
          <Part title="ATT&CK tactics">
            {incident.tactics.map((tactic) => (
              <Link key={tactic.id} href={hrefOf('/findings', { tactic: tactic.name })} className="tactic">
                <span>
                  {tactic.name} <span className="dim">{tactic.id}</span>
                </span>
                <Progress
                  size={6}
                  value={(100 * tactic.findings) / Math.max(...incident.tactics.map((one) => one.findings))}
                  aria-label={`${tactic.findings} findings`}
                />
                <span className="mono">{tactic.findings}</span>
              </Link>
            ))}
          </Part>
        </div>
      </div>
      <Part title="What now, in this order">
        <ol className="next">
          {incident.next_steps.map((step, index) => (
            <li key={index}>
              <Badge size="xs" variant="light" radius="sm">
                {step.phase}
              </Badge>{' '}
              <Evidence>{step.action}</Evidence>
              <div className="small dim">
                <Evidence>{step.target}</Evidence>: <Evidence>{step.why}</Evidence>
              </div>
            </li>
          ))}
        </ol>
      </Part>
    </>
  )
}

function Step({ act, findings, containers }: { act: Act; findings: Finding[]; containers: Container[] }) {
  const own = findings.filter((finding) => act.findings.includes(finding.id))
  const containerId =
    own.find((finding) => finding.container_id)?.container_id ??
    containers.find((container) => container.kind === 'container' && container.pod && act.place === `pod ${container.pod.namespace}/${container.pod.name}`)?.id
  return (
    <li className={`step level-${act.level ?? 'informational'}`}>
      <span className="step-time">
        <Time value={act.time} seconds />
      </span>
      <div>
        <Evidence>{act.sentence}</Evidence>
        {act.count > 1 && <span className="dim"> ×{countText(act.count)}</span>}
        {act.refused && <span className="dim"> (refused)</span>}
        <div className="step-links">
          {act.events[0] && <Link href={hrefOf('/timeline', { event: act.events[0] })}>event</Link>}
          {act.findings[0] && <Link href={hrefOf('/findings', { id: act.findings[0] })}>{plural(act.findings.length, 'finding')}</Link>}
          {containerId && <Link href={hrefOf('/containers', { id: containerId })}>container</Link>}
          {act.paths.slice(0, 3).map((path) => {
            const inContainer = own.find((finding) => finding.path === path)?.container_id
            return (
              <Link key={path} href={hrefOf('/files', { of: inContainer ? `container:${inContainer}` : 'host', file: path })}>
                <Evidence>{path}</Evidence>
              </Link>
            )
          })}
          {act.tactics.length > 0 && <span className="dim">{act.tactics.join(', ')}</span>}
        </div>
      </div>
    </li>
  )
}

function Things({ title, things }: { title: string; things: Thing[] }) {
  if (things.length === 0) return null
  return (
    <Part title={title}>
      {things.map((thing, index) => (
        <div key={index} className="card">
          <span className="dim">{thing.kind}</span>{' '}
          {thing.events[0] ? (
            <Link href={hrefOf('/timeline', { event: thing.events[0] })}>
              <Evidence>{thing.name}</Evidence>
            </Link>
          ) : thing.findings[0] ? (
            <Link href={hrefOf('/findings', { id: thing.findings[0] })}>
              <Evidence>{thing.name}</Evidence>
            </Link>
          ) : (
            <Evidence>{thing.name}</Evidence>
          )}
          <div className="small dim">
            <Evidence>{thing.how}</Evidence>
            {thing.where && (
              <>
                {' '}
                · <Evidence>{thing.where}</Evidence>
              </>
            )}
          </div>
        </div>
      ))}
    </Part>
  )
}
