-- Several masters may have, and may be connected to, the same worker. Why a worker is paused, and the environment
-- that it told of.
CREATE TABLE connected_workers (
    worker TEXT    NOT NULL,
    master INTEGER NOT NULL REFERENCES masters (id),
    PRIMARY KEY (worker, master)
) STRICT, WITHOUT ROWID;
INSERT INTO connected_workers (worker, master)
    SELECT name, connected_to FROM workers WHERE connected_to IS NOT NULL;

CREATE TABLE configured_workers (
    master  INTEGER NOT NULL REFERENCES masters (id),
    worker  TEXT    NOT NULL,
    builder TEXT    NOT NULL,
    PRIMARY KEY (master, worker, builder)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers_anew (
    name         TEXT    NOT NULL PRIMARY KEY,
    last_seen_at INTEGER,
    info         TEXT    NOT NULL,
    environ      TEXT    NOT NULL,
    paused       INTEGER NOT NULL,
    pause_reason TEXT,
    graceful     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO workers_anew (name, last_seen_at, info, environ, paused, graceful)
    SELECT name, last_seen_at, info, '{}', paused, graceful FROM workers;
DROP TABLE workers;
ALTER TABLE workers_anew RENAME TO workers;
