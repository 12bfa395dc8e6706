import { expect, it } from 'vitest'
import type { Plan, Step } from './Response'
import { refusalOf, stepsFor, wordsOf } from './response_steps'

const step = (id: string, more: Partial<Step> = {}): Step => ({
  id, phase: '', kind: 'aws', what: '', reason: '', effect: 'preserves', undo: '', can_be_undone: true, object: '', request: {}, enabled: true,
  needs_approval: false, missing: [], confirm: '', state: 'open', error: '', since: '', by: '', ...more,
})
const ids = (steps: Step[]) => steps.map((one) => one.id)

it('applies what is enabled and not done, and leaves to people what is theirs', () => {
  const steps = [step('a', { state: 'done' }), step('b'), step('c', { enabled: false }), step('d', { kind: 'manual' }), step('e', { state: 'failed' })]
  expect(ids(stepsFor('apply', steps))).toEqual(['b', 'e'])
  expect(ids(stepsFor('approve', steps))).toEqual(['a', 'b', 'd', 'e'])
})

it('takes back from the end what may stand and can be taken back', () => {
  const steps = [step('a', { state: 'done' }), step('b'), step('c', { state: 'begun' }), step('d', { state: 'undone' }), step('e', { state: 'done', can_be_undone: false })]
  expect(ids(stepsFor('undo', steps))).toEqual(['c', 'a'])
})

it('asks for an approval where there is none for whoever asks, and to apply only', () => {
  const plan = (is_approved_for_you: boolean): Plan => ({ id: 'p', problem: null, is_approved_for_you })
  const guarded = step('a', { needs_approval: true })
  expect(refusalOf('apply', plan(false), guarded)).toContain('needs an approval')
  expect(refusalOf('apply', plan(true), guarded)).toBe('')
  expect(refusalOf('undo', plan(false), guarded)).toBe('')
  expect(refusalOf('apply', plan(false), step('b'))).toBe('')
})

it('asks for each of the words once', () => {
  expect(wordsOf([step('a', { confirm: 'pod/x/y' }), step('b'), step('c', { confirm: 'pod/x/y' }), step('d', { confirm: 'node/n' })])).toEqual(['pod/x/y', 'node/n'])
})
