import { Alert, Badge, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { get } from '../api/client'
import { CopyJson, Empty, Evidence, Failed, Part, Time, Waiting } from '../widgets/values'
import { ResponseActions, ResponseProgress } from './ResponseActions'

export interface Step {
  id: string
  phase: string
  kind: string
  what: string
  reason: string
  effect: string
  undo: string
  can_be_undone: boolean
  object: string
  /** What is asked of the cluster or of AWS. */
  request: Record<string, unknown>
  enabled: boolean
  needs_approval: boolean
  missing: string[]
  /** What is typed before it destroys evidence that was not acquired; "" for most. */
  confirm: string
  state: string
  error: string
  since: string
  by: string
}

export interface Plan {
  id: string
  digest?: string
  problem: string | null
  target?: string
  created?: string
  by?: string
  server?: string
  account?: string
  warnings?: string[]
  approvals?: { by: string; time: string; of_this_plan: boolean }[]
  /** Whether somebody approved it who neither made it nor asks. */
  is_approved_for_you?: boolean
  is_yours?: boolean
  steps?: Step[]
}

const STATE_COLOUR: Record<string, string> = { done: 'teal', failed: 'red', begun: 'yellow', 'undo begun': 'yellow', undone: 'blue' }
const EFFECT_COLOUR: Record<string, string> = { preserves: 'teal', alters: 'yellow', destroys: 'red' }

export function Response() {
  const response = useQuery({ queryKey: ['response'], queryFn: async () => (await get<{ plans: Plan[] }>('/response')).plans })
  if (response.isLoading) return <Waiting />
  if (response.error) return <Failed error={response.error} />
  const plans = response.data ?? []
  if (plans.length === 0) {
    return (
      <Empty title="No plan of response yet">
        <code>ekshume respond plan</code> makes one for a pod, node or identity of this case.
      </Empty>
    )
  }
  return (
    <div className="page">
      <ResponseProgress />
      {plans.map((plan) => (
        <PlanPart key={plan.id} plan={plan} />
      ))}
    </div>
  )
}

function PlanPart({ plan }: { plan: Plan }) {
  if (plan.problem) {
    return (
      <Part title={plan.id}>
        <Alert color="red" title="This plan cannot be read">
          <Evidence>{plan.problem}</Evidence>
        </Alert>
      </Part>
    )
  }
  const approvals = plan.approvals ?? []
  return (
    <Part title={plan.target ?? plan.id} right={<CopyJson value={plan} />}>
      <Text size="sm" className="dim">
        <Evidence>{plan.id}</Evidence>, made <Time value={plan.created} seconds /> by <Evidence>{plan.by}</Evidence>
        {plan.server && (
          <>
            {' '}
            for the cluster at <Evidence>{plan.server}</Evidence>
          </>
        )}
        {plan.account && (
          <>
            {' '}
            for the AWS account <Evidence>{plan.account}</Evidence>
          </>
        )}
      </Text>
      {(plan.warnings ?? []).map((warning) => (
        <Text key={warning} size="sm" className="risk">
          <Evidence>{warning}</Evidence>
        </Text>
      ))}
      <Text size="sm">
        {approvals.length === 0 && 'Nobody approved it.'}
        {approvals.map((one, index) => (
          <span key={index}>
            {index > 0 && '; '}
            <Evidence>{one.by}</Evidence> approved {one.of_this_plan ? 'it' : 'an earlier form of it'} <Time value={one.time} seconds />
          </span>
        ))}
      </Text>
      <ResponseActions plan={plan} />
      <Table className="tight plan">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={116}>state</Table.Th>
            <Table.Th w={74}>phase</Table.Th>
            <Table.Th>what</Table.Th>
            <Table.Th w={92}>evidence</Table.Th>
            <Table.Th w="26%">undo</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {(plan.steps ?? []).map((step) => (
            <StepRow key={step.id} step={step} />
          ))}
        </Table.Tbody>
      </Table>
    </Part>
  )
}

function StepRow({ step }: { step: Step }) {
  const isOff = !step.enabled && step.state === 'open'
  return (
    <Table.Tr className={isOff ? 'quiet' : ''}>
      <Table.Td className="wrap">
        <Badge size="xs" variant="light" color={STATE_COLOUR[step.state] ?? 'gray'}>
          {isOff ? 'not enabled' : step.state}
        </Badge>
        {step.by && (
          <div className="small dim">
            <Evidence>{step.by}</Evidence>
            <br />
            <Time value={step.since} seconds />
          </div>
        )}
      </Table.Td>
      <Table.Td>{step.phase}</Table.Td>
      <Table.Td className="wrap">
        <Evidence>{step.what}</Evidence>
        <div className="small dim">
          <Evidence>{step.id}</Evidence>: <Evidence>{step.object}</Evidence>
        </div>
        {step.reason && (
          <div className="small dim">
            <Evidence>{step.reason}</Evidence>
          </div>
        )}
        {step.error && step.state !== 'undone' && (
          <div className="risk small">
            <Evidence>{step.error}</Evidence>
          </div>
        )}
        {step.missing.length > 0 && (
          <div className="risk small">
            not allowed: <Evidence>{step.missing.join(', ')}</Evidence>
          </div>
        )}
        {step.kind === 'manual' && <div className="small">by hand</div>}
        {step.needs_approval && <div className="small">needs an approval</div>}
        {Object.keys(step.request).length > 0 && (
          <details className="small">
            <summary>what is asked</summary>
            <pre className="plain">
              <Evidence>{JSON.stringify(step.request, null, 2)}</Evidence>
            </pre>
          </details>
        )}
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
  )
}
