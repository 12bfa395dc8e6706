import { Alert, Badge, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { get } from '../api/client'
import { CopyJson, Empty, Evidence, Failed, Part, Time, Waiting } from '../widgets/values'

interface Step {
  id: string
  phase: string
  kind: string
  what: string
  reason: string
  effect: string
  undo: string
  object: string
  enabled: boolean
  needs_approval: boolean
  missing: string[]
  state: string
  error: string
  since: string
  by: string
}

interface Plan {
  id: string
  problem: string | null
  target?: string
  created?: string
  by?: string
  server?: string
  warnings?: string[]
  approvals?: { by: string; time: string; of_this_plan: boolean }[]
  steps?: Step[]
}

const STATE_COLOUR: Record<string, string> = { done: 'teal', failed: 'red', begun: 'yellow', undone: 'blue' }
const EFFECT_COLOUR: Record<string, string> = { preserves: 'teal', alters: 'yellow', destroys: 'red' }

export function Response() {
  const response = useQuery({ queryKey: ['response'], queryFn: async () => (await get<{ plans: Plan[] }>('/response')).plans })
  if (response.isLoading) return <Waiting />
  if (response.error) return <Failed error={response.error} />
  const plans = response.data ?? []
  if (plans.length === 0) {
    return (
      <Empty title="No plan of response yet">
        <code>ekshume respond plan</code> makes one for a pod, node or identity of this case. Plans are shown here, and applied on the command
        line only.
      </Empty>
    )
  }
  return (
    <div className="page">
      {plans.map((plan) => (
        <Part key={plan.id} title={plan.target ?? plan.id} right={<CopyJson value={plan} />}>
          {plan.problem && (
            <Alert color="red" title="This plan cannot be read">
              <Evidence>{plan.problem}</Evidence>
            </Alert>
          )}
          <Text size="sm" className="dim">
            <Evidence>{plan.id}</Evidence>, made <Time value={plan.created} seconds /> by <Evidence>{plan.by}</Evidence> for{' '}
            <Evidence>{plan.server}</Evidence>
          </Text>
          {(plan.warnings ?? []).map((warning) => (
            <Text key={warning} size="sm" className="risk">
              <Evidence>{warning}</Evidence>
            </Text>
          ))}
          <Text size="sm">
            {(plan.approvals ?? []).length === 0
              ? 'Nobody approved it.'
              : (plan.approvals ?? []).map((one) => `${one.by} approved ${one.of_this_plan ? 'it' : 'an earlier form of it'}`).join('; ')}
          </Text>
          <Table className="tight">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>state</Table.Th>
                <Table.Th>phase</Table.Th>
                <Table.Th>what</Table.Th>
                <Table.Th>evidence</Table.Th>
                <Table.Th>undo</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {(plan.steps ?? []).map((step) => (
                <Table.Tr key={step.id} className={step.enabled ? '' : 'dismissed'}>
                  <Table.Td>
                    <Badge size="xs" variant="light" color={STATE_COLOUR[step.state] ?? 'gray'}>
                      {step.state}
                    </Badge>
                    {step.error && (
                      <div className="risk small">
                        <Evidence>{step.error}</Evidence>
                      </div>
                    )}
                    {step.by && (
                      <div className="small dim">
                        <Evidence>{step.by}</Evidence>
                      </div>
                    )}
                  </Table.Td>
                  <Table.Td>{step.phase}</Table.Td>
                  <Table.Td className="wrap">
                    <Evidence>{step.what}</Evidence>
                    <div className="small dim">
                      <Evidence>{step.object}</Evidence> <Evidence>{step.reason}</Evidence>
                    </div>
                    {step.missing.length > 0 && <div className="risk small">not allowed: {step.missing.join(', ')}</div>}
                    {step.needs_approval && <div className="small">needs approval</div>}
                  </Table.Td>
                  <Table.Td>
                    <Badge size="xs" variant="light" color={EFFECT_COLOUR[step.effect] ?? 'gray'}>
                      {step.effect}
                    </Badge>
                  </Table.Td>
                  <Table.Td className="wrap small">
                    <Evidence>{step.undo}</Evidence>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Part>
      ))}
    </div>
  )
}
