import { Breadcrumbs, Button, Group, ScrollArea, SegmentedControl, Select, Table, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { download, get } from '../api/client'
import { useContainers } from '../api/hooks'
import type { FileEntry, FileStat } from '../api/types'
import { and, term } from '../base/query'
import { go, hrefOf, usePlace, withValues } from '../base/router'
import { bytesText, countText, modeText, visible } from '../base/text'
import { MarkEditor } from '../widgets/marks'
import { Empty, Evidence, Failed, Link, Time, Waiting } from '../widgets/values'
import { ChangeMark } from './Containers'
import { ArchiveDialog } from './ArchiveDialog'
import { Compare } from './Compare'
import { Bytes, Strings } from './FileBytes'
import { Picture } from './Picture'

// "both" is of the page only: the image's version beside the present one.
const BOTH = 'both'

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

export function Files() {
  const place = usePlace()
  const of = place.params.get('of') ?? 'host'
  const file = place.params.get('file')
  const fileHex = place.params.get('file_hex')
  const path = place.params.get('path') ?? (file ? parentOf(file) : '/')
  const containers = useContainers()
  const volumes = useQuery({
    queryKey: ['volumes'],
    queryFn: async () => (await get<{ volumes: { name: string; partition: number; filesystem: string | null }[] }>('/volumes')).volumes,
    staleTime: Infinity,
  })
  const listing = useInfiniteQuery({
    queryKey: ['ls', of, path],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      get<{ total: number; offset: number; entries: FileEntry[] }>('/files/ls', { of, path, offset: pageParam }, signal),
    getNextPageParam: (last) => {
      const next = last.offset + last.entries.filter((entry) => entry.change !== 'deleted').length
      return next < last.total ? next : undefined
    },
    staleTime: Infinity,
  })
  const places = [
    { value: 'host', label: 'the node (its root)' },
    ...(volumes.data ?? []).map((volume) => ({ value: `host:${volume.partition}`, label: `${volume.name} (${volume.filesystem ?? 'unreadable'})` })),
    ...(containers.data ?? [])
      .filter((container) => container.upper)
      .map((container) => ({
        value: `container:${container.id}`,
        label: `${container.pod ? `${container.pod.namespace}/${container.pod.name}/` : ''}${container.pod?.container ?? container.kind} ${container.id.slice(0, 12)}`,
      })),
  ]
  const parts = path.split('/').filter((part) => part !== '')
  const entries = listing.data?.pages.flatMap((page) => page.entries) ?? []
  const total = listing.data?.pages[0]?.total ?? 0
  const open = (entry: FileEntry) =>
    entry.type === 'd'
      ? go(hrefOf('/files', { of, path: entry.path }))
      : go(withValues(place, { path, file: entry.path, file_hex: entry.path_hex ?? null, view: place.params.get('view') }))
  if (volumes.error) return <Failed error={volumes.error} />
  return (
    <div className={`split files${file ? ' with-panel' : ''}`}>
      <div className="split-list">
        <div className="split-head">
          <Select
            size="xs"
            searchable
            aria-label="whose files"
            data={places}
            value={of}
            onChange={(value) => value && go(hrefOf('/files', { of: value }))}
          />
          <Breadcrumbs mt={8} separator="/" className="crumbs">
            <Link href={hrefOf('/files', { of })}>root</Link>
            {parts.map((part, index) => (
              <Link key={index} href={hrefOf('/files', { of, path: '/' + parts.slice(0, index + 1).join('/') })}>
                <Evidence>{part}</Evidence>
              </Link>
            ))}
          </Breadcrumbs>
        </div>
        <ScrollArea className="split-body" type="auto">
          {listing.isLoading && <Waiting />}
          {listing.error && <Failed error={listing.error} />}
          {listing.data && entries.length === 0 && <Empty title="An empty directory">Nothing was here, and nothing was deleted here.</Empty>}
          {entries.length > 0 && (
            <Table className="tight files-table" highlightOnHover withRowBorders={false}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>mode</Table.Th>
                  <Table.Th ta="right">size</Table.Th>
                  <Table.Th>modified</Table.Th>
                  <Table.Th>name</Table.Th>
                  <Table.Th>changed</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {entries.map((entry, index) => (
                  <Table.Tr key={index} className={`${entry.path === file ? 'selected' : ''}${entry.change === 'deleted' ? ' deleted' : ''}`}>
                    <Table.Td className="mono nowrap">{modeText(entry.type, entry.mode)}</Table.Td>
                    <Table.Td ta="right" className="nowrap">{entry.type === 'd' ? '' : bytesText(entry.size)}</Table.Td>
                    <Table.Td>
                      <Time value={entry.mtime} seconds />
                    </Table.Td>
                    <Table.Td>
                      <button type="button" className="name" onClick={() => open(entry)} disabled={entry.type !== 'd' && entry.type !== 'f' && entry.type !== 'l'}>
                        {visible(entry.name)}
                        {entry.type === 'd' && '/'}
                      </button>
                      {entry.target && (
                        <span className="dim">
                          {' '}
                          → <Evidence>{entry.target}</Evidence>
                        </span>
                      )}
                      {entry.problem && <span className="risk"> {visible(entry.problem)}</span>}
                    </Table.Td>
                    <Table.Td>
                      {entry.mount_point ? <span className="dim small">mount point</span> : <ChangeMark change={entry.change} />}{' '}
                      {entry.notable && <strong className="risk small">{entry.notable}</strong>}
                      {entry.type === 'd' && entry.changes_below > 0 && <span className="dim small">{countText(entry.changes_below)} below</span>}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
          {listing.hasNextPage && (
            <Button m="md" size="xs" variant="default" loading={listing.isFetchingNextPage} onClick={() => void listing.fetchNextPage()}>
              More of {countText(total)} names
            </Button>
          )}
        </ScrollArea>
      </div>
      {file && <FilePanel key={of + file} of={of} path={file} pathHex={fileHex} />}
    </div>
  )
}

function FilePanel({ of, path, pathHex }: { of: string; path: string; pathHex: string | null }) {
  const place = usePlace()
  const view = place.params.get('view') ?? 'hex'
  const asked = place.params.get('version') ?? ''
  const version = asked === BOTH ? '' : asked
  const [archiving, setArchiving] = useState(false)
  const name: Record<string, string> = pathHex ? { of, path_hex: pathHex } : { of, path }
  const stat = useQuery({
    queryKey: ['stat', of, path, pathHex, version],
    queryFn: ({ signal }) => get<FileStat>('/files/stat', { ...name, version }, signal),
    staleTime: Infinity,
    // A file that the container deleted is there in the version before.
    retry: false,
  })
  const containerId = of.startsWith('container:') ? of.slice('container:'.length) : null
  const touched = and(term('path', path), containerId ? term('container_id', containerId) : '')
  const onlyOld = stat.error !== null && version === '' && containerId !== null
  return (
    <aside className="panel wide" aria-label="file">
      <Group justify="space-between" className="panel-head" wrap="nowrap">
        <Text fw={600} className="wrap mono" size="sm">
          <Evidence>{path}</Evidence>
        </Text>
        <Button size="compact-xs" variant="subtle" onClick={() => go(withValues(place, { file: null, file_hex: null, view: null, version: null, path: parentOf(path) }))}>
          Close
        </Button>
      </Group>
      <ScrollArea className="panel-body" type="auto">
        {stat.isLoading && <Waiting />}
        {onlyOld && (
          <Empty title="It is not there any more">
            <Button size="compact-sm" variant="light" onClick={() => go(withValues(place, { version: 'old' }))}>
              Show what the image had
            </Button>
          </Empty>
        )}
        {stat.error && !onlyOld && <Failed error={stat.error} />}
        {stat.data && (
          <>
            <MarkEditor target={`file:${of}:${path}`} />
            <Group gap={6} className="panel-part">
              <Button size="compact-xs" variant="light" component="a" href={hrefOf('/timeline', { query: touched })}>
                Events that touched it
              </Button>
              {stat.data.sha256 && (
                <Button size="compact-xs" variant="light" component="a" href={hrefOf('/timeline', { query: term('sha256', stat.data.sha256) })}>
                  Events with its hash
                </Button>
              )}
              <Button size="compact-xs" variant="default" title="The custody ledger records it" onClick={() => download('/files/download', { ...name, version })}>
                Download
              </Button>
              <Button size="compact-xs" variant="default" title="A ZIP with a password; the custody ledger records it" onClick={() => setArchiving(true)}>
                Archive…
              </Button>
              <ArchiveDialog name={{ ...name, version }} opened={archiving} onClose={() => setArchiving(false)} />
              {(stat.data.has_old_version || version === 'old') && (
                <SegmentedControl
                  size="xs"
                  value={asked || 'new'}
                  onChange={(value) => go(withValues(place, { version: value === 'new' ? null : value }))}
                  data={[
                    { value: 'new', label: 'as it is' },
                    { value: 'old', label: 'as the image had it' },
                    { value: BOTH, label: 'side by side' },
                  ]}
                />
              )}
            </Group>
            <Facts stat={stat.data} />
            {of === 'host' && <Owners path={path} />}
            {stat.data.type === 'f' && (
              <div className="panel-part">
                <SegmentedControl
                  size="xs"
                  value={view}
                  onChange={(value) => go(withValues(place, { view: value }), true)}
                  data={['hex', 'text', 'strings', 'image']}
                  mb={8}
                />
                <View name={name} view={view} version={asked} hasBoth={stat.data.has_old_version} />
              </div>
            )}
          </>
        )}
      </ScrollArea>
    </aside>
  )
}

interface ViewProps {
  name: Record<string, string>
  view: string
  version: string
  hasBoth: boolean
}

function View({ name, view, version, hasBoth }: ViewProps) {
  if (version === BOTH && hasBoth) {
    if (view !== 'image') return <Compare name={name} view={view} />
    return (
      <div className="columns">
        <Picture name={{ ...name, version: 'old' }} title="as the image had it" />
        <Picture name={{ ...name, version: '' }} title="as it is" />
      </div>
    )
  }
  const one = { ...name, version: version === BOTH ? '' : version }
  if (view === 'strings') return <Strings name={one} />
  if (view === 'image') return <Picture name={one} title="picture" />
  return <Bytes name={one} view={view} />
}

function Facts({ stat }: { stat: FileStat }) {
  return (
    <table className="fields panel-part">
      <tbody>
        <tr>
          <th scope="row">mode</th>
          <td className="mono">
            {modeText(stat.type, stat.mode)} {stat.uid}:{stat.gid}
          </td>
        </tr>
        <tr>
          <th scope="row">size</th>
          <td>{countText(stat.size)} bytes</td>
        </tr>
        {(['mtime', 'ctime', 'atime', 'crtime'] as const).map((name) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <Time value={stat[name]} />
            </td>
          </tr>
        ))}
        {stat.sha256 && (
          <tr>
            <th scope="row">sha256</th>
            <td className="mono wrap">{stat.sha256}</td>
          </tr>
        )}
        {stat.kind && (
          <tr>
            <th scope="row">kind</th>
            <td>{stat.kind}</td>
          </tr>
        )}
        {stat.change && !stat.mount_point && (
          <tr>
            <th scope="row">change</th>
            <td>
              <ChangeMark change={stat.change} /> {stat.notable}
            </td>
          </tr>
        )}
        {stat.layer && (
          <tr>
            <th scope="row">layer</th>
            <td className="wrap">
              of the {stat.layer.of}: <Evidence>{stat.layer.directory}</Evidence>
            </td>
          </tr>
        )}
        <tr>
          <th scope="row">inode</th>
          <td>
            {stat.inode}, {stat.links} {stat.links === 1 ? 'name' : 'names'}
          </td>
        </tr>
        {stat.xattrs.map((xattr) => (
          <tr key={xattr.name}>
            <th scope="row">
              <Evidence>{xattr.name}</Evidence>
            </th>
            <td className="mono wrap">{xattr.value_hex}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Owners({ path }: { path: string }) {
  const whois = useQuery({
    queryKey: ['whois', path],
    queryFn: ({ signal }) =>
      get<{ owners: { relation: string; container_id: string | null; pod: string | null; image: string | null; path_inside: string | null }[] }>(
        '/files/whois',
        { path },
        signal,
      ),
    staleTime: Infinity,
  })
  if (!whois.data || whois.data.owners.length === 0) return null
  return (
    <div className="panel-part">
      <h3>Whose it is</h3>
      {whois.data.owners.map((owner, index) => (
        <div key={index} className="line">
          {owner.relation} of <Evidence>{owner.pod ?? owner.image ?? ''}</Evidence>{' '}
          {owner.container_id && (
            <Link href={hrefOf('/files', { of: `container:${owner.container_id}`, file: owner.path_inside })}>
              {owner.container_id.slice(0, 12)} <Evidence>{owner.path_inside}</Evidence>
            </Link>
          )}
        </div>
      ))}
    </div>
  )
}
