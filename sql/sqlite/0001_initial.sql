-- The first schema. Times are microseconds since 1970 in UTC; truth values are 0 and 1; JSON is text.
-- A step, once released, is never edited: the next change is a new file.

CREATE TABLE masters (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT    NOT NULL UNIQUE,
    fence          INTEGER NOT NULL,
    started_at     INTEGER NOT NULL,
    last_active_at INTEGER NOT NULL,
    active         INTEGER NOT NULL
) STRICT;

-- Ids given out in blocks, so that a row can be written later than its id is known.
CREATE TABLE id_blocks (
    kind TEXT    NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
    id          INTEGER PRIMARY KEY,
    arrived_at  INTEGER NOT NULL,
    happened_at INTEGER NOT NULL,
    author      TEXT    NOT NULL,
    committer   TEXT,
    comments    TEXT    NOT NULL,
    files       TEXT    NOT NULL,
    revision    TEXT,
    branch      TEXT,
    repository  TEXT    NOT NULL,
    codebase    TEXT    NOT NULL,
    project     TEXT    NOT NULL,
    category    TEXT,
    revlink     TEXT    NOT NULL,
    properties  TEXT    NOT NULL
) STRICT;

-- One row for each distinct source stamp; the digest is over all its fields.
CREATE TABLE sourcestamps (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    digest     TEXT    NOT NULL UNIQUE,
    codebase   TEXT    NOT NULL,
    project    TEXT    NOT NULL,
    repository TEXT    NOT NULL,
    branch     TEXT,
    revision   TEXT,
    patch      TEXT
) STRICT;

