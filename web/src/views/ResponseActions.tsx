// What is done with a plan: approved, applied, taken back. Only where the server was started with --allow-response.
import { Alert, Button, Checkbox, Group, Modal, Progress, Table, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useResponseJob } from '../api/changes'
import type { ResponseJob } from '../api/changes'
import { post } from '../api/client'
import { useCase } from '../api/hooks'
import { countText, plural } from '../base/text'
import { Evidence, Failed, Time } from '../widgets/values'
import type { Plan, Step } from './Response'
import { refusalOf, stepsFor, wordsOf } from './response_steps'
import type { Verb } from './response_steps'

const NAMES: Record<Verb, string> = { approve: 'Approve', apply: 'Apply', undo: 'Undo' }
const TITLES: Record<Verb, string> = { approve: 'Approve this plan', apply: 'Apply this plan', undo: 'Take back what this plan did' }

export function ResponseActions({ plan }: { plan: Plan }) {
  const job = useResponseJob()
  const info = useCase()
  const [verb, setVerb] = useState<Verb | null>(null)
  if (!job.data || !info.data) return null
  if (!job.data.is_on) {
    return (
      <Text size="sm" className="dim" my={6}>
        <code>ekshume respond apply {`${info.data.path}/respond/${plan.id}.yaml`}</code>: <Evidence>{job.data.off_because}</Evidence>.
      </Text>
    )
  }
  if (info.data.role !== 'responder') {
    return (
      <Text size="sm" className="dim" my={6}>
        It needs the role responder to approve and apply it here.
      </Text>
    )
  }
  const steps = plan.steps ?? []
  const cannot: Record<Verb, string> = {
    approve: plan.is_yours ? 'You made it: somebody else approves it' : '',
    apply: stepsFor('apply', steps).length === 0 ? 'Nothing of it is left to be applied' : '',
    undo: stepsFor('undo', steps).length === 0 ? 'Nothing of it is in force that can be taken back' : '',
  }
  return (
    <Group gap={8} my={8} role="group" aria-label={`what to do with ${plan.id}`}>
      {(['approve', 'apply', 'undo'] as const).map((one) => (
        <Button
          key={one}
          size="compact-sm"
          variant={one === 'apply' ? 'filled' : 'default'}
          disabled={job.data.state === 'running' || cannot[one] !== ''}
          title={cannot[one] || undefined}
          onClick={() => setVerb(one)}
        >
          {NAMES[one]}…
        </Button>
      ))}
      {verb && <Confirm key={verb} plan={plan} verb={verb} onClose={() => setVerb(null)} />}
    </Group>
  )
}

function Confirm({ plan, verb, onClose }: { plan: Plan; verb: Verb; onClose: () => void }) {
  const client = useQueryClient()
  // As it was when it was opened: what is asked for is what was read, and the server compares the digest.
  const [read] = useState(plan)
  const all = stepsFor(verb, read.steps ?? [])
  const may = all.filter((step) => refusalOf(verb, read, step) === '')
  const [left, setLeft] = useState<string[]>([])
  const [typed, setTyped] = useState<Record<string, string>>({})
  const [error, setError] = useState<unknown>(null)
  const [sent, setSent] = useState(false)
  const chosen = may.filter((step) => !left.includes(step.id))
  const words = verb === 'apply' ? wordsOf(chosen) : []
  const isReady = verb === 'approve' || (chosen.length > 0 && words.every((one) => typed[one] === one))
  const send = () => {
    setSent(true)
    const steps = verb === 'approve' ? {} : { steps: chosen.map((step) => step.id) }
    const confirm = verb === 'apply' ? { confirm: words } : {}
    post<ResponseJob>(`/response/${verb}`, { plan: read.id, digest: read.digest, ...steps, ...confirm })
      .then(
        (answer) => {
          client.setQueryData(['response job'], answer)
          onClose()
        },
        (failure: unknown) => setError(failure),
      )
      .finally(() => setSent(false))
  }
  return (
    <Modal opened onClose={onClose} title={TITLES[verb]} size="xl" closeButtonProps={{ 'aria-label': 'close' }}>
      <Text size="sm">
        <Evidence>{read.target}</Evidence>
        {read.server && (
          <>
            {' '}
            in the cluster at <Evidence>{read.server}</Evidence>
          </>
        )}
        {read.account && (
          <>
            {' '}
            in the AWS account <Evidence>{read.account}</Evidence>
          </>
        )}
      </Text>
      <Text size="xs" className="dim wrap mono" mb={8}>
        <Evidence>{read.digest}</Evidence>
      </Text>
      {verb === 'approve' && <Text size="sm">You sign off these enabled steps, as they are now. Whoever changes the plan takes that away.</Text>}
      <Table className="tight">
        <Table.Tbody>
          {all.map((step) => (
            <Choice
              key={step.id}
              step={step}
              verb={verb}
              refusal={refusalOf(verb, read, step)}
              isOn={chosen.includes(step)}
              onChange={(on) => setLeft(on ? left.filter((id) => id !== step.id) : [...left, step.id])}
            />
          ))}
        </Table.Tbody>
      </Table>
      {words.length > 0 && (
        <Text size="sm" className="risk" mt={12}>
          Evidence of {words.length === 1 ? 'this' : 'these'} is destroyed and was not acquired under this plan. Type {words.length === 1 ? 'its name' : 'each name'} to
          go on.
        </Text>
      )}
      {words.map((one) => (
        <TextInput
          key={one}
          mt={6}
          size="xs"
          label={<Evidence>{one}</Evidence>}
          autoComplete="off"
          spellCheck={false}
          value={typed[one] ?? ''}
          onChange={(event) => setTyped({ ...typed, [one]: event.currentTarget.value })}
        />
      ))}
      {error !== null && <Failed error={error} title="The server refused it" />}
      <Group mt="md" gap={8}>
        <Button size="xs" disabled={!isReady} loading={sent} onClick={send}>
          {verb === 'approve' ? 'Approve' : `${NAMES[verb]} ${plural(chosen.length, 'step')}`}
        </Button>
        <Button size="xs" variant="default" onClick={onClose}>
          Cancel
        </Button>
      </Group>
    </Modal>
  )
}

