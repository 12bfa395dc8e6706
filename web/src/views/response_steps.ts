// Which steps of a plan a verb is about, and what stands against them: as the server decides it, said before it is asked.
import type { Plan, Step } from './Response'

export type Verb = 'approve' | 'apply' | 'undo'

/** The steps that a verb is about, in the order in which they are taken. */
export function stepsFor(verb: Verb, steps: Step[]): Step[] {
  if (verb === 'approve') return steps.filter((step) => step.enabled)
  if (verb === 'apply') return steps.filter((step) => step.enabled && step.state !== 'done' && step.kind !== 'manual')
  // What was begun or failed may stand: undo looks.
  const mayStand = ['done', 'begun', 'failed', 'undo begun']
  return steps.filter((step) => mayStand.includes(step.state) && step.kind !== 'manual' && step.can_be_undone).reverse()
}

/** Why a step cannot be taken by whoever asks; "" when it can. */
export function refusalOf(verb: Verb, plan: Plan, step: Step): string {
  if (verb !== 'apply' || !step.needs_approval || plan.is_approved_for_you) return ''
  return 'needs an approval of the plan as it is, by somebody who neither made it nor applies it'
}

/** What is typed before these steps are taken, each once. */
export function wordsOf(steps: Step[]): string[] {
  return [...new Set(steps.map((step) => step.confirm).filter((words) => words !== ''))]
}
