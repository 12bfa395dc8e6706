import { SegmentedControl, Select, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { get } from '../api/client'
import { term } from '../base/query'
import { hrefOf } from '../base/router'
import { plural } from '../base/text'
import { Empty, Evidence, Failed, Link, Part, Time, Waiting } from '../widgets/values'
import { inTreeOrder } from './process_tree'
import type { ProcessRow } from './process_tree'

interface Socket {
  protocol: string
  state: string | null
  local: { address: string; port: number } | null
  remote: { address: string; port: number } | null
  processes: { pid: number; process: string }[]
}

interface Live {
  path: string
  format: string
  taken: string | null
  hostname: string | null
  kernel: string | null
  processes: ProcessRow[]
  sockets: Socket[]
  missing?: unknown[]
}

export function Processes() {
  const live = useQuery({
    queryKey: ['processes'],
    queryFn: async () => (await get<{ live: Live[] }>('/processes')).live,
    staleTime: Infinity,
  })
  const [chosen, setChosen] = useState('0')
  const [view, setView] = useState('processes')
  if (live.isLoading) return <Waiting />
  if (live.error) return <Failed error={live.error} />
  const all = live.data ?? []
  if (all.length === 0) {
    return (
      <Empty title="Nothing of a running system in this case">
        Processes and connections come from a collection or a checkpoint: take one with <code>ekshume acquire pod</code> or{' '}
        <code>ekshume collect</code>, then add it with <code>ekshume investigate FILE --case CASE</code>.
      </Empty>
    )
  }
  const one = all[Number(chosen)] ?? all[0]
  if (!one) return null
  return (
    <div className="page">
      <Part
        title="What was running"
        right={
          <SegmentedControl
            size="xs"
            value={view}
            onChange={setView}
            data={[
              { value: 'processes', label: plural(one.processes.length, 'process', 'processes') },
              { value: 'sockets', label: plural(one.sockets.length, 'connection') },
            ]}
          />
        }
      >
        {all.length > 1 && (
          <Select
            size="xs"
            mb="sm"
            aria-label="which acquisition"
            value={chosen}
            onChange={(value) => value && setChosen(value)}
            data={all.map((item, index) => ({ value: String(index), label: item.path }))}
          />
        )}
        <Text size="sm" className="dim" mb="sm">
          <Evidence>{one.path}</Evidence> ({one.format}), taken <Time value={one.taken} seconds />
          {one.hostname && (
            <>
              {' '}
              on <Evidence>{one.hostname}</Evidence>
            </>
          )}
        </Text>
        {view === 'processes' ? <Tree rows={one.processes} /> : <Sockets rows={one.sockets} />}
      </Part>
    </div>
  )
}

function Tree({ rows }: { rows: ProcessRow[] }) {
  return (
    <Table className="tight" withRowBorders={false}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th ta="right">pid</Table.Th>
          <Table.Th>start</Table.Th>
          <Table.Th>user</Table.Th>
          <Table.Th>pod</Table.Th>
          <Table.Th>command</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {inTreeOrder(rows).map(({ row, depth }) => (
          <Table.Tr key={row.pid}>
            <Table.Td ta="right" className="mono">
              {row.pid}
            </Table.Td>
            <Table.Td>
              <Time value={row.start} seconds />
            </Table.Td>
            <Table.Td>
              <Evidence>{row.user ?? row.effective_uid ?? ''}</Evidence>
            </Table.Td>
            <Table.Td>
              {row.pod?.name ? (
                <Link href={hrefOf('/timeline', { query: term('pod', row.pod.name) })}>
                  <Evidence>{row.pod.name}</Evidence>
                </Link>
              ) : row.container_id ? (
                <Link href={hrefOf('/containers', { id: row.container_id })}>{row.container_id.slice(0, 12)}</Link>
              ) : null}
            </Table.Td>
            <Table.Td className="wrap mono" style={{ paddingLeft: 8 + Math.min(depth, 20) * 16 }}>
              <Evidence>{row.command_line || row.name || ''}</Evidence>
              {row.executable_deleted && <strong className="risk"> its program was deleted</strong>}
              {row.hidden && <strong className="risk"> hidden</strong>}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function endText(end: Socket['local']): string {
  if (!end) return ''
  return end.address.includes(':') ? `[${end.address}]:${end.port}` : `${end.address}:${end.port}`
}

function Sockets({ rows }: { rows: Socket[] }) {
  return (
    <Table className="tight" withRowBorders={false}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>protocol</Table.Th>
          <Table.Th>local</Table.Th>
          <Table.Th>remote</Table.Th>
          <Table.Th>state</Table.Th>
          <Table.Th>of</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows
          .filter((row) => row.local)
          .map((row, index) => (
            <Table.Tr key={index}>
              <Table.Td>{row.protocol}</Table.Td>
              <Table.Td className="mono">{endText(row.local)}</Table.Td>
              <Table.Td className="mono">{endText(row.remote)}</Table.Td>
              <Table.Td>{row.state}</Table.Td>
              <Table.Td>
                <Evidence>{row.processes.map((holder) => `${holder.pid} ${holder.process}`).join(', ')}</Evidence>
              </Table.Td>
            </Table.Tr>
          ))}
      </Table.Tbody>
    </Table>
  )
}