interface ChoiceProps {
  step: Step
  verb: Verb
  refusal: string
  isOn: boolean
  onChange: (on: boolean) => void
}

function Choice({ step, verb, refusal, isOn, onChange }: ChoiceProps) {
  return (
    <Table.Tr>
      {verb !== 'approve' && (
        <Table.Td w={28}>
          <Checkbox
            size="xs"
            aria-label={step.id}
            checked={isOn}
            disabled={refusal !== ''}
            onChange={(event) => onChange(event.currentTarget.checked)}
          />
        </Table.Td>
      )}
      <Table.Td className="wrap">
        <Evidence>{step.what}</Evidence>
        {verb === 'undo' && (
          <div className="small">
            undo: <Evidence>{step.undo}</Evidence>
          </div>
        )}
        <div className="small dim">
          <Evidence>{step.id}</Evidence>: <Evidence>{step.object}</Evidence>
        </div>
        {step.kind === 'manual' && <div className="small">by hand</div>}
        {refusal && <div className="small risk">{refusal}</div>}
        {verb !== 'undo' && step.effect === 'destroys' && <div className="small risk">destroys evidence</div>}
      </Table.Td>
    </Table.Tr>
  )
}

const OUTCOMES = {
  done: { colour: 'teal', title: 'done' },
  done_with_losses: { colour: 'yellow', title: 'done, but not all of it' },
  stopped: { colour: 'yellow', title: 'stopped; what was done stands' },
  failed: { colour: 'red', title: 'failed; what was done before stands' },
}

/** The lines of a job; the newest is in sight. */
function Said({ lines }: { lines: string[] }) {
  const box = useRef<HTMLPreElement>(null)
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight
  }, [lines])
  return (
    <pre ref={box} className="plain said" role="region" aria-label="what it said" tabIndex={0}>
      <Evidence>{lines.map((line) => line.replace(/^ekshume: /, '')).join('\n')}</Evidence>
    </pre>
  )
}

/** What is being done, or how the last time ended. */
export function ResponseProgress() {
  const client = useQueryClient()
  const info = useCase()
  const [error, setError] = useState<unknown>(null)
  const job = useResponseJob().data
  if (!job || job.state === 'idle') return null
  const running = job.state === 'running'
  const outcome = OUTCOMES[job.outcome ?? 'failed']
  const stop = () =>
    post<ResponseJob>('/response/stop', {}).then(
      (answer) => client.setQueryData(['response job'], answer),
      (failure: unknown) => setError(failure),
    )
  return (
    <Alert
      color={running ? 'blue' : outcome.colour}
      mb="md"
      role="status"
      title={`${job.action ?? ''}: ${running ? 'running' : outcome.title}`}
    >
      <Text size="sm">
        <Evidence>{job.about?.plan}</Evidence>, begun <Time value={job.started} seconds /> by <Evidence>{job.by}</Evidence>
        {job.ended && (
          <>
            , ended <Time value={job.ended} seconds />
          </>
        )}
      </Text>
      {running && <Progress my={6} value={100} striped animated aria-label="a plan is being worked on" />}
      {(job.lines ?? []).length > 0 && <Said lines={job.lines ?? []} />}
      {!!job.dropped_lines && <Text size="sm">{countText(job.dropped_lines)} lines before these are not kept.</Text>}
      {running && info.data?.role === 'responder' && (
        <Button mt={8} size="compact-sm" variant="default" disabled={job.stop_was_asked} onClick={() => void stop()}>
          {job.stop_was_asked ? 'Stopping' : 'Stop'}
        </Button>
      )}
      {error !== null && <Failed error={error} />}
    </Alert>
  )
}
