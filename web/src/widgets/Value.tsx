// A value of a column, with what one can do with it.
import { Menu, UnstyledButton } from '@mantine/core'
import { and, andNot, missing, term } from '../base/query'
import { go, hrefOf } from '../base/router'
import { Evidence, Time } from './values'

export interface Pivot {
  query: string
  search: (query: string) => void
}

const LONG = 2000

export function Value({ field, value, pivot }: { field: string; value: string | number | null; pivot: Pivot }) {
  if (value === null) return <span className="dim">none</span>
  const text = String(value)
  const one = value === '' ? missing(field) : term(field, text)
  if (field === 'time') return <Time value={text} />
  if (field === 'raw' || text.length > LONG) return <Evidence>{text}</Evidence>
  return (
    <Menu shadow="md" position="bottom-start" withinPortal>
      <Menu.Target>
        <UnstyledButton className="value" aria-label={`${field}: ${text}. What to do with it`}>
          <Evidence>{text}</Evidence>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => pivot.search(and(pivot.query, one))}>Only with this {field}</Menu.Item>
        <Menu.Item onClick={() => pivot.search(andNot(pivot.query, one))}>Without this {field}</Menu.Item>
        <Menu.Item onClick={() => go(hrefOf('/timeline', { query: one }))}>All events with it, of any time</Menu.Item>
        {(field === 'user_name' || field === 'user_arn' || field === 'access_key_id' || field === 'service_account') && (
          <Menu.Item onClick={() => go(hrefOf('/timeline', { query: term('actor', text) }))}>All of this actor, under every name</Menu.Item>
        )}
        <Menu.Item onClick={() => void navigator.clipboard.writeText(text)}>Copy</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
