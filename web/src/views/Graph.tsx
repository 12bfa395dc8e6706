import { Button, Chip, Group, Select, Slider, Text, useComputedColorScheme } from '@mantine/core'
import cytoscape from 'cytoscape'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useCase } from '../api/hooks'
import type { GraphEdge, GraphNode, Incident } from '../api/types'
import { term } from '../base/query'
import { go, hrefOf } from '../base/router'
import { shortened, utcText, visible } from '../base/text'
import { Empty, Evidence, Failed, Waiting } from '../widgets/values'

const KIND_COLOUR: Record<string, string> = {
  address: '#6b7f8c',
  actor: '#d9822b',
  identity: '#b0568f',
  secret: '#c23b3b',
  pod: '#12857a',
  container: '#12857a',
  node: '#3c6fb5',
  file: '#8a7a3d',
  finding: '#99a3aa',
}

// Cytoscape would put a style sheet into the page, which the Content-Security-Policy forbids; with an
// element of this id it takes it to be there (page.css has its one rule).
const STYLE_ID = '__________cytoscape_stylesheet'

// What stands beside a node until it is pointed at or chosen; the list at the side has all of it.
const LABEL_CHARACTERS = 26

// How large a label is on the screen at least, however far away the graph is; in the graph it grows up to a limit.
const LEAST_PIXELS = 10.5
const LABEL_SIZE = 11
const LARGEST_SIZE = 20

/** Where more about a node is. */
function hrefOfNode(node: GraphNode): string | null {
  const name = node.id.slice(node.id.indexOf(':') + 1)
  switch (node.kind) {
    case 'finding':
      return hrefOf('/findings', { id: name })
    case 'container':
      return hrefOf('/containers', { id: name })
    case 'pod':
      return hrefOf('/timeline', { query: term('pod', node.label.split('/').pop() ?? node.label) })
    case 'actor':
    case 'identity':
      return hrefOf('/timeline', { query: term('actor', node.label) })
    case 'address':
      return hrefOf('/timeline', { query: term('source_ip', node.label) })
    case 'node':
      return hrefOf('/timeline', { query: term('node', node.label) })
    case 'file':
      return hrefOf('/timeline', { query: term('path', node.label) })
    default:
      return null
  }
}

export function Graph() {
  const info = useCase()
  const incidents = info.data?.incidents ?? []
  const [number, setNumber] = useState('0')
  if (info.isLoading) return <Waiting />
  if (info.error) return <Failed error={info.error} />
  const incident = incidents[Number(number)]
  if (!incident) {
    return <Empty title="No incident, no graph">The graph joins actors, pods, nodes and files of an incident. This case has none.</Empty>
  }
  return (
    <div className="graph-view">
      {incidents.length > 1 && (
        <Select
          size="xs"
          aria-label="which incident"
          value={number}
          onChange={(value) => value && setNumber(value)}
          data={incidents.map((one, index) => ({ value: String(index), label: one.title }))}
        />
      )}
      <Picture key={incident.id} incident={incident} />
    </div>
  )
}

