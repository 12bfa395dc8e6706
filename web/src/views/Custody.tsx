import { Alert, Button, Group, Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { get } from '../api/client'
import type { CustodyRecord } from '../api/types'
import { plural } from '../base/text'
import { CopyJson, Evidence, Failed, Part, Time, Waiting } from '../widgets/values'

export function Custody() {
  const ledger = useQuery({
    queryKey: ['custody'],
    queryFn: async () => (await get<{ records: CustodyRecord[] }>('/custody')).records,
  })
  const verified = useQuery({
    queryKey: ['custody', 'verify'],
    queryFn: () => get<{ unbroken: boolean; records?: number; problem?: string }>('/custody/verify'),
  })
  if (ledger.isLoading) return <Waiting />
  if (ledger.error) return <Failed error={ledger.error} />
  const records = [...(ledger.data ?? [])].reverse()
  return (
    <div className="page">
      <Part
        title="Custody ledger"
        right={
          <Group gap={6}>
            <Button size="compact-xs" variant="default" loading={verified.isFetching} onClick={() => void verified.refetch()}>
              Verify
            </Button>
            <CopyJson value={ledger.data} />
          </Group>
        }
      >
        {verified.data && (
          <Alert
            role={verified.data.unbroken ? 'status' : 'alert'}
            color={verified.data.unbroken ? 'teal' : 'red'}
            title={verified.data.unbroken ? 'The chain is unbroken' : 'The chain is broken'}
            mb="md"
          >
            {verified.data.unbroken
              ? `${plural(verified.data.records ?? 0, 'record')}: each holds the SHA-256 of the one before it.`
              : verified.data.problem}
          </Alert>
        )}
        <Table className="tight">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>#</Table.Th>
              <Table.Th>time</Table.Th>
              <Table.Th>who</Table.Th>
              <Table.Th>on</Table.Th>
              <Table.Th>did</Table.Th>
              <Table.Th>what</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {records.map((record) => (
              <Table.Tr key={record.sequence}>
                <Table.Td className="mono">{record.sequence}</Table.Td>
                <Table.Td>
                  <Time value={record.time} seconds />
                </Table.Td>
                <Table.Td className="nowrap">
                  <Evidence>{record.analyst ?? record.user}</Evidence>
                  {record.analyst && record.analyst !== record.user && (
                    <span className="dim">
                      {' '}
                      as <Evidence>{record.user}</Evidence>
                    </span>
                  )}
                </Table.Td>
                <Table.Td>
                  <Evidence>{record.host}</Evidence>
                </Table.Td>
                <Table.Td>{record.action}</Table.Td>
                <Table.Td className="wrap">
                  {record.change ? (
                    <code className="small">
                      <Evidence>{JSON.stringify(record.change)}</Evidence>
                    </code>
                  ) : (
                    <code className="small">
                      <Evidence>{record.arguments.join(' ')}</Evidence>
                    </code>
                  )}
                  {record.evidence.map((item) => (
                    <div key={item.path} className="small dim mono wrap">
                      <Evidence>{item.path}</Evidence> {item.sha256}
                    </div>
                  ))}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Part>
    </div>
  )
}
