// What the case is made of: coverage, evidence, diagnostics.
import { Badge, Table, Text } from '@mantine/core'
import type { CaseInfo } from '../api/types'
import { term } from '../base/query'
import { hrefOf } from '../base/router'
import { bytesText, countText, plural } from '../base/text'
import { Evidence, Link, Part, Time } from '../widgets/values'

export function Coverage({ data }: { data: CaseInfo }) {
  const sources = data.coverage?.sources ?? []
  return (
    <Part title="What the evidence shows, and what it cannot">
      <Table withRowBorders={false} className="tight">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>source</Table.Th>
            <Table.Th ta="right">events</Table.Th>
            <Table.Th>from</Table.Th>
            <Table.Th>to</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sources.map((source) => (
            <Table.Tr key={source.source}>
              <Table.Td>
                <Link href={hrefOf('/timeline', { query: term('source', source.source) })}>{source.source}</Link>
              </Table.Td>
              <Table.Td ta="right" className="mono">
                {countText(source.rows)}
              </Table.Td>
              <Table.Td>
                <Time value={source.first} seconds />
              </Table.Td>
              <Table.Td>
                <Time value={source.last} seconds />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <ul className="plain-list gaps">
        {(data.cannot_show ?? []).map((gap) => (
          <li key={gap.path}>
            <strong>
              <Evidence>{gap.path}</Evidence>
            </strong>{' '}
            <Evidence>{gap.reason}</Evidence>
            {gap.lost && <Badge size="xs" color="orange" variant="light">may exist elsewhere</Badge>}
          </li>
        ))}
      </ul>
    </Part>
  )
}

export function EvidenceList({ data }: { data: CaseInfo }) {
  return (
    <Part title="Evidence" right={<Link href="/ingest">Add evidence</Link>}>
      {(data.evidence ?? []).map((item) => (
        <div key={item.path} className="card">
          <Evidence>{item.path}</Evidence>{' '}
          <span className="dim">
            {item.format}, {bytesText(item.size)}
          </span>
          {(item.hashes ?? []).map((hash) => (
            <div key={hash.path} className="small mono wrap dim">
              sha256 {hash.sha256}
            </div>
          ))}
        </div>
      ))}
      {(data.events?.items ?? []).map((item) => (
        <div key={item.name} className="card">
          <Evidence>{item.name}</Evidence>{' '}
          <span className="dim">
            {plural(item.records, 'record')}, {plural(item.rows, 'event')}
            {item.damaged > 0 && `, ${countText(item.damaged)} damaged`}
            {item.unknown > 0 && `, ${countText(item.unknown)} of no known format`}
          </span>
          {item.sha256 && <div className="small mono wrap dim">sha256 {item.sha256}</div>}
        </div>
      ))}
    </Part>
  )
}

export function Diagnostics({ data }: { data: CaseInfo }) {
  const diagnostics = data.diagnostics ?? []
  return (
    <Part title={`Diagnostics (${diagnostics.length})`}>
      {diagnostics.length === 0 && <Text size="sm">Nothing about the evidence was unusual.</Text>}
      <ul className="plain-list">
        {diagnostics.map((one, index) => (
          <li key={index}>
            <Badge size="xs" radius="sm" variant="light" color={one.severity === 'error' ? 'red' : one.severity === 'data_loss' ? 'orange' : 'gray'}>
              {one.severity}
            </Badge>{' '}
            <Evidence>{one.meaning}</Evidence>{' '}
            <span className="dim small wrap">
              <Evidence>{one.evidence}</Evidence> <Evidence>{one.detail}</Evidence>
            </span>
          </li>
        ))}
      </ul>
    </Part>
  )
}