CREATE TABLE builders (
    name        TEXT    NOT NULL PRIMARY KEY,
    next_number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `open_requests` counts down to the completion of the buildset, which so happens exactly once.
CREATE TABLE buildsets (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    scheduler     TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    external_id   TEXT    NOT NULL,
    submitted_at  INTEGER NOT NULL,
    complete_at   INTEGER,
    results       INTEGER,
    open_requests INTEGER NOT NULL,
    properties    TEXT    NOT NULL,
    parent_build  INTEGER REFERENCES builds (id) ON DELETE SET NULL
) STRICT;
CREATE INDEX buildsets_open ON buildsets (id) WHERE complete_at IS NULL;
CREATE INDEX buildsets_of_scheduler ON buildsets (scheduler, id);
CREATE INDEX buildsets_external ON buildsets (external_id) WHERE external_id <> '';
CREATE INDEX buildsets_of_parent ON buildsets (parent_build) WHERE parent_build IS NOT NULL;

CREATE TABLE buildset_sourcestamps (
    buildset    INTEGER NOT NULL REFERENCES buildsets (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    sourcestamp INTEGER NOT NULL REFERENCES sourcestamps (id),
    PRIMARY KEY (buildset, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX buildset_sourcestamps_back ON buildset_sourcestamps (sourcestamp, buildset);

CREATE TABLE buildset_changes (
    buildset INTEGER NOT NULL REFERENCES buildsets (id) ON DELETE CASCADE,
    change   INTEGER NOT NULL REFERENCES changes (id) ON DELETE CASCADE,
    PRIMARY KEY (buildset, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX buildset_changes_back ON buildset_changes (change, buildset);

-- A claim holds the master's id and the fence that the master had when it claimed.
CREATE TABLE build_requests (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    buildset     INTEGER NOT NULL REFERENCES buildsets (id) ON DELETE CASCADE,
    builder      TEXT    NOT NULL,
    priority     INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    claimed_by   INTEGER REFERENCES masters (id),
    claimed_at   INTEGER,
    fence        INTEGER,
    complete_at  INTEGER,
    results      INTEGER,
    outcome      TEXT
) STRICT;
CREATE INDEX build_requests_unclaimed ON build_requests (builder, priority DESC, id)
    WHERE complete_at IS NULL AND claimed_by IS NULL;
CREATE INDEX build_requests_claimed ON build_requests (claimed_by, id)
    WHERE complete_at IS NULL AND claimed_by IS NOT NULL;
CREATE INDEX build_requests_of_buildset ON build_requests (buildset);
CREATE INDEX build_requests_of_builder ON build_requests (builder, id);

CREATE TABLE builds (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    builder     TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    request     INTEGER NOT NULL REFERENCES build_requests (id) ON DELETE CASCADE,
    buildset    INTEGER NOT NULL REFERENCES buildsets (id) ON DELETE CASCADE,
    worker      TEXT    NOT NULL,
    master      INTEGER NOT NULL REFERENCES masters (id),
    started_at  INTEGER NOT NULL,
    complete_at INTEGER,
    state       TEXT    NOT NULL,
    results     INTEGER,
    reason      TEXT    NOT NULL,
    UNIQUE (builder, number)
) STRICT;
CREATE INDEX builds_of_builder ON builds (builder, id);
CREATE INDEX builds_of_worker ON builds (worker, id);
CREATE INDEX builds_of_request ON builds (request);
CREATE INDEX builds_of_buildset ON builds (buildset);
CREATE INDEX builds_of_results ON builds (results, id);
CREATE INDEX builds_running ON builds (id) WHERE complete_at IS NULL;

CREATE TABLE build_properties (
    build  INTEGER NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    name   TEXT    NOT NULL,
    value  TEXT    NOT NULL,
    source TEXT    NOT NULL,
    PRIMARY KEY (build, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
    id          INTEGER PRIMARY KEY,
    build       INTEGER NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    started_at  INTEGER,
    complete_at INTEGER,
    state       TEXT    NOT NULL,
    results     INTEGER,
    hidden      INTEGER NOT NULL,
    UNIQUE (build, number)
) STRICT;

CREATE TABLE logs (
    id         INTEGER PRIMARY KEY,
    step       INTEGER NOT NULL REFERENCES steps (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    slug       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    line_count INTEGER NOT NULL,
    complete   INTEGER NOT NULL,
    UNIQUE (step, slug)
) STRICT;

-- Whole lines only; `size` is that of the plain text, `content` is one zstd frame.
CREATE TABLE log_chunks (
    log        INTEGER NOT NULL REFERENCES logs (id) ON DELETE CASCADE,
    first_line INTEGER NOT NULL,
    last_line  INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    content    BLOB    NOT NULL,
    PRIMARY KEY (log, first_line)
) STRICT;

-- `cursor` is the id of the last change that this scheduler has classified.
CREATE TABLE schedulers (
    name   TEXT    NOT NULL PRIMARY KEY,
    cursor INTEGER NOT NULL,
    state  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE scheduler_changes (
    scheduler TEXT    NOT NULL REFERENCES schedulers (name) ON DELETE CASCADE,
    change    INTEGER NOT NULL REFERENCES changes (id) ON DELETE CASCADE,
    important INTEGER NOT NULL,
    PRIMARY KEY (scheduler, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX scheduler_changes_back ON scheduler_changes (change);

CREATE TABLE verdicts (
    change    INTEGER NOT NULL REFERENCES changes (id) ON DELETE CASCADE,
    scheduler TEXT    NOT NULL,
    buildset  INTEGER REFERENCES buildsets (id) ON DELETE SET NULL,
    reason    TEXT    NOT NULL,
    PRIMARY KEY (change, scheduler)
) STRICT, WITHOUT ROWID;
CREATE INDEX verdicts_of_buildset ON verdicts (buildset) WHERE buildset IS NOT NULL;

CREATE TABLE workers (
    name         TEXT    NOT NULL PRIMARY KEY,
    last_seen_at INTEGER,
    connected_to INTEGER REFERENCES masters (id),
    info         TEXT    NOT NULL,
    paused       INTEGER NOT NULL,
    graceful     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What change sources, schedulers' helpers and the like keep for themselves: JSON by owner and name.
CREATE TABLE object_state (
    object TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (object, name)
) STRICT, WITHOUT ROWID;
