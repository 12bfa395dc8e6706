import { Button, Modal, MultiSelect, TextInput } from '@mantine/core'
import { useState } from 'react'
import { COLUMNS } from '../api/columns'

export function SaveSearch({ opened, onClose, onSave }: { opened: boolean; onClose: () => void; onSave: (name: string) => void }) {
  const [name, setName] = useState('')
  const save = () => {
    if (name.trim() === '') return
    onSave(name.trim())
    setName('')
    onClose()
  }
  return (
    <Modal opened={opened} onClose={onClose} title="Save this search">
      <TextInput
        data-autofocus
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && save()}
      />
      <Button mt="md" size="xs" onClick={save} disabled={name.trim() === ''}>
        Save
      </Button>
    </Modal>
  )
}

interface ColumnsProps {
  opened: boolean
  onClose: () => void
  columns: string[]
  /** null: the usual ones. */
  onChoose: (names: string[] | null) => void
}

export function ChooseColumns({ opened, onClose, columns, onChoose }: ColumnsProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Columns">
      <MultiSelect
        label="Shown, in this order"
        data={COLUMNS.filter((column) => column.name !== 'raw').map((column) => column.name)}
        value={columns}
        searchable
        onChange={onChoose}
      />
      <Button mt="md" size="xs" variant="default" onClick={() => onChoose(null)}>
        The usual ones
      </Button>
    </Modal>
  )
}
