// How often each value is there among what is shown; a click narrows. Plain buttons: there are more than a hundred.
import { memo } from 'react'
import { useFacets } from '../api/hooks'
import type { Selection } from '../api/hooks'
import { and, andNot, missing, term } from '../base/query'
import { countText, visible } from '../base/text'
import type { Pivot } from '../widgets/Value'

const FIELDS = ['source', 'action', 'outcome', 'user_name', 'source_ip', 'namespace', 'pod', 'container', 'object_kind', 'node']

export const FacetPanel = memo(function FacetPanel({ selection, pivot }: { selection: Selection; pivot: Pivot }) {
  const facets = useFacets(selection, FIELDS)
  return (
    <div className="facets" role="group" aria-label="facets">
      {FIELDS.map((field) => {
        const values = (facets.data?.[field] ?? []).filter((one) => one.value !== null && one.value !== '')
        const without = (facets.data?.[field] ?? []).find((one) => one.value === null)
        if (values.length === 0) return null
        const most = Math.max(...values.map((one) => one.count))
        return (
          <section key={field} aria-label={field}>
            <h3>{field}</h3>
            {values.map((one) => {
              const text = one.value ?? ''
              return (
                <div key={text} className="facet">
                  <button
                    type="button"
                    className="facet-value"
                    title={`only ${field} ${text}`}
                    onClick={() => pivot.search(and(pivot.query, term(field, text)))}
                  >
                    <span className="facet-bar" style={{ width: `${(100 * one.count) / most}%` }} />
                    <span className="facet-text">{visible(text)}</span>
                    <span className="facet-count">{countText(one.count)}</span>
                  </button>
                  <button
                    type="button"
                    className="facet-not"
                    aria-label={`without ${field} ${text}`}
                    title={`without ${text}`}
                    onClick={() => pivot.search(andNot(pivot.query, term(field, text)))}
                  >
                    −
                  </button>
                </div>
              )
            })}
            {without && (
              <button type="button" className="facet-none" onClick={() => pivot.search(and(pivot.query, missing(field)))}>
                without: {countText(without.count)}
              </button>
            )}
          </section>
        )
      })}
    </div>
  )
})