function Picture({ incident }: { incident: Incident }) {
  const { nodes, edges } = incident.graph
  const dark = useComputedColorScheme('dark') === 'dark'
  const element = useRef<HTMLDivElement>(null)
  const graph = useRef<cytoscape.Core | null>(null)
  const [withFindings, setWithFindings] = useState(false)
  const [expanded, setExpanded] = useState<Set<string>>(new Set())
  const [chosen, setChosen] = useState<GraphNode | null>(null)
  const times = useMemo(() => edges.map((edge) => edge.time).filter((time): time is string => time !== null).sort(), [edges])
  const [until, setUntil] = useState(times.length)
  const limit = until >= times.length ? null : (times[until] ?? null)

  const shown = useMemo(() => {
    const early = edges.filter((edge) => limit === null || (edge.time !== null && edge.time < limit))
    const kindOf = new Map(nodes.map((node) => [node.id, node.kind]))
    const visibleNode = (id: string) => withFindings || kindOf.get(id) !== 'finding'
    const near = (edge: GraphEdge) => expanded.has(edge.from) || expanded.has(edge.to)
    const lines = early.filter((edge) => (visibleNode(edge.from) && visibleNode(edge.to)) || near(edge))
    const ids = new Set(lines.flatMap((edge) => [edge.from, edge.to]))
    if (limit === null) for (const node of nodes) if (visibleNode(node.id)) ids.add(node.id)
    return { nodes: nodes.filter((node) => ids.has(node.id)), edges: lines }
  }, [nodes, edges, limit, withFindings, expanded])

  useEffect(() => {
    if (!element.current) return
    const ground = dark ? '#0f1417' : '#f5f7f8'
    const ink = dark ? '#d5dde2' : '#1d272e'
    const core = cytoscape({
      container: element.current,
      elements: [
        ...shown.nodes.map((node) => ({ data: { ...node, label: shortened(visible(node.label), LABEL_CHARACTERS), full: visible(node.label).slice(0, 300), colour: KIND_COLOUR[node.kind] ?? '#888' } })),
        ...shown.edges.map((edge, index) => ({ data: { id: `edge${index}`, source: edge.from, target: edge.to, verb: edge.verb } })),
      ],
      style: [
        {
          selector: 'node',
          style: {
            'background-color': 'data(colour)',
            label: 'data(label)',
            color: ink,
            'font-size': LABEL_SIZE,
            'text-valign': 'bottom',
            'text-margin-y': 4,
            'text-wrap': 'wrap',
            'text-max-width': '220px',
            'text-overflow-wrap': 'anywhere',
            // Lines and other nodes do not run through the letters.
            'text-background-color': ground,
            'text-background-opacity': 0.85,
            'text-background-padding': '2px',
            width: 22,
            height: 22,
          },
        },
        { selector: 'node[kind="finding"]', style: { width: 10, height: 10, shape: 'diamond', 'font-size': 9 } },
        { selector: 'node[kind="node"], node[kind="pod"]', style: { shape: 'round-rectangle', width: 28 } },
        { selector: 'node[level="high"], node[level="critical"]', style: { 'border-width': 3, 'border-color': '#e0622f' } },
        { selector: 'node.near, node:selected', style: { label: 'data(full)', 'z-index': 10, 'text-max-width': '260px', 'text-background-opacity': 1 } },
        { selector: 'node:selected', style: { 'border-width': 4, 'border-color': '#37b6a6' } },
        {
          selector: 'edge',
          style: {
            width: 1.2,
            'line-color': dark ? '#4b5a64' : '#b6c0c7',
            'target-arrow-color': dark ? '#4b5a64' : '#b6c0c7',
            'target-arrow-shape': 'triangle',
            'arrow-scale': 0.8,
            'curve-style': 'bezier',
          },
        },
        // What an edge says is shown for those of one thing at a time: all at once nobody could read.
        {
          selector: 'edge.near',
          style: {
            width: 2,
            label: 'data(verb)',
            'font-size': 10,
            color: ink,
            'z-index': 9,
            'text-background-color': ground,
            'text-background-opacity': 1,
            'text-background-padding': '2px',
          },
        },
      ],
      layout: {
        name: 'cose',
        animate: false,
        randomize: false,
        nodeDimensionsIncludeLabels: true,
        nodeRepulsion: () => 220000,
        nodeOverlap: 40,
        idealEdgeLength: () => 130,
        componentSpacing: 90,
        numIter: 2500,
        padding: 40,
      },
      wheelSensitivity: 0.3,
    })
    let size = 0
    const scaleLabels = () => {
      const wanted = Math.round(Math.min(Math.max(LABEL_SIZE, LEAST_PIXELS / core.zoom()), LARGEST_SIZE))
      if (wanted === size) return
      size = wanted
      core.batch(() => core.nodes('[kind!="finding"]').style('font-size', size))
    }
    core.on('zoom', scaleLabels)
    scaleLabels()
    core.on('tap', 'node', (event) => {
      const id = (event.target as cytoscape.NodeSingular).id()
      setChosen(nodes.find((node) => node.id === id) ?? null)
      setExpanded((before) => (before.has(id) ? before : new Set(before).add(id)))
    })
    const point = (to: cytoscape.NodeCollection) => {
      core.elements('.near').removeClass('near')
      to.addClass('near')
      to.connectedEdges().addClass('near')
    }
    core.on('mouseover', 'node', (event) => point(core.collection().union(event.target as cytoscape.NodeSingular).nodes()))
    core.on('mouseout', 'node', () => point(core.$('node:selected')))
    core.on('select unselect', 'node', () => point(core.$('node:selected')))
    graph.current = core
    return () => core.destroy()
  }, [shown, dark, nodes])

  const href = chosen && hrefOfNode(chosen)
  return (
    <>
      <Group gap="md" className="graph-head" wrap="nowrap">
        <Chip size="xs" checked={withFindings} onChange={setWithFindings}>
          findings
        </Chip>
        <Button size="compact-xs" variant="default" onClick={() => graph.current?.fit(undefined, 40)}>
          Fit
        </Button>
        <div className="graph-time">
          <Slider
            size="sm"
            min={0}
            max={times.length}
            value={until}
            onChange={setUntil}
            label={null}
            thumbLabel="until when"
            aria-label="until when"
          />
        </div>
        <Text size="xs" className="mono nowrap">
          {limit ? `before ${utcText(limit).slice(0, 23)}` : 'all of it'}
        </Text>
      </Group>
      <div className="graph-body">
        <span id={STYLE_ID} hidden />
        <div ref={element} className="graph" role="img" aria-label={`graph of ${shown.nodes.length} things; the list beside it names them`} />
        <aside className="graph-side" aria-label="things of the graph">
          {chosen && (
            <div className="card">
              <strong>
                <Evidence>{chosen.label}</Evidence>
              </strong>
              <div className="dim">{chosen.kind}</div>
              {edges
                .filter((edge) => edge.from === chosen.id || edge.to === chosen.id)
                .slice(0, 30)
                .map((edge, index) => (
                  <div key={index} className="small">
                    {edge.from === chosen.id ? '→' : '←'} {edge.verb}{' '}
                    <Evidence>{nodes.find((node) => node.id === (edge.from === chosen.id ? edge.to : edge.from))?.label}</Evidence>
                  </div>
                ))}
              {href && (
                <Button size="compact-xs" variant="light" mt={6} onClick={() => go(href)}>
                  Show more of it
                </Button>
              )}
            </div>
          )}
          {shown.nodes
            .filter((node) => node.kind !== 'finding')
            .map((node) => (
              <button
                key={node.id}
                type="button"
                className="graph-item"
                onClick={() => {
                  setChosen(node)
                  const found = graph.current?.getElementById(node.id)
                  graph.current?.$(':selected').unselect()
                  found?.select()
                  if (found) graph.current?.center(found)
                }}
              >
                <span className={`dot dot-${node.kind}`} /> <Evidence>{node.label}</Evidence> <span className="dim small">{node.kind}</span>
              </button>
            ))}
        </aside>
      </div>
    </>
  )
}
