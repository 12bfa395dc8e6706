// The search language with completion: fields, then the values that the case has for one.
import { Kbd, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { forwardRef, useEffect, useState } from 'react'
import { COLUMNS } from '../api/columns'
import { useFacets } from '../api/hooks'
import { wordAt } from '../base/query'
import { visible } from '../base/text'

const EVERYTHING = { query: '', from: '', to: '', mark: '' }
const MOST_SHOWN = 9

interface Choice {
  insert: string
  about: string
}

interface Props {
  value: string
  onSearch: (query: string) => void
  error?: string
}

export const SearchBox = forwardRef<HTMLInputElement, Props>(function SearchBox({ value, onSearch, error }, ref) {
  const [text, setText] = useState(value)
  const [caret, setCaret] = useState(0)
  const [open, setOpen] = useState(false)
  const [chosen, setChosen] = useState(-1)
  useEffect(() => setText(value), [value])

  const word = wordAt(text, caret)
  const field = word.field.replace(/\./g, '_').toLowerCase()
  const known = COLUMNS.some((column) => column.name === field)
  const [askedField] = useDebouncedValue(open && known ? field : '', 150)
  const facets = useFacets(EVERYTHING, askedField ? [askedField] : [], 50)

  let choices: Choice[] = []
  if (open && word.field !== '' && askedField === field) {
    choices = (facets.data?.[field] ?? [])
      .filter((one) => one.value !== null && one.value.toLowerCase().includes(word.text.toLowerCase()))
      .map((one) => ({ insert: `${word.field}:"${(one.value ?? '').replace(/(["\\])/g, '\\$1')}" `, about: `${one.count}` }))
  } else if (open && word.field === '' && word.text !== '') {
    choices = COLUMNS.filter((column) => column.name.startsWith(word.text.toLowerCase())).map((column) => ({
      insert: `${column.name}:`,
      about: column.about,
    }))
  }
  choices = choices.slice(0, MOST_SHOWN)

  const take = (choice: Choice) => {
    const next = text.slice(0, word.start) + choice.insert + text.slice(word.end)
    setText(next)
    setCaret(word.start + choice.insert.length)
    setChosen(-1)
  }

  return (
    <div className="search">
      <TextInput
        ref={ref}
        value={text}
        error={error ? true : undefined}
        placeholder='search: verb:create AND namespace:shop, "words", 198.51.100.23'
        aria-label="search"
        role="combobox"
        aria-expanded={choices.length > 0}
        aria-controls="search-choices"
        aria-activedescendant={chosen >= 0 ? `search-choice-${chosen}` : undefined}
        rightSection={<Kbd size="xs">/</Kbd>}
        classNames={{ input: 'mono' }}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setCaret(event.currentTarget.selectionStart ?? event.currentTarget.value.length)
          setOpen(true)
          setChosen(-1)
        }}
        onBlur={() => setOpen(false)}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' && choices.length > 0) {
            event.preventDefault()
            setChosen((chosen + 1) % choices.length)
          } else if (event.key === 'ArrowUp' && choices.length > 0) {
            event.preventDefault()
            setChosen((chosen + choices.length - 1) % choices.length)
          } else if ((event.key === 'Tab' && choices.length > 0) || (event.key === 'Enter' && chosen >= 0)) {
            const choice = choices[Math.max(chosen, 0)]
            if (choice) {
              event.preventDefault()
              take(choice)
            }
          } else if (event.key === 'Enter') {
            setOpen(false)
            onSearch(text.trim())
          } else if (event.key === 'Escape') {
            if (choices.length > 0) setOpen(false)
            else event.currentTarget.blur()
          }
        }}
      />
      {choices.length > 0 && (
        <ul className="choices" id="search-choices" role="listbox">
          {choices.map((choice, index) => (
            <li
              key={choice.insert}
              id={`search-choice-${index}`}
              role="option"
              aria-selected={index === chosen}
              className={index === chosen ? 'chosen' : ''}
              onMouseDown={(event) => {
                event.preventDefault()
                take(choice)
              }}
            >
              <span className="mono">{visible(choice.insert)}</span>
              <span className="dim">{choice.about}</span>
            </li>
          ))}
        </ul>
      )}
      {error && (
        <pre className="query-error" role="alert">
          {visible(error)}
        </pre>
      )}
    </div>
  )
})
