import { Badge, Button, Group, ScrollArea, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { get } from '../api/client'
import { useContainers, useFindings } from '../api/hooks'
import type { Container, Finding } from '../api/types'
import { LEVELS } from '../api/types'
import { term } from '../base/query'
import { hrefOf, usePlace, withValues } from '../base/router'
import { bytesText, modeText, plural } from '../base/text'
import { CopyJson, Empty, Evidence, Failed, LevelBadge, Link, Part, Time, Waiting } from '../widgets/values'

function worst(findings: Finding[]) {
  return findings.reduce<Finding | null>((most, one) => (!most || LEVELS.indexOf(one.level) > LEVELS.indexOf(most.level) ? one : most), null)
}

export function Containers() {
  const place = usePlace()
  const containers = useContainers()
  const findings = useFindings()
  const id = place.params.get('id')
  if (containers.isLoading) return <Waiting />
  if (containers.error) return <Failed error={containers.error} />
  const all = containers.data ?? []
  if (all.length === 0) {
    return (
      <Empty title="No containers in this case">
        Containers come from a node&apos;s disk. This case was made from logs only, or no container store was on its disks.
      </Empty>
    )
  }
  const byPod = new Map<string, Container[]>()
  for (const container of all) {
    const pod = container.pod ? `${container.pod.namespace}/${container.pod.name}` : 'without a pod'
    byPod.set(pod, [...(byPod.get(pod) ?? []), container])
  }
  return (
    <div className="split with-panel">
      <ScrollArea className="split-list tree" type="auto">
        {[...byPod].sort().map(([pod, own]) => (
          <section key={pod} aria-label={pod}>
            <h3>
              <Evidence>{pod}</Evidence>
            </h3>
            {own
              .sort((a, b) => a.kind.localeCompare(b.kind) || (a.created ?? '').localeCompare(b.created ?? ''))
              .map((container) => {
                const grave = worst((findings.data ?? []).filter((finding) => finding.container_id === container.id))
                return (
                  <a
                    key={container.id}
                    href={withValues(place, { id: container.id })}
                    className={`finding${container.id === id ? ' selected' : ''}${container.kind === 'sandbox' ? ' quiet' : ''}`}
                    aria-current={container.id === id}
                  >
                    <span className="finding-level">{grave && <LevelBadge level={grave.level} />}</span>
                    <span>
                      <Evidence>{container.pod?.container ?? (container.kind === 'sandbox' ? 'sandbox' : container.name)}</Evidence>{' '}
                      <span className="mono dim small">{container.id.slice(0, 12)}</span>
                      <span className="small dim finding-where">
                        {container.state}
                        {container.exit_code !== null && ` ${container.exit_code}`}
                        {(container.changes?.notable ?? 0) > 0 && ` · ${plural(container.changes?.notable ?? 0, 'notable change')}`}
                        {container.recovered && ' · recovered'}
                      </span>
                    </span>
                    <span>
                      {container.privileged && <Badge size="xs" color="red">privileged</Badge>}
                      {(container.host_access ?? []).length > 0 && (
                        <Badge size="xs" color="orange" variant="light">
                          host
                        </Badge>
                      )}
                    </span>
                  </a>
                )
              })}
          </section>
        ))}
      </ScrollArea>
      <div className="split-main">{id ? <Detail id={id} findings={findings.data ?? []} /> : <Empty title="Choose a container">Those with findings carry their worst level.</Empty>}</div>
    </div>
  )
}

const CHANGE_COLOUR: Record<string, string> = { added: 'green', modified: 'yellow', metadata: 'blue', deleted: 'red' }

export function ChangeMark({ change }: { change: string | null }) {
  if (!change) return null
  return (
    <Badge size="xs" radius="sm" variant="light" color={CHANGE_COLOUR[change] ?? 'gray'}>
      {change}
    </Badge>
  )
}

function Detail({ id, findings }: { id: string; findings: Finding[] }) {
  const container = useQuery({ queryKey: ['container', id], queryFn: () => get<Container>(`/containers/${id}`), staleTime: Infinity })
  if (container.isLoading) return <Waiting />
  if (container.error) return <Failed error={container.error} />
  const data = container.data
  if (!data) return null
  const own = findings.filter((finding) => finding.container_id === id)
  const entries = (data.changes?.entries ?? []).filter((entry) => !entry.mount_point)
  const notableFirst = [...entries].sort((a, b) => Number(b.notable !== null) - Number(a.notable !== null))
  return (
    <ScrollArea className="split-body" type="auto">
      <div className="page">
        <Part
          title={data.pod?.container ?? data.name}
          right={
            <Group gap={6}>
              <Button size="compact-xs" variant="light" component="a" href={hrefOf('/files', { of: `container:${id}` })}>
                Its files
              </Button>
              <Button size="compact-xs" variant="light" component="a" href={hrefOf('/timeline', { query: term('container_id', id) })}>
                Its events
              </Button>
              <CopyJson value={data} />
            </Group>
          }
        >
          <table className="fields">
            <tbody>
              <Row name="id">{data.id}</Row>
              <Row name="pod">{data.pod ? `${data.pod.namespace}/${data.pod.name}` : null}</Row>
              <Row name="image">{data.image}</Row>
              <Row name="digest">{data.image_digest}</Row>
              <Row name="state">{data.exit_code === null ? data.state : `${data.state} ${data.exit_code}`}</Row>
              <tr>
                <th scope="row">created</th>
                <td>
                  <Time value={data.created} />
                </td>
              </tr>
              <Row name="arguments">{data.arguments.join(' ')}</Row>
              <Row name="user">{data.user}</Row>
              <Row name="capabilities">{data.capabilities.join(' ')}</Row>
              <Row name="reaches its host">{(data.host_access ?? []).join(', ')}</Row>
              <Row name="own layer">{data.upper}</Row>
            </tbody>
          </table>
        </Part>
        {own.length > 0 && (
          <Part title={plural(own.length, 'finding')}>
            {own.map((finding) => (
              <div key={finding.id} className="line">
                <LevelBadge level={finding.level} />{' '}
                <Link href={hrefOf('/findings', { id: finding.id })}>
                  <Evidence>{finding.title}</Evidence>
                </Link>{' '}
                <span className="dim small">
                  <Evidence>{finding.path}</Evidence>
                </span>
              </div>
            ))}
          </Part>
        )}
        <Part
          title="What it changed in its image's files"
          right={
            data.changes && (
              <Text size="sm" className="dim">
                {data.changes.added} added, {data.changes.modified} modified, {data.changes.metadata} metadata, {data.changes.deleted} deleted
              </Text>
            )
          }
        >
          {data.changes_problem && (
            <Text size="sm">
              <Evidence>{data.changes_problem}</Evidence>
            </Text>
          )}
          {entries.length === 0 && !data.changes_problem && <Text size="sm">Nothing but what the runtime mounts.</Text>}
          {entries.length > 0 && (
            <Table className="tight" withRowBorders={false}>
              <Table.Tbody>
                {notableFirst.slice(0, 500).map((entry) => (
                  <Table.Tr key={entry.path}>
                    <Table.Td w={80}>
                      <ChangeMark change={entry.change} />
                    </Table.Td>
                    <Table.Td className="mono">{modeText(entry.type, entry.mode)}</Table.Td>
                    <Table.Td ta="right">{bytesText(entry.size)}</Table.Td>
                    <Table.Td className="wrap">
                      <Link href={hrefOf('/files', { of: `container:${id}`, file: entry.path })}>
                        <Evidence>{entry.path}</Evidence>
                      </Link>
                    </Table.Td>
                    <Table.Td>{entry.notable && <strong className="risk">{entry.notable}</strong>}</Table.Td>
                    <Table.Td>
                      <Time value={entry.mtime} seconds />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
          {entries.length > 500 && <Text size="sm">The first 500 of {entries.length}; the files show all.</Text>}
        </Part>
        <Part title="Mounts">
          <Table className="tight" withRowBorders={false}>
            <Table.Tbody>
              {data.mounts.map((mount, index) => (
                <Table.Tr key={index}>
                  <Table.Td className="wrap">
                    <Evidence>{mount.destination}</Evidence>
                  </Table.Td>
                  <Table.Td className="wrap dim">
                    <Evidence>{mount.source}</Evidence>
                  </Table.Td>
                  <Table.Td>{mount.type}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Part>
        <Part title="Environment">
          <pre className="raw" tabIndex={0}>
            <Evidence>{data.environment.join('\n')}</Evidence>
          </pre>
        </Part>
      </div>
    </ScrollArea>
  )
}

function Row({ name, children }: { name: string; children: string | null }) {
  if (!children) return null
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="wrap mono">
        <Evidence>{children}</Evidence>
      </td>
    </tr>
  )
}
