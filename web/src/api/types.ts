// What /api/v1 answers. docs/formats/report.md describes the members; only those that the page uses are
// named here.

export type Level = 'informational' | 'low' | 'medium' | 'high' | 'critical'
export const LEVELS: Level[] = ['informational', 'low', 'medium', 'high', 'critical']

export interface Act {
  time: string | null
  last: string | null
  sentence: string
  level: Level | null
  actor: string | null
  place: string | null
  source: string
  refused: boolean
  count: number
  tactics: string[]
  techniques: string[]
  findings: string[]
  events: string[]
  paths: string[]
}

export interface Incident {
  id: string
  title: string
  summary: string
  verdict: string
  level: Level
  confidence: string
  reasons: string[]
  first: string | null
  last: string | null
  entry: { sentence: string; findings: string[]; events: string[] } | null
  actors: { name: string; kind: string; role: string; names: { field: string; value: string }[]; addresses: string[]; first: string | null; last: string | null }[]
  places: { kind: string; name: string; namespace: string | null; pod: string | null; node: string | null; image: string | null; how: string; host_access: string[]; likely_way: boolean; first: string | null }[]
  identities: Thing[]
  secrets: Thing[]
  persistence: Thing[]
  tactics: { name: string; id: string; first: string | null; findings: number; techniques: string[] }[]
  acts: Act[]
  acts_left_out?: number
  next_steps: { phase: string; action: string; target: string; why: string }[]
  graph: { nodes: GraphNode[]; edges: GraphEdge[]; nodes_left_out?: number }
  findings: string[]
}

export interface Thing {
  kind: string
  name: string
  where: string | null
  how: string
  time: string | null
  findings: string[]
  events: string[]
}

export interface GraphNode {
  id: string
  kind: string
  label: string
  level: Level | null
}

export interface GraphEdge {
  from: string
  to: string
  verb: string
  time: string | null
}

export interface CaseInfo {
  id: string
  path: string
  created: string
  analyst: string
  role: 'reader' | 'analyst' | 'responder'
  has_report: boolean
  evidence_paths: string[]
  verdict?: { word: string; confidence: string; summary: string; findings: number }
  incidents?: Incident[]
  to_confirm?: { sentence: string; why: string; level: Level; first: string | null; findings: string[]; events: string[] }[]
  coverage?: { sources?: { source: string; rows: number; first: string | null; last: string | null; silent: unknown[] }[] } & Record<string, unknown>
  cannot_show?: { path: string; reason: string; lost: boolean }[]
  diagnostics?: { code: string; severity: string; meaning: string; evidence: string; offset: number | null; detail: string }[]
  events?: { total: number; items: { name: string; size: number; sha256: string; formats: string; records: number; rows: number; damaged: number; unknown: number }[]; sources: { source: string; rows: number }[] }
  evidence?: { path: string; format: string; size: number; hashes?: { path: string; sha256: string }[]; partitions?: { number: number; type_name: string; problem: string | null }[] }[]
  node?: Record<string, unknown>
  live_count?: number
  containers_count?: number
}

export interface Finding {
  id: string
  detector: string
  rule: string
  title: string
  level: Level
  tags: string[]
  first: string | null
  last: string | null
  count: number
  actor: string | null
  object: string | null
  namespace: string | null
  pod: string | null
  container_id: string | null
  path: string | null
  source_ip: string | null
  events: string[]
  explanation: string
}

export type EventRow = { id: string; time: string | null; message: string | null } & Record<string, string | number | null>

export interface Histogram {
  total: number
  without_time: number
  first: string | null
  last: string | null
  width_ns: number
  bars: number[]
}

export type Facets = Record<string, { value: string | null; count: number }[]>

export interface Comment {
  time: string
  analyst: string
  text: string
}

export interface Marks {
  star: boolean
  colour: string
  tags: string[]
  comments: Comment[]
  state?: string
  reason?: string
  by?: string
}

export interface AnnotationState {
  revision: number
  targets: Record<string, Marks>
  searches: { name: string; query: string; from?: string; to?: string; columns?: string }[]
  notes: string
}

export interface Container {
  id: string
  name: string
  kind: string
  image: string | null
  image_digest: string | null
  pod: { name: string; namespace: string; uid: string; container: string | null } | null
  state: string
  created: string | null
  started: string | null
  finished: string | null
  exit_code: number | null
  privileged: boolean | null
  host_pid: boolean
  host_network: boolean
  host_access?: string[]
  capabilities: string[]
  mounts: { source: string; destination: string; type: string; options: string[] }[]
  arguments: string[]
  environment: string[]
  user: string | null
  upper: string | null
  lower: string[]
  labels: Record<string, string>
  recovered: boolean
  changes: { added: number; modified: number; metadata: number; deleted: number; notable?: number; entries?: ChangeEntry[] } | null
  changes_problem: string | null
}

export interface ChangeEntry {
  path: string
  change: string
  type: string
  mode: string
  size: number
  mtime: string
  sha256: string | null
  kind: string | null
  notable: string | null
  mount_point: boolean
}

export interface FileEntry {
  name: string
  path: string
  path_hex?: string
  type: string
  mode: string
  uid: number
  gid: number
  size: number
  mtime: string
  ctime: string
  atime: string
  crtime: string | null
  inode: number
  links: number
  target: string | null
  change: string | null
  notable: string | null
  mount_point: boolean
  changes_below: number
  problem?: string | null
}

export interface FileStat extends FileEntry {
  allocated: number
  sha256: string | null
  kind: string | null
  xattrs: { name: string; value_hex: string }[]
  has_old_version: boolean
  layer: { index: number; directory: string; of: string } | null
}

export interface CustodyRecord {
  sequence: number
  time: string
  user: string
  analyst?: string
  host: string
  version: string
  action: string
  arguments: string[]
  evidence: { path: string; size: number; sha256: string }[]
  change?: Record<string, unknown>
}
